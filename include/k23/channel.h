/*
 * k23/channel.h - memory that a hook shares with its collector, the process that reports what the hook saw in all
 * processes of a program: `k23 stat` and `k23 trace` are collectors. This header says how both find the memory, and how
 * each knows whether the other is still there. What else lies in it is in k23/counters.h, k23/ring.h, k23/inject.h and
 * k23/explore.h.
 *
 * The memory is run memory: k23_run_memory() finds it by its cookie, an option of the hook. Where that cannot be, it
 * is a System V segment, which every new image attaches by its id, another option. The collector marks the segment
 * for removal at once: Linux lets others attach a marked segment as long as one process has it, and removes it with
 * the last of them, however they end. An id may come to mean another segment: `magic` and `cookie` tell.
 *
 * A program can write anything to the memory of its own process, so the collector trusts nothing in here.
 */
#ifndef K23_CHANNEL_H
#define K23_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define K23_CHANNEL_VERSION 2u
#define K23_CHANNEL_MAGIC 0x6c656e6e6168636bul /* "kchannel": there is nothing else in it */

/* In `reader`: the collector's thread id; the kernel clears it when the collector dies (a robust futex). */
#define K23_CHANNEL_READER_MASK 0x3fffffffu

struct k23_channel {
	uint64_t magic; /* says what else lies here: K23_COUNTERS_MAGIC, K23_RING_MAGIC, ... */
	uint64_t cookie;
	uint64_t size;
	uint32_t version;
	uint32_t reader;
	/* Programs started: the first, and each execve until it is known to have failed; and those of them whose
	 * hook came to have the memory. At the end a difference is what has been missed. */
	uint64_t started;
	uint64_t arrived;
	/* Not 0: process ids in here may be those of another PID namespace than the collector's. */
	uint32_t foreign_pids;
	uint32_t doorbell; /* a futex: the collector waits for it to change */
	uint32_t sleeping; /* the collector does so, or is about to */
	uint32_t reserved;
};

/* The index of an architecture in the collectors' tables. */
enum k23_channel_arch {
	K23_CHANNEL_X86_64,
	K23_CHANNEL_I386,
	K23_CHANNEL_ARCHES,
};

_Static_assert(sizeof(struct k23_channel) == 64, "the channel is shared by separate builds");

#endif
