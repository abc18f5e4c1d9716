/*
 * k23/world.h - what a world and the k23 runtime hand to each other.
 *
 * A world is a program of its own, with a C library, that lives in the memory of another: a hosted hook. `k23 cc
 * --hosted` links k23/world.c to it. Hooks need nothing of this.
 */
#ifndef K23_WORLD_H
#define K23_WORLD_H

#include <k23/types.h>

/* How many system calls of a file can be made jumps, and the size of the code for each. */
#define K23_WORLD_STUBS 1024
#define K23_WORLD_STUB_SIZE 32

/* Changes when a hosted hook built before the change can no longer be loaded. */
#define K23_WORLD_VERSION 1u
#define K23_WORLD_MAGIC 0x646c726f7733326bul /* "k23world" in memory order */

/* The number of a system call that the kernel has not: the thread of the world has nothing to do. It ends when the call
 * returns. */
#define K23_WORLD_PARK 0x6b3233

/* Its code has random numbers from the processor (rdrand, rdseed). */
#define K23_WORLD_RANDOM 1u

/* The variable k23_world of the file. */
struct k23_world {
	uint64_t magic;
	uint32_t version;
	uint32_t size;

	/* The runtime's, before the world's first instruction. */
	const struct k23_api *api; /* to be called by `out` only */
	/* Calls a function of the runtime, with up to seven arguments. self: what run() was given. */
	long (*out)(void *self, const void *function, const unsigned long arguments[7]);
	void *first; /* `self` of the world's first thread */
	/* Where a system call goes on that `k23 cc` has made a jump of: %rcx `self`, %r11 the address behind it. */
	const void *entered;

	/* The world's, from when it parks for the first time. Called by the runtime, on the stack of one of the world's
	 * threads. */
	/* Calls function(argument) of the hook, in the thread that `self` stands for. */
	long (*run)(void *self, const void *function, unsigned long argument);
	/* Makes a thread that parks. 0 or an errno. */
	long (*create)(void);
	/* fork(). */
	long (*fork)(void);
	/* Writes out what is in the buffers of streams. */
	long (*flush)(void);
	/* Where a thread keeps its `self`: the distance from what it has as TLS. */
	long self_offset;

	unsigned long flags; /* what `k23 cc` has found in the file: K23_WORLD_* */
};

#endif
