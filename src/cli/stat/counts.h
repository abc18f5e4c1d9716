/*
 * The counts of `k23 stat`, added up over threads: the reader's side of k23/counters.h. A program can write anything
 * there.
 */
#ifndef CLI_STAT_COUNTS_H
#define CLI_STAT_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include <k23/counters.h>

#define STAT_CALLS (K23_CHANNEL_ARCHES * K23_COUNTERS_NUMBERS)

/* A kind of call, or all calls of a process. */
struct stat_count {
	uint64_t calls, errors;
	uint64_t cycles, max; /* of those that returned */
};

/* How often calls took how long. */
struct stat_histogram {
	uint64_t buckets[K23_HISTOGRAM_BUCKETS];
};

/* By architecture and number: counts[arch * K23_COUNTERS_NUMBERS + nr], the last nr being all that are no number. */
void stat_counts_read(const struct k23_counters *counters, struct stat_count counts[STAT_CALLS]);
/* The histogram of one of these; false: there was no room for it. */
bool stat_counts_histogram(const struct k23_counters *counters, unsigned call, struct stat_histogram *histogram);

/* How many calls came from a site: its index, K23_COUNTERS_SITES for those that had no room. */
uint64_t stat_counts_site(const struct k23_counters *counters, size_t site, enum k23_way way);
/* Frees the shards of threads that were killed. */
void stat_counts_reclaim(struct k23_counters *counters);

/* Adds one to the other. */
void stat_histogram_add(struct stat_histogram *to, const uint64_t buckets[K23_HISTOGRAM_BUCKETS]);
uint64_t stat_histogram_total(const struct stat_histogram *histogram);
/* The time, in cycles, that a share (0 to 1) of the calls does not exceed: the middle of a bucket, but not more than
 * max. 0: there was no call. */
uint64_t stat_histogram_quantile(const struct stat_histogram *histogram, double share, uint64_t max);

#endif
