/*
 * Functions that hooks are given: locks in run state. include/k23/hook.h says what they do, abi/run_state.h how.
 */
#ifndef RT_HOOK_RUN_LOCK_H
#define RT_HOOK_RUN_LOCK_H

#include <k23/types.h>

#include "rt/base/thread.h"

/* ctx: boot | entry | sigsys */
long rt_run_lock(struct k23_lock *lock);
void rt_run_unlock(struct k23_lock *lock);
/* In the child of a fork, whose thread has had locks in the parent: it has none. ctx: entry */
void rt_run_locks_forked(struct rt_thread *thread);

#endif
