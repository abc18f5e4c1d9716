/*
 * The start of hosted hooks, in an image that has any.
 */
#ifndef RT_ENTRY_START_WORLD_H
#define RT_ENTRY_START_WORLD_H

#include "rt/base/thread.h"

/* The worlds' system calls need the guard, and its signal: one that has been sent may come from now on. ctx: boot */
void rt_start_worlds(struct rt_thread *thread);

#endif
