/*
 * The base of %gs, through which the fast path finds the thread. Programs under Linux hardly ever use this register. If
 * a program does set it, the program keeps what it sets, and the calls of the thread take the guard.
 */
#ifndef RT_X86_64_GS_H
#define RT_X86_64_GS_H

#include "rt/base/thread.h"

/* Whether a base is one that the runtime sets: the test of x86_64/need_gs.h, in C. ctx: any */
bool rt_gs_ours(uint64_t base);
/* Whether the calling thread uses the fast path. ctx: any */
bool rt_gs_used(void);
/* Points %gs at the region of the calling thread, which from then on uses the fast path. ctx: boot | entry */
void rt_gs_set(struct rt_thread *thread);
/* In a new task, which has its creator's base from the kernel: if that is the runtime's, points %gs at the child's own
 * region. ctx: entry, in the child */
void rt_gs_inherit(struct rt_thread *child);
/* Points %gs at the thread's region if the base is 0, so that the program does not use %gs any more. ctx: entry */
void rt_gs_take(struct rt_thread *thread);
/* Makes the base 0 if it is the runtime's: from then on the calls of the calling thread take the guard. ctx: entry */
void rt_gs_give_up(void);

#endif
