/*
 * k23/descent.h - which thread one is, by its place in the tree of threads and processes (hooks/descent.h); and what a
 * process leaves for the image that its execve makes, in the memory of k23/channel.h: that, and what it has counted.
 *
 * The first thread of a run is 1, and 1.2 is the second child, thread or process, that it has made. Each has an id that
 * is a hash of that.
 */
#ifndef K23_DESCENT_H
#define K23_DESCENT_H

#include <stdint.h>

#define K23_DESCENT_COUNTS 512u
#define K23_DESCENT_CARRIED 64u /* processes that are in an execve at the same time */

#define K23_DESCENT_FIRST 1u /* the id of the first thread */
#define K23_DESCENT_STEPS 12u

struct k23_descent {
	uint64_t id; /* 0: not known yet */
	uint32_t images; /* of a process: how often it has called execve */
	uint32_t depth;	 /* how many steps it is from the first */
	uint32_t steps[K23_DESCENT_STEPS]; /* at each, which child it is, from 1; of more only the first are known */
};

struct k23_descent_carried {
	uint64_t key; /* of the process; 0: free */
	struct k23_descent thread, process;
	uint32_t children;
	uint32_t counts[K23_DESCENT_COUNTS];
};

static inline uint64_t k23_descent_mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0xff51afd7ed558ccdul;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ul;
	return hash ^ hash >> 33;
}

/* What tells a process from others of the run: the inode number of its PID namespace, and its id there. */
static inline uint64_t k23_descent_key(uint64_t namespace_inode, uint32_t pid)
{
	return k23_descent_mix(namespace_inode, pid) | 1;
}

/* The child with this number, from 1, of a thread. */
static inline struct k23_descent k23_descent_child(const struct k23_descent *creator, uint32_t number)
{
	struct k23_descent child = *creator;

	child.id = k23_descent_mix(~creator->id, number); /* the hash of two that are the same is 0 */
	child.images = 0;
	if (child.depth < K23_DESCENT_STEPS)
		child.steps[child.depth] = number;
	child.depth++;
	return child;
}

/* The order in which one goes through the tree, and which of several images of a process comes first. Below 0: a comes
 * before b. */
static inline int k23_descent_compare(const struct k23_descent *a, const struct k23_descent *b)
{
	for (uint32_t i = 0; i < a->depth && i < b->depth && i < K23_DESCENT_STEPS; i++)
		if (a->steps[i] != b->steps[i])
			return a->steps[i] < b->steps[i] ? -1 : 1;
	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->images < b->images ? -1 : a->images > b->images;
}

_Static_assert(sizeof(struct k23_descent) == 64, "descents are shared by separate builds");

#endif
