/*
 * The collector's side of the memory that it shares with its hook (k23/channel.h).
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
	struct timespec empty_since; /* when nobody was left but programs that had not arrived; 0: not so */
};

/* Makes the segment, zeroed, with the header filled in. Dies when it cannot. Only one per process. */
void segment_create(struct segment *segment, uint64_t magic, size_t size);

/* The hook's specification for launch_hook(). */
char *segment_hook_spec(const struct segment *segment, const char *hook);

/* Whether every process that had attached the segment is gone, and none is about to come. */
bool segment_deserted(struct segment *segment);

/* How many programs were started that never attached the segment. */
uint64_t segment_missed(const struct segment *segment);

/* Tells writers that nobody reads any more. */
void segment_close(struct segment *segment);

#endif
