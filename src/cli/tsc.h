/*
 * The time stamp counter, in which the hooks note time. Its rate is measured against CLOCK_MONOTONIC over the whole
 * time that the command runs: for a program of a millisecond it is exact to one part in ten thousand.
 */
#ifndef CLI_TSC_H
#define CLI_TSC_H

#include <stdint.h>

/* A moment by these clocks. */
struct tsc_moment {
	uint64_t cycles;
	uint64_t nanoseconds;
	int64_t unix_time; /* in nanoseconds */
};

struct tsc_moment tsc_now(void);

/* Nanoseconds per cycle, between two moments. */
double tsc_rate(struct tsc_moment from, struct tsc_moment to);

#endif
