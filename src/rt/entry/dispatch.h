/*
 * The dispatcher: see dispatch.c. Its functions are called by assembly, and by each other.
 */
#ifndef RT_ENTRY_DISPATCH_H
#define RT_ENTRY_DISPATCH_H

#include "rt/base/thread.h"

/* Makes a call, with the program's registers in thread->regs as they are before it, and then after it. ctx: entry */
void rt_dispatch(struct rt_thread *thread);
/* The same for a call that the guard caught. ctx: entry */
void rt_dispatch_guarded(struct rt_thread *thread);
/* The end of a call with this result. ctx: entry */
void rt_leave(struct rt_thread *thread, long result);
/* What rt_forward leaves: there is another hook, the call is not the kernel's alone, or it is not to be forwarded.
 * ctx: entry */
long rt_forward_on(struct k23_call *call);

#endif
