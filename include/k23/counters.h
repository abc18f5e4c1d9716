/*
 * k23/counters.h - what the hook of `k23 stat` counts, in the memory of k23/channel.h.
 *
 * Calls are counted by number, in shards, which the collector adds up. A thread has a shard for itself as long as there
 * are some, and adds to it without a lock. If there are none, as too many threads live at once, or some were killed and
 * the collector has not found them dead yet, the thread shares one of a few, and adds atomically. And each thread has
 * an entry, to which nobody else writes.
 *
 * A call that has returned is in the histogram of its number. One that has not is what its thread's entry says it is
 * in. So a call that ends its thread is counted, and so is one in which a process is killed.
 */
#ifndef K23_COUNTERS_H
#define K23_COUNTERS_H

#include <k23/channel.h>
#include <k23/types.h>

#define K23_COUNTERS_MAGIC 0x326e756f6333326bul /* "k23coun2" */
#define K23_COUNTERS_OWNED 16u /* shards of one thread each */
#define K23_COUNTERS_SHARED 8u /* behind them */
#define K23_COUNTERS_SHARDS (K23_COUNTERS_OWNED + K23_COUNTERS_SHARED)

/*
 * A histogram of times, in cycles of the time stamp counter, in the manner of HdrHistogram: for each power of two from
 * 2^7 to 2^43 there are eight buckets of the same width. The middle of a bucket differs from what is in it by at most
 * 1/16 of that. What is shorter is in the first bucket, what is longer in the last.
 */
#define K23_HISTOGRAM_BITS 3u
#define K23_HISTOGRAM_FIRST 7u
#define K23_HISTOGRAM_END 44u
#define K23_HISTOGRAM_BUCKETS (((K23_HISTOGRAM_END - K23_HISTOGRAM_FIRST) << K23_HISTOGRAM_BITS) + 2u)

static inline uint32_t k23_histogram_bucket(uint64_t cycles)
{
	uint32_t power = 63u - (uint32_t)__builtin_clzl(cycles | 1);

	if (power < K23_HISTOGRAM_FIRST)
		return 0;
	if (power >= K23_HISTOGRAM_END)
		return K23_HISTOGRAM_BUCKETS - 1;
	return 1 + ((power - K23_HISTOGRAM_FIRST) << K23_HISTOGRAM_BITS) +
	       (uint32_t)(cycles >> (power - K23_HISTOGRAM_BITS) & ((1u << K23_HISTOGRAM_BITS) - 1));
}

/* The shortest time in a bucket. */
static inline uint64_t k23_histogram_start(uint32_t bucket)
{
	uint32_t step = (bucket - 1) & ((1u << K23_HISTOGRAM_BITS) - 1);
	uint32_t power = K23_HISTOGRAM_FIRST + ((bucket - 1) >> K23_HISTOGRAM_BITS);

	if (!bucket)
		return 0;
	return (uint64_t)((1u << K23_HISTOGRAM_BITS) + step) << (power - K23_HISTOGRAM_BITS);
}

struct k23_counter {
	uint64_t calls;  /* that are neither in the histogram nor what a thread is in */
	uint64_t errors; /* calls that returned -4095 to -1 */
	uint64_t cycles; /* of the time stamp counter, between calls and their returns */
	uint64_t max;    /* the longest of these times */
};

/* The last number stands for all from K23_NUMBERS on. */
#define K23_COUNTERS_NUMBERS (K23_NUMBERS + 1)
/* How many numbers can have a histogram; programs make some 100 kinds of calls. */
#define K23_COUNTERS_HISTOGRAMS 192u
#define K23_COUNTERS_SITES 4096u

struct k23_counters_shard {
	struct k23_counter numbers[K23_CHANNEL_ARCHES][K23_COUNTERS_NUMBERS];
	uint32_t used; /* a thread has, or had it; what nobody has used is not to be read, as that takes memory */
	/* Calls by site, and by enum k23_way; the last are those from sites that had no room. */
	uint64_t sites[K23_COUNTERS_SITES + 1][2];
	uint64_t histograms[K23_COUNTERS_HISTOGRAMS][K23_HISTOGRAM_BUCKETS];
} __attribute__((aligned(64)));

/* A thread. Of the first thread of a process it is that of the process, over all programs that it executes. */
#define K23_COUNTERS_THREADS 4096u

struct k23_counters_thread {
	int32_t pid, tid, parent; /* `parent` is the parent process's id */
	uint32_t shard; /* its own: 1 + which; 0: none */
	uint32_t path; /* the program: index in `paths`; K23_COUNTERS_PATHS: not known */
	uint32_t now;  /* the call that it is in: 1 + arch * K23_COUNTERS_NUMBERS + number; 0: none */
	uint64_t start, last; /* when it began, and when it last did something, in cycles */
	uint64_t ended; /* calls that never returned, before `now` */
	uint64_t errors, cycles, max;
	uint64_t histogram[K23_HISTOGRAM_BUCKETS];
} __attribute__((aligned(64)));

/* The sites where calls were made, and paths, are two hash tables. A key is a hash of path and offset, or of the path;
 * 0 is a free entry. The thread that takes an entry fills in the rest, and sets `known` when that is complete. */
#define K23_COUNTERS_PATHS 1024u
#define K23_COUNTERS_FILES 4096u
#define K23_COUNTERS_TEXT (512u << 10)

struct k23_counter_site {
	uint64_t key;
	uint64_t offset; /* in the file, of the instruction */
	uint32_t path;   /* index in `paths`; K23_COUNTERS_PATHS: there is no file, or was no room for its path */
	uint32_t known;
};

struct k23_counter_path {
	uint64_t key;
	uint32_t text; /* the path's begin in `text`; it ends with a NUL */
	uint32_t known;
};

/* A file that calls name by its path. */
struct k23_counter_file {
	uint64_t key; /* these three as of a path */
	uint32_t text;
	uint32_t known;
	uint64_t calls, errors, cycles; /* of calls that returned */
};

struct k23_counters {
	struct k23_channel channel;
	uint32_t files_wanted; /* set by the collector */
	/* 1 + the histogram of a number; 0: it has none yet, or there was no room. */
	uint32_t histogram_of[K23_CHANNEL_ARCHES][K23_COUNTERS_NUMBERS];
	uint32_t histograms_used;
	uint32_t owners[K23_COUNTERS_OWNED]; /* of the first shards: 1 + the thread's entry; 0: free */
	struct k23_counters_shard shards[K23_COUNTERS_SHARDS];
	uint64_t threads_used[K23_COUNTERS_THREADS / 64]; /* a bit for each entry */
	struct k23_counters_thread threads[K23_COUNTERS_THREADS];
	uint64_t unlisted; /* threads for which there was no room */
	struct k23_counter_site sites[K23_COUNTERS_SITES];
	struct k23_counter_path paths[K23_COUNTERS_PATHS];
	uint32_t text_used;
	struct k23_counter_file files[K23_COUNTERS_FILES];
	uint64_t files_unlisted; /* calls that named files for which there was no room */
	char text[K23_COUNTERS_TEXT];
};

static inline int k23_counters_has_thread(const struct k23_counters *counters, uint32_t i)
{
	return __atomic_load_n(&counters->threads_used[i / 64], __ATOMIC_RELAXED) >> i % 64 & 1;
}

#endif
