/*
 * The time stamp counter, which the hooks note, in seconds.
 */
#ifndef CLI_TSC_H
#define CLI_TSC_H

#include <stdint.h>

/* A moment, by the counter and by CLOCK_MONOTONIC. */
struct tsc_moment {
	uint64_t cycles;
	uint64_t nanoseconds;
};

struct tsc_moment tsc_now(void);

/* Nanoseconds per cycle, between two moments. */
double tsc_rate(struct tsc_moment from, struct tsc_moment to);

#endif
