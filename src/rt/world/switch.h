/*
 * Between the runtime and a thread of the world, for the other files of this folder.
 */
#ifndef RT_WORLD_SWITCH_H
#define RT_WORLD_SWITCH_H

#include "rt/base/thread.h"

/* The world runs from here to rt_world_leaves(). ctx: boot | entry */
void rt_world_enters(struct rt_thread *thread, struct rt_world *world);
void rt_world_leaves(struct rt_thread *thread, struct rt_world *world);

/* Answers the system call of the world in world->regs, and returns the thread of the world that goes on. ctx: boot |
 * entry */
struct rt_world *rt_world_answer(void);
/* The world is at the call by which fork() makes a child: it is to go on as the child. ctx: boot */
void rt_world_is_child(struct rt_world *world);
/* Calls a function of the runtime's for the world. ctx: boot | entry */
long rt_world_out_call(struct rt_world *world, const void *function, const uint64_t arguments[7]);

/* x86_64/world/switch.S: calls a function on the stack of a thread of the world. ctx: boot | entry */
long rt_world_switch(struct rt_world *world, const void *function, const void *a2, uint64_t a3);
/* Goes on in a thread of the world, with world->regs, until that calls rt_world_return(), which makes this return
 * `value`. ctx: boot | entry */
long rt_world_resume(struct rt_world *world);
void rt_world_return(struct rt_world *world, long value) __attribute__((noreturn));

#endif
