/* The buckets of k23/counters.h, and the quantiles that are read from them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stat/counts.h"

static int wrong;

static void check(int holds, const char *what, unsigned long long value)
{
	if (!holds)
		printf("%s does not hold for %llu\n", what, value);
	wrong |= !holds;
}

static void check_buckets(void)
{
	uint64_t value = 1;

	for (uint32_t i = 0; i + 1 < K23_HISTOGRAM_BUCKETS; i++) {
		uint64_t start = k23_histogram_start(i), next = k23_histogram_start(i + 1);

		check(start < next, "buckets follow each other", i);
		check(k23_histogram_bucket(start) == i && k23_histogram_bucket(next - 1) == i, "a bucket has its times",
		      i);
		check(!i || next - start <= start / 8, "a bucket is narrow", i);
	}
	check(k23_histogram_bucket(0) == 0, "the first bucket", 0);
	check(k23_histogram_bucket(UINT64_MAX) == K23_HISTOGRAM_BUCKETS - 1, "the last bucket", UINT64_MAX);
	for (int i = 0; i < 100000; i++, value = value * 6364136223846793005u + 1442695040888963407u) {
		uint64_t cycles = (value >> (value & 63)) | 1;
		uint32_t bucket = k23_histogram_bucket(cycles);

		check(bucket < K23_HISTOGRAM_BUCKETS && k23_histogram_start(bucket) <= cycles, "a bucket's start",
		      cycles);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Quantiles of random times, against those of the sorted times themselves. */
static void check_quantiles(void)
{
	static const double shares[] = { 0, 0.01, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t times[10007];
	static struct stat_histogram histogram;
	const size_t count = sizeof(times) / sizeof(times[0]);
	uint64_t value = 1;

	for (size_t i = 0; i < count; i++, value = value * 6364136223846793005u + 1442695040888963407u) {
		times[i] = 128 + (value >> (24 + (value & 15)));
		histogram.buckets[k23_histogram_bucket(times[i])]++;
	}
	qsort(times, count, sizeof(times[0]), by_value);
	check(stat_histogram_total(&histogram) == count, "the total", count);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		double wanted = shares[i] * (double)count;
		size_t at = (size_t)wanted;
		uint64_t exact = times[at && (double)at == wanted ? at - 1 : at];
		uint64_t got = stat_histogram_quantile(&histogram, shares[i], times[count - 1]);
		double off = (double)got / (double)exact;

		check(off >= 15.0 / 16 && off <= 17.0 / 16, "a quantile is exact to 1/16",
		      (unsigned long long)(shares[i] * 1000));
	}
	memset(&histogram, 0, sizeof(histogram));
	check(stat_histogram_quantile(&histogram, 0.5, 0) == 0, "no quantile of nothing", 0);
}

int main(void)
{
	check_buckets();
	check_quantiles();
	return wrong;
}
