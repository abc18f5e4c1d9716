/*
 * Worlds: hosted hooks, each of which is a program with a C library of its own (k23/world.h). They lie in the bundle,
 * and so a signal that arrives in their code is deferred, and a fault there is reported, as in any hook's.
 *
 * A world's threads are no tasks of the kernel. Each stands for a thread of the program, and runs when that thread
 * comes to the hook: by a switch of stack and %fs base. Whenever the program creates a thread, the creator lets each
 * world create one; the world's system call for that is not made, but says where the new thread is to begin. A fork
 * goes through the world's fork(), whose system call is the program's, so that all of its locks are in order in the
 * child.
 *
 * The world's own system calls are made by the runtime (world/calls.c). `k23 cc` has made jumps there of most; the
 * guard's SIGSYS brings the others.
 */
#ifndef RT_WORLD_WORLD_H
#define RT_WORLD_WORLD_H

#include "abi/syscall.h"
#include "rt/base/thread.h"

/* Starts a world with its first thread, which stands for this one. SIGSYS is not blocked, and the guard is armed.
 * 0, or a negative errno after a message. ctx: boot */
long rt_world_start(struct rt_world *world) must_check;
/* The same, if rt_worlds_load() has made it ready. */
long rt_world_go_on_ready(struct rt_world *world) must_check;

/* Calls a function of the hosted hook with an index. ctx: boot | entry */
long rt_world_run(struct rt_thread *thread, uint32_t hook, const void *function, uint64_t argument);
/* What the program gets of what such a function has returned for a call: a descriptor that the hook has opened instead
 * of the program becomes the program's. ctx: entry */
long rt_world_result(const struct k23_call *call, long result);
/* What the chain has instead of the function of a hosted hook for a call. ctx: entry */
long rt_world_call(struct k23_call *call);

/* Makes a thread of each world that is to stand for a new thread of the program. 0 or -errno. ctx: entry, SIGSYS not
 * blocked */
long rt_worlds_create(struct rt_thread *thread, struct rt_world made[BUNDLE_MAX_WORLDS]) must_check;
/* The thread is about to ask a seccomp filter whether it may end: makes threads of the worlds that others may have, or
 * this one, if it goes on: rt_worlds_renew(). ctx: entry, SIGSYS not blocked */
void rt_worlds_spare(struct rt_thread *thread);
void rt_worlds_renew(struct rt_thread *thread);
/* In the new thread of the program: they are this one's from now on. ctx: entry */
void rt_worlds_take(struct rt_thread *thread);
/* Ends a thread of each world, wherever it is but in the middle of the world's code: destructors run. keeps: the vector
 * state is still needed. ctx: entry, SIGSYS not blocked */
void rt_worlds_end(struct rt_thread *thread, struct rt_world worlds[BUNDLE_MAX_WORLDS], bool keeps);
/* Calls make() in the middle of fork() in all worlds, and returns what it returns. In the child make() has armed the
 * guard. ctx: entry, SIGSYS not blocked */
long rt_worlds_fork(struct rt_thread *thread, long (*make)(struct rt_thread *thread, void *argument), void *argument);
/* Functions of the hook that have not returned never will: the call in flight is over. ctx: entry */
void rt_worlds_abandon(struct rt_thread *thread);
/* The same, in a child with a copy of the memory. ctx: entry */
void rt_worlds_forked(struct rt_thread *thread);
/* Writes out what is in the buffers of streams. ctx: entry, SIGSYS not blocked */
void rt_worlds_flush(struct rt_thread *thread);

/* A new task is to begin with the program's vector state, and not with what a hosted hook has made of it, which calls
 * k23_forward() and needs none. ctx: entry */
void rt_worlds_show_state(struct rt_thread *thread);

/* The same of the base of %fs, for special calls, if fs_left is set. Returns what the second function needs after the
 * call. ctx: entry */
uint64_t rt_world_show_fs(struct rt_thread *thread);
void rt_world_hide_fs(struct rt_thread *thread, uint64_t left);

/* Begins a thread of a hook's own, in a new task, when it has written 1 to *begun and woken who waits for that.
 * ctx: entry */
__attribute__((noreturn)) void rt_world_begin(struct rt_thread *own, uint32_t *begun);

/* The guard has caught a call of the world: makes the thread go on with that call on its runtime stack. ctx: sigsys */
void rt_world_caught(struct rt_thread *thread, struct ucontext *uc);

#endif
