#include "cli/stat/counts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static uint64_t load(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static bool is_used(const struct k23_counters_shard *shard)
{
	return __atomic_load_n(&shard->used, __ATOMIC_RELAXED);
}

static void add_counter(struct stat_count *to, const struct k23_counter *counter)
{
	uint64_t max = load(&counter->max);

	to->calls += load(&counter->calls);
	to->errors += load(&counter->errors);
	to->cycles += load(&counter->cycles);
	to->max = max > to->max ? max : to->max;
}

void stat_counts_read(const struct k23_counters *counters, struct stat_count counts[STAT_CALLS])
{
	struct stat_histogram histogram;

	memset(counts, 0, STAT_CALLS * sizeof(counts[0]));
	for (unsigned call = 0; call < STAT_CALLS; call++) {
		for (unsigned i = 0; i < K23_COUNTERS_SHARDS; i++)
			if (is_used(&counters->shards[i]))
				add_counter(&counts[call], &counters->shards[i].numbers[0][0] + call);
		if (stat_counts_histogram(counters, call, &histogram))
			counts[call].calls += stat_histogram_total(&histogram);
	}
	for (unsigned i = 0; i < K23_COUNTERS_THREADS; i++) {
		uint32_t now = k23_counters_has_thread(counters, i) ?
				       __atomic_load_n(&counters->threads[i].now, __ATOMIC_RELAXED) : 0;

		if (now && now <= STAT_CALLS)
			counts[now - 1].calls++;
	}
}

bool stat_counts_histogram(const struct k23_counters *counters, unsigned call, struct stat_histogram *histogram)
{
	uint32_t index = __atomic_load_n(&counters->histogram_of[0][0] + call, __ATOMIC_RELAXED);

	if (!index || index > K23_COUNTERS_HISTOGRAMS)
		return false;
	memset(histogram, 0, sizeof(*histogram));
	for (unsigned i = 0; i < K23_COUNTERS_SHARDS; i++)
		if (is_used(&counters->shards[i]))
			stat_histogram_add(histogram, counters->shards[i].histograms[index - 1]);
	return true;
}

uint64_t stat_counts_site(const struct k23_counters *counters, size_t site, enum k23_way way)
{
	uint64_t calls = 0;

	for (unsigned i = 0; i < K23_COUNTERS_SHARDS; i++)
		if (is_used(&counters->shards[i]))
			calls += load(&counters->shards[i].sites[site][way]);
	return calls;
}

/* Ids of another PID namespace say nothing. */
void stat_counts_reclaim(struct k23_counters *counters)
{
	for (unsigned i = 0; i < K23_COUNTERS_OWNED && !counters->channel.foreign_pids; i++) {
		uint32_t owner = __atomic_load_n(&counters->owners[i], __ATOMIC_RELAXED);

		if (owner && owner <= K23_COUNTERS_THREADS && kill(counters->threads[owner - 1].tid, 0) != 0 &&
		    errno == ESRCH)
			__atomic_compare_exchange_n(&counters->owners[i], &owner, 0, false, __ATOMIC_RELAXED,
						    __ATOMIC_RELAXED);
	}
}

void stat_histogram_add(struct stat_histogram *to, const uint64_t buckets[K23_HISTOGRAM_BUCKETS])
{
	for (unsigned i = 0; i < K23_HISTOGRAM_BUCKETS; i++)
		to->buckets[i] += load(&buckets[i]);
}

uint64_t stat_histogram_total(const struct stat_histogram *histogram)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < K23_HISTOGRAM_BUCKETS; i++)
		total += histogram->buckets[i];
	return total;
}

/* The first bucket begins at 0, and the last has no end. */
static uint64_t middle_of(uint32_t bucket)
{
	uint64_t start = k23_histogram_start(bucket);

	return bucket + 1 < K23_HISTOGRAM_BUCKETS ? start + (k23_histogram_start(bucket + 1) - start) / 2 : UINT64_MAX;
}

uint64_t stat_histogram_quantile(const struct stat_histogram *histogram, double share, uint64_t max)
{
	double wanted = share * (double)stat_histogram_total(histogram);
	uint64_t sum = 0, middle;

	for (uint32_t i = 0; i < K23_HISTOGRAM_BUCKETS; i++) {
		sum += histogram->buckets[i];
		if (!sum || (double)sum < wanted)
			continue;
		middle = middle_of(i);
		return middle < max ? middle : max;
	}
	return 0;
}
