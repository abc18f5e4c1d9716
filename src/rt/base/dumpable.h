/*
 * A helper may attach only to a process that is dumpable (PR_SET_DUMPABLE). That is an attribute of the memory, so of all
 * threads and vfork children at once: it is made so while anybody needs it. Who needs it can be killed at any moment, so each
 * need is a claim, which somebody else can release.
 */
#ifndef RT_BASE_DUMPABLE_H
#define RT_BASE_DUMPABLE_H

#include "rt/base/thread.h"

/* Makes the process dumpable. The claim is in the thread. ctx: entry, signals blocked */
void rt_dumpable_need(struct rt_thread *thread);
/* Somebody else answers for the claim from now on: false if the thread, whose region may be another's by now, does not have
 * it any more. ctx: helper */
bool rt_dumpable_take_over(struct rt_thread *thread, uint32_t claim);
/* ctx: helper */
void rt_dumpable_release(uint32_t claim);
/* A thread's claim, if it has one: its need is over, or it was killed. ctx: entry */
void rt_dumpable_abandon(struct rt_thread *thread);
/* In the child of a fork, which needs nothing. ctx: entry */
void rt_dumpable_forked(struct rt_thread *thread);
/* prctl's PR_GET_DUMPABLE and PR_SET_DUMPABLE, if there are claims: false, if the kernel knows. ctx: entry */
bool rt_dumpable_get(long *value);
bool rt_dumpable_set(long value);

#endif
