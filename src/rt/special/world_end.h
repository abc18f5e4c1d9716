/*
 * The end of a thread whose calls a hosted hook sees.
 */
#ifndef RT_SPECIAL_WORLD_END_H
#define RT_SPECIAL_WORLD_END_H

#include "rt/base/thread.h"

/* Ends the hosted hook's thread that stands for this one. If no other uses the memory, that goes as it is; a vfork
 * child's is ended by its parent. ctx: entry, SIGSYS not blocked */
void rt_end_world(struct rt_thread *thread, bool others);
/* A filter lets the thread go on, after all. Functions of a hosted hook cannot, as the stack is gone that they were
 * called on: then the call ends here. ctx: entry, signals blocked */
long rt_go_on(struct rt_thread *thread, long result, uint64_t mask);

#endif
