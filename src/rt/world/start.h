/*
 * Parts of the start of the world.
 */
#ifndef RT_WORLD_START_H
#define RT_WORLD_START_H

#include "rt/base/thread.h"

/* What a hosted hook only reads is large, and stays in the pages that all images share; what it writes to may be
 * ready. Returns whether the segment has its contents. ctx: boot */
bool rt_world_map(const struct bundle_segment *segment);
/* Makes the memory of the worlds what it is when they are ready, if the bundle has that (struct bundle_ready). Returns
 * whether it has. ctx: boot */
bool rt_worlds_load(void);
/* Lets the first thread of a world run until it parks. ctx: boot */
long rt_world_first_begin(struct rt_thread *thread, struct rt_world *world);

#endif
