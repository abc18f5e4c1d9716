/*
 * The dispatcher: see dispatch.c. Its functions are called by assembly, and by each other.
 */
#ifndef RT_ENTRY_DISPATCH_H
#define RT_ENTRY_DISPATCH_H

#include "rt/base/thread.h"

/* With the program's registers in thread->regs as they are at its call. ctx: entry */
void rt_dispatch(struct rt_thread *thread) __attribute__((noreturn));
/* The same for a call that the guard caught. ctx: entry */
void rt_dispatch_guarded(struct rt_thread *thread) __attribute__((noreturn));
/* The call is over: goes to the program. ctx: entry */
void rt_leave(struct rt_thread *thread, long result) __attribute__((noreturn));
/* What rt_forward leaves: there is another hook, or the call is not the kernel's alone. ctx: entry */
long rt_forward_on(struct k23_call *call);

#endif
