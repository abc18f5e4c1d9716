/*
 * A futex lock for the few variables that threads, and processes that share the memory, write to. A lock is held for a
 * few instructions, and never while a signal handler of the program can run. It says which thread holds it. So a
 * signal's handler in the runtime knows whether it interrupted the holder, and a lock whose holder was killed can be
 * taken, also when the holder's region is another thread's by then.
 */
#ifndef RT_BASE_LOCK_H
#define RT_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The caller is on a stack in a region, for all of these. ctx: boot | entry | sigsys | helper */
void rt_lock(uint64_t *lock);
void rt_unlock(uint64_t *lock);
/* Whether the calling thread holds a lock. ctx: any */
bool rt_lock_is_held(const uint64_t *lock);

#endif
