/*
 * The base of %gs, through which the fast path finds the thread. Programs under Linux hardly ever use this register. If
 * a program does set it, the program keeps what it sets, and the calls of the thread take the guard.
 *
 * With FSGSBASE, an instruction that programs may use as well, the base alone tells whether the thread uses the fast
 * path. Without, only calls change the base, and selectors: the runtime's then stays there, and a mark in the thread
 * tells. What cannot be found out quickly is whether the program has set it, so a process whose program does takes the
 * guard altogether.
 */
#ifndef RT_X86_64_GS_H
#define RT_X86_64_GS_H

#include "rt/base/thread.h"

/* Whether a base is one that the runtime sets: the test of x86_64/need_gs.h, in C. ctx: any */
bool rt_gs_ours(uint64_t base);
/* The base that the runtime sets for a thread. ctx: any */
uint64_t rt_gs_base(const struct rt_thread *thread);
/* Whether the calling thread uses the fast path. ctx: any */
bool rt_gs_used(void);
/* Whether a process whose program sets this base cannot use the fast path any more. ctx: entry */
bool rt_gs_excludes(uint64_t base);
/* Points %gs at the region of the calling thread, which from then on uses the fast path. Returns whether that can be
 * done. ctx: boot | entry | sigsys */
bool rt_gs_set(struct rt_thread *thread);
/* In a new task, which has its creator's base from the kernel: if that is the runtime's, points %gs at the child's own
 * region. ctx: entry, in the child */
void rt_gs_inherit(struct rt_thread *child);
/* Points %gs at the thread's region if the base is 0, so that the program does not use %gs any more. ctx: entry |
 * sigsys */
void rt_gs_take(struct rt_thread *thread);
/* From now on the calls of the calling thread take the guard, if they do not already. ctx: entry | sigsys */
void rt_gs_give_up(void);

#endif
