/*
 * %gs: the fast path finds the thread through its base, which is the thread's only register that a program under Linux
 * has no use for. A program that uses it all the same keeps what it sets, and its thread's calls take the guard.
 */
#ifndef RT_X86_64_GS_H
#define RT_X86_64_GS_H

#include "rt/base/thread.h"

/* Whether a base is ours: the same test as in x86_64/need_gs.h. ctx: any */
bool rt_gs_ours(uint64_t base);
/* ctx: boot | entry */
void rt_gs_set(struct rt_thread *thread);
/* A child has its creator's base, but for ours. ctx: entry, in the child */
void rt_gs_inherit(struct rt_thread *child);
/* Unless the program has set another. ctx: entry */
void rt_gs_take(struct rt_thread *thread);
/* From here on the calling thread's calls take the guard. ctx: entry */
void rt_gs_give_up(void);

#endif
