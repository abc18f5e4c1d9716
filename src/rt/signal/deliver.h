/*
 * Delivery: what the kernel does with a signal that a thread is to take, done for the program's handler and mask.
 */
#ifndef RT_SIGNAL_DELIVER_H
#define RT_SIGNAL_DELIVER_H

#include "rt/base/thread.h"

/* Notes a signal for the end of the call in flight: false if that is not possible. ctx: entry | sigsys */
bool rt_deliver_note(struct rt_thread *thread, int sig, const siginfo_t *info,
		     const struct rt_sigaction *action) must_check;
/* If SIGSYS has been noted last, it comes before the others. ctx: sigsys */
void rt_deliver_sigsys_first(struct rt_thread *thread);
/* Makes `uc`, which holds the program's registers and its mask, go to the program's handler. handler_mask is
 * what the handler's mask is made from: the same mask, or that of the call which the signal ended. ctx: sigsys */
void rt_deliver(struct rt_thread *thread, int sig, siginfo_t *info, const struct rt_sigaction *action,
		struct ucontext *uc, uint64_t handler_mask);
/* All that have been noted, in the order in which the kernel would take them, one on top of the other: the last one's
 * handler runs first. One that a handler's mask blocks goes back to the kernel. ctx: sigsys */
void rt_deliver_noted(struct rt_thread *thread, struct ucontext *uc, uint64_t handler_mask);
/* The same when the call in flight is over: `uc` is that of rt_return's system call. ctx: sigsys */
void rt_deliver_deferred(struct rt_thread *thread, struct ucontext *uc);
/* Lets the kernel do what it does by default, with the program's registers: for most signals, death. ctx: sigsys */
void rt_deliver_default(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc);

#endif
