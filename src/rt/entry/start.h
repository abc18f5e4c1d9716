/*
 * The start of an image: see start.c. Both functions are called by rt_start.
 */
#ifndef RT_ENTRY_START_H
#define RT_ENTRY_START_H

#include "rt/base/thread.h"

/* On a first stack, which is what will be the first thread's signal stack: makes the first thread. ctx: boot */
struct rt_thread *rt_start_image(struct bundle *bundle);
/* The rest, on that thread's own stack. ctx: boot */
void rt_start_thread(struct rt_thread *thread);

#endif
