/*
 * The end of a thread whose calls hosted hooks see.
 */
#ifndef RT_SPECIAL_WORLD_END_H
#define RT_SPECIAL_WORLD_END_H

#include "rt/base/thread.h"

/* Ends the hosted hooks' threads that stand for this one. If no other uses the memory, they go as they are; a vfork
 * child's are ended by its parent. ctx: entry, SIGSYS not blocked */
void rt_end_worlds(struct rt_thread *thread, bool others);
/* The same for all threads of the process, which are about to be killed. */
void rt_end_worlds_of_all(struct rt_thread *thread);
/* A filter lets the thread go on, after all. Functions of a hosted hook cannot, as the stack is gone that they were
 * called on: then the call ends here. ctx: entry, signals blocked */
long rt_go_on(struct rt_thread *thread, long result, uint64_t mask);
/* The same, and all others with it. */
long rt_go_on_all(struct rt_thread *thread, long result);

#endif
