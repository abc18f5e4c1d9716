/*
 * The report of `k23 stat`, as a table and as JSON.
 */
#ifndef CLI_STAT_REPORT_H
#define CLI_STAT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <k23/counters.h>

#include "cli/stat/counts.h"
#include "cli/stat/processes.h"
#include "cli/stat/sites.h"
#include "cli/tsc.h"

struct json_object;

#define STAT_NAME 40

/* A line of the report. */
struct stat_row {
	char name[STAT_NAME];
	enum k23_channel_arch arch;
	long nr; /* -1: all numbers from K23_NUMBERS on */
	struct stat_count count;
	double seconds, p50, p99, max; /* the last three: 0 if they are not known */
};

struct stat_report {
	const struct k23_counters *counters;
	double rate;	/* nanoseconds per cycle */
	uint64_t start; /* of the run, in cycles */
	struct stat_row rows[STAT_CALLS];
	size_t count;
	struct stat_row total;
	struct stat_processes processes;
	struct stat_sites sites;
};

/* What of the report is printed besides the table of calls. */
enum stat_parts { STAT_SITES = 1, STAT_PROCESSES = 2, STAT_HISTOGRAMS = 4 };

/* Adds up the counters, over a run from one moment to another. */
void stat_report_read(struct stat_report *report, const struct k23_counters *counters, struct tsc_moment start,
		      struct tsc_moment end);

/* The name of a call, as stat_counts_read() numbers them; those by int $0x80 have " (i386)" behind. */
void stat_call_name(char name[STAT_NAME], unsigned call);

#define STAT_ORDERS "time|average|calls|errors|p50|p99|max|name|number"

/* Sorts the rows by a key: the largest first, but for name and number. False: there is no such key. */
bool stat_report_sort(struct stat_report *report, const char *key);

/* parts: enum stat_parts. */
void stat_report_print_table(FILE *output, const struct stat_report *report, unsigned parts);

/* Adds the members that have the counts. */
void stat_report_json(struct json_object *object, const struct stat_report *report, unsigned parts);

#endif
