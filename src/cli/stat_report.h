/*
 * The report of `k23 stat`, as a table and as JSON.
 */
#ifndef CLI_STAT_REPORT_H
#define CLI_STAT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <k23/counters.h>

#include "cli/stat_sites.h"

#define REPORT_ROWS (K23_CHANNEL_ARCHES * (K23_NUMBERS + 1))

/* A line of the report. */
struct stat_row {
	char name[40];
	enum k23_channel_arch arch;
	long nr; /* -1: all numbers from K23_NUMBERS on */
	uint64_t calls, errors;
	double seconds;
};

struct stat_report {
	struct stat_row rows[REPORT_ROWS];
	size_t count;
	struct stat_row total;
	double elapsed;
	uint64_t programs, missed;
	struct stat_sites sites;
};

/* Adds up the counters. rate: nanoseconds per cycle. */
void stat_report_read(struct stat_report *report, const struct k23_counters *counters, double rate);

/* Sorts the rows by a key: time, average, calls or errors, largest first; name or number. False: there is no such
 * key. */
bool stat_report_sort(struct stat_report *report, const char *key);

/* all_sites: also each place where calls were made. */
void stat_report_print_table(FILE *output, const struct stat_report *report, bool all_sites);

/* argv: the program and its arguments. status: as waitpid has it. */
void stat_report_print_json(FILE *output, const struct stat_report *report, char **argv, int status);

#endif
