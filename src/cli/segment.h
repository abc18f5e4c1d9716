/*
 * The memory that a collector shares with its hook: the collector's side of k23/channel.h. It is run memory, or, where
 * that cannot be, a System V segment.
 */
#ifndef CLI_SEGMENT_H
#define CLI_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <k23/channel.h>

#include "abi/gaps.h"

struct segment {
	struct k23_channel *channel;
	struct run_memory *memory; /* in which it lies, or NULL: it is a System V segment */
	struct gaps *gaps; /* what is missing; the runtime counts it only in run memory */
	size_t size;
	int id; /* of the segment */
	uint64_t cookie;
	uint64_t missed; /* how many programs had not arrived lately, and since when that many */
	struct timespec missed_since;
};

/* Makes the segment, zeroed, with the header filled in. Dies when there is no memory. Once in a process. */
void segment_create(struct segment *segment, uint64_t magic, size_t size);
/* The same in a file: as run_memory_create() has it, or -1. */
void segment_create_in(struct segment *segment, uint64_t magic, size_t size, int file);

/* The specification of the collector's hook, for launch_hook(). */
char *segment_hook_spec(const struct segment *segment, const char *hook);

/* Lets a user's processes attach it, too. */
void segment_give(struct segment *segment, uid_t user);

/* Whether no process has the segment attached any more, and none is about to attach it. */
bool segment_deserted(struct segment *segment);

/* How many programs were started that never attached the segment, those aside that were let run without k23. */
uint64_t segment_missed(const struct segment *segment);
/* How many programs were let run without k23. */
uint64_t segment_let_through(const struct segment *segment);

/* Tells writers that nobody reads any more. */
void segment_close(struct segment *segment);

#endif
