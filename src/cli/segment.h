/*
 * The memory that a collector shares with its hook: the collector's side of k23/channel.h.
 */
#ifndef CLI_SEGMENT_H
#define CLI_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <k23/channel.h>

struct segment {
	struct k23_channel *channel;
	size_t size;
	int id;
	uint64_t cookie;
	struct timespec
		empty_since; /* since when no process has had the segment, though programs are to arrive; or 0 */
};

/* Makes the segment, zeroed, with the header filled in. Dies when there is no memory. Once in a process. */
void segment_create(struct segment *segment, uint64_t magic, size_t size);

/* The specification of the collector's hook, for launch_hook(). */
char *segment_hook_spec(const struct segment *segment, const char *hook);

/* Whether no process has the segment attached any more, and none is about to attach it. */
bool segment_deserted(struct segment *segment);

/* How many programs were started that never attached the segment. */
uint64_t segment_missed(const struct segment *segment);

/* Tells writers that nobody reads any more. */
void segment_close(struct segment *segment);

#endif
