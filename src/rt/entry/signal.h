/*
 * What a signal is that arrives: see signal.c.
 */
#ifndef RT_ENTRY_SIGNAL_H
#define RT_ENTRY_SIGNAL_H

#include "rt/base/thread.h"

/* Called by rt_signal_entry. Returns a thread that is to enter the dispatcher, or NULL: rt_sigreturn goes to `uc`.
 * ctx: sigsys */
struct rt_thread *rt_signal(int sig, siginfo_t *info, struct ucontext *uc);

#endif
