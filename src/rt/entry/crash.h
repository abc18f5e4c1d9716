/*
 * A fault of the runtime's or of a hook's.
 */
#ifndef RT_ENTRY_CRASH_H
#define RT_ENTRY_CRASH_H

#include "rt/base/thread.h"

/* Says whose fault it is, and lets it happen again, which ends the process. ctx: sigsys */
void rt_crashed(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

#endif
