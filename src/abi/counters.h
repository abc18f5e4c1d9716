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

struct counters {
	struct channel channel;
	struct counters_shard shards[COUNTERS_SHARDS];
};

_Static_assert(sizeof(struct counters_shard) % 64 == 0, "shards share no cache line");

#endif
