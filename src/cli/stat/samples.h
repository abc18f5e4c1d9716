/*
 * The counts of `k23 stat` over time: what was counted between one look at them and the next.
 */
#ifndef CLI_STAT_SAMPLES_H
#define CLI_STAT_SAMPLES_H

#include <stddef.h>
#include <stdio.h>

#include "cli/stat/counts.h"

struct json_object;

/* Calls that returned since the sample before. */
struct stat_delta {
	unsigned call; /* as stat_counts_read() has it */
	uint64_t calls, errors, cycles;
};

struct stat_sample {
	double from, to; /* seconds since the begin of the run */
	struct stat_delta *deltas;
	size_t count;
};

struct stat_samples {
	double period; /* seconds; 0: there are none */
	size_t most;   /* if there are more, pairs of them become one, and the period doubles; 0: there is no limit */
	double next;   /* when the next one is to be taken */
	struct stat_sample *rows;
	size_t count, room;
	struct stat_count last[STAT_CALLS];
};

/* Takes a sample if it is time for one, or in any case. now: seconds since the begin. Returns whether it took one. */
bool stat_samples_take(struct stat_samples *samples, const struct k23_counters *counters, double now, bool force);

/* Prints the last sample as a line, and before the first one what the columns are. */
void stat_samples_print_last(FILE *output, const struct stat_samples *samples);
/* An array of all. rate: nanoseconds per cycle. */
struct json_object *stat_samples_json(const struct stat_samples *samples, double rate);
void stat_samples_free(struct stat_samples *samples);

#endif
