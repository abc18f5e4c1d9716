/*
 * A futex lock for the few things that threads, and processes that share memory, share. Held for a few instructions and
 * never while a signal handler of the program can run. The lock says who holds it, so that a signal entry knows whether it
 * interrupted the holder.
 */
#ifndef RT_BASE_LOCK_H
#define RT_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* On a stack of the runtime's, for all of these. ctx: boot | entry | sigsys | helper */
void rt_lock(uint32_t *lock);
void rt_unlock(uint32_t *lock);
/* Whether the calling thread has it. ctx: any */
bool rt_lock_is_held(const uint32_t *lock);

#endif
