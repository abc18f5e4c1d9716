/*
 * Keeping the process dumpable (PR_SET_DUMPABLE) while an execve needs it: a helper may attach only to a dumpable
 * process.
 *
 * The kernel keeps this attribute for the memory, so all threads and vfork children have it together. Several of them
 * may need it at a time, and each can be killed at any moment. So each need is a claim, which another task can release.
 */
#ifndef RT_BASE_DUMPABLE_H
#define RT_BASE_DUMPABLE_H

#include "rt/base/thread.h"

/* Makes the process dumpable, and notes the claim in `thread`. ctx: entry, signals blocked */
void rt_dumpable_need(struct rt_thread *thread);
/* Takes a claim from its thread, if that still has it; its region may even be another thread's by now. ctx: helper */
void rt_dumpable_take_over(struct rt_thread *helper, struct rt_thread *thread, uint32_t claim);
/* Ends a thread's claim, if it has one: its need is over, or the thread was killed. The last one gives the program's
 * value back. ctx: entry | helper */
void rt_dumpable_abandon(struct rt_thread *thread);
/* In the child of a fork, which has no need yet. ctx: entry */
void rt_dumpable_forked(struct rt_thread *thread);
/* PR_GET_DUMPABLE and PR_SET_DUMPABLE while there are claims, on the program's value. False: there are none, and prctl
 * is to ask the kernel. ctx: entry */
bool rt_dumpable_get(long *value);
bool rt_dumpable_set(long value);

#endif
