/*
 * What the hook of `k23 stat` counts, in the shared memory of abi/channel.h.
 *
 * Each counter exists several times, and a thread uses those of its shard: threads that make the same call at the
 * same time seldom write to the same cache line. The collector adds the shards up. Counters only ever grow by an
 * atomic addition at the call's begin and one or two at its end, so that a SIGKILL loses at most the time of a
 * call that did not return.
 */
#ifndef ABI_COUNTERS_H
#define ABI_COUNTERS_H

#include "channel.h"

#define COUNTERS_MAGIC 0x746e756f6333326bul /* "k23count" */
#define COUNTERS_SHARDS 16u
/* Numbers from here on share one counter: no architecture has that many calls. */
#define COUNTERS_NUMBERS 512u

enum counters_arch {
	COUNTERS_X86_64,
	COUNTERS_I386,
	COUNTERS_ARCHES,
};

struct counter {
	uint64_t calls;  /* made; counted before the call, so those that never return are in here */
	uint64_t errors; /* that returned -4095 to -1 */
	uint64_t cycles; /* of the time stamp counter, between the call and its return */
};

struct counters_shard {
	struct counter numbers[COUNTERS_ARCHES][COUNTERS_NUMBERS];
	struct counter others[COUNTERS_ARCHES];
	uint64_t padding[2];
};

/* Where the calls were made: a hash table, by a key that is made of path and offset (0: free). Whoever takes an entry fills
 * in the rest, which is complete when `known` is. */
#define COUNTERS_SITES 4096u
#define COUNTERS_PATHS 1024u
#define COUNTERS_TEXT (256u << 10)

struct counter_site {
	uint64_t key;
	uint64_t offset; /* in the file, of the instruction */
	uint32_t path;   /* in paths; COUNTERS_PATHS: no file, or no room for its path */
	uint32_t known;
	uint64_t calls[2]; /* by enum k23_way */
};

struct counter_path {
	uint64_t key;
	uint32_t text; /* where it begins; ends with a NUL */
	uint32_t known;
};

struct counters {
	struct channel channel;
	struct counters_shard shards[COUNTERS_SHARDS];
	struct counter_site sites[COUNTERS_SITES];
	uint64_t elsewhere[2]; /* calls from sites that had no room, by enum k23_way */
	struct counter_path paths[COUNTERS_PATHS];
	uint32_t text_used;
	char text[COUNTERS_TEXT];
};

_Static_assert(sizeof(struct counters_shard) % 64 == 0, "shards share no cache line");

#endif
