#include "cli/tsc.h"

#include <time.h>

struct tsc_moment tsc_now(void)
{
	struct tsc_moment best = { 0 };
	uint64_t shortest = UINT64_MAX;

	/* The counter is read before and after the clocks, a few times: the quickest try was not interrupted. */
	for (int i = 0; i < 5; i++) {
		uint64_t before = __builtin_ia32_rdtsc(), after;
		struct timespec now, date;

		clock_gettime(CLOCK_MONOTONIC, &now);
		clock_gettime(CLOCK_REALTIME, &date);
		after = __builtin_ia32_rdtsc();
		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best.cycles = before + shortest / 2;
		best.nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
		best.unix_time = date.tv_sec * 1000000000l + date.tv_nsec;
	}
	return best;
}

double tsc_rate(struct tsc_moment from, struct tsc_moment to)
{
	if (to.cycles <= from.cycles)
		return 0;
	return (double)(to.nanoseconds - from.nanoseconds) / (double)(to.cycles - from.cycles);
}
