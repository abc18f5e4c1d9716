/*
 * A fault of the runtime's or of a hook's.
 */
#ifndef RT_ENTRY_CRASH_H
#define RT_ENTRY_CRASH_H

#include "rt/base/thread.h"

/* Whether a fault outside of the runtime and the hooks is that of a hook, which has jumped there. ctx: sigsys */
bool rt_hook_strayed(const struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

/* Says whose fault it is, and lets it happen again, which ends the process. ctx: sigsys */
void rt_crashed(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

#endif
