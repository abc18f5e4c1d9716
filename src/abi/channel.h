/*
 * The memory that `k23 stat` and `k23 trace` (the collectors) share with their hooks: how both find it, and how
 * each knows whether the other is still there.
 *
 * A System V segment, because it needs neither a descriptor nor a path in the program: the hook attaches it by
 * its id, which it is given as an option, in every new image; a forked child inherits it. The collector marks it
 * for removal at once: Linux lets others attach a marked segment as long as one process has it, and removes it
 * with the last of them, however they end. An id may come to mean another segment: `magic` and `cookie` tell.
 *
 * What a program does with the memory of its own process is its affair, so the collector trusts nothing in here.
 */
#ifndef ABI_CHANNEL_H
#define ABI_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_VERSION 1u

/* In `reader`: the collector's thread id; the kernel clears it when the collector dies (a robust futex). */
#define CHANNEL_READER_MASK 0x3fffffffu

struct channel {
	uint64_t magic; /* COUNTERS_MAGIC or RING_MAGIC */
	uint64_t cookie;
	uint64_t size;
	uint32_t version;
	uint32_t reader;
	/* Programs started: the first, and each execve until it is known to have failed; and those of them whose
	 * hook came to attach the segment. At the end a difference is what has been missed. */
	uint64_t started;
	uint64_t arrived;
	/* Not 0: process ids in here may be those of another PID namespace than the collector's. */
	uint32_t foreign_pids;
	uint32_t doorbell; /* a futex: the collector waits for it to change */
	uint32_t sleeping; /* the collector does so, or is about to */
	uint32_t reserved;
};

_Static_assert(sizeof(struct channel) == 64, "the channel is shared by separate builds");

#endif
