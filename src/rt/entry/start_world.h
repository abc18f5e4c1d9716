/*
 * The start of a hosted hook, in an image that has one.
 */
#ifndef RT_ENTRY_START_WORLD_H
#define RT_ENTRY_START_WORLD_H

#include "rt/base/thread.h"

/* The world's system calls need the guard, and its signal: one that has been sent may come from now on. ctx: boot */
void rt_start_world(struct rt_thread *thread);

#endif
