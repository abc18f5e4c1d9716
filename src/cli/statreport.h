/*
 * The report of `k23 stat`: what was counted, as a table and as JSON.
 */
#ifndef CLI_STATREPORT_H
#define CLI_STATREPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <k23/counters.h>

#include "cli/statsites.h"

#define REPORT_ROWS (K23_CHANNEL_ARCHES * (K23_NUMBERS + 1))

/* A line of the report. */
struct row {
	char name[40];
	enum k23_channel_arch arch;
	long nr; /* -1: all numbers that no call has */
	uint64_t calls, errors;
	double seconds;
};

struct report {
	struct row rows[REPORT_ROWS];
	size_t count;
	struct row total;
	double elapsed;
	uint64_t programs, missed;
	struct site_report sites;
};

/* Adds up the counters. rate: nanoseconds per cycle. */
void report_read(struct report *report, const struct k23_counters *counters, double rate);

/* key: time, average, calls, errors (largest first), name or number. False: there is no such key. */
bool report_sort(struct report *report, const char *key);

/* all_sites: where the calls were made, in full. */
void report_print_table(FILE *output, const struct report *report, bool all_sites);

/* argv: the program. status: as of waitpid. */
void report_print_json(FILE *output, const struct report *report, char **argv, int status);

#endif
