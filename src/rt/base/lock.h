/*
 * A futex lock for the few things that threads of a process share. Held for a few instructions and never while
 * a signal handler of the program can run.
 */
#ifndef RT_BASE_LOCK_H
#define RT_BASE_LOCK_H

#include <stdint.h>

/* ctx: entry | sigsys | helper */
void rt_lock(uint32_t *lock);
void rt_unlock(uint32_t *lock);

#endif
