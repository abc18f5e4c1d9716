/*
 * k23/counters.h - what the hook of `k23 stat` counts, in the memory of k23/channel.h.
 *
 * Each counter exists once in each shard, and a thread uses one shard, so that threads that make the same call at the
 * same time seldom write to the same cache line. The collector adds the shards up. A call adds to its counters
 * atomically, once when it is made and once or twice when it has returned: a SIGKILL loses at most the time of a call
 * that did not return.
 */
#ifndef K23_COUNTERS_H
#define K23_COUNTERS_H

#include <k23/channel.h>
#include <k23/types.h>

#define K23_COUNTERS_MAGIC 0x746e756f6333326bul /* "k23count" */
#define K23_COUNTERS_SHARDS 16u

struct k23_counter {
	uint64_t calls;  /* calls that were made: those that never return, too */
	uint64_t errors; /* calls that returned -4095 to -1 */
	uint64_t cycles; /* of the time stamp counter, between calls and their returns */
};

struct k23_counters_shard {
	struct k23_counter numbers[K23_CHANNEL_ARCHES][K23_NUMBERS];
	struct k23_counter others[K23_CHANNEL_ARCHES]; /* of all numbers from K23_NUMBERS on */
	uint64_t padding[2];
};

/* The sites where calls were made, and their paths, are two hash tables. A key is a hash of path and offset, or of
 * the path; 0 is a free entry. The thread that takes an entry fills in the rest, and sets `known` when that is
 * complete. */
#define K23_COUNTERS_SITES 4096u
#define K23_COUNTERS_PATHS 1024u
#define K23_COUNTERS_TEXT (256u << 10)

struct k23_counter_site {
	uint64_t key;
	uint64_t offset; /* in the file, of the instruction */
	uint32_t path;   /* index in `paths`; K23_COUNTERS_PATHS: there is no file, or was no room for its path */
	uint32_t known;
	uint64_t calls[2]; /* by enum k23_way */
};

struct k23_counter_path {
	uint64_t key;
	uint32_t text; /* the path's begin in `text`; it ends with a NUL */
	uint32_t known;
};

struct k23_counters {
	struct k23_channel channel;
	struct k23_counters_shard shards[K23_COUNTERS_SHARDS];
	struct k23_counter_site sites[K23_COUNTERS_SITES];
	uint64_t elsewhere[2]; /* calls from sites that had no room, by enum k23_way */
	struct k23_counter_path paths[K23_COUNTERS_PATHS];
	uint32_t text_used;
	char text[K23_COUNTERS_TEXT];
};

_Static_assert(sizeof(struct k23_counters_shard) % 64 == 0, "shards share no cache line");

#endif
