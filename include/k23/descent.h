/*
 * k23/descent.h - what a process leaves for the image that its execve makes, in the memory of k23/channel.h: which
 * thread it is, and what it has counted (hooks/descent.h).
 */
#ifndef K23_DESCENT_H
#define K23_DESCENT_H

#include <stdint.h>

#define K23_DESCENT_COUNTS 512u
#define K23_DESCENT_CARRIED 64u /* processes that are in an execve at the same time */

struct k23_descent_carried {
	uint64_t key; /* of the process; 0: free */
	uint64_t id;
	uint32_t children;
	uint32_t counts[K23_DESCENT_COUNTS];
};

#endif
