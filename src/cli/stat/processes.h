/*
 * The processes of a run, as `k23 stat` reports them.
 */
#ifndef CLI_STAT_PROCESSES_H
#define CLI_STAT_PROCESSES_H

#include <stddef.h>
#include <stdio.h>

#include "cli/stat/counts.h"

struct json_object;

struct stat_process {
	int pid, parent;
	unsigned threads; /* that it had, the first included */
	char *program;	  /* the one that it executed last; NULL: that of its parent */
	uint64_t start, last; /* when it began, and when it last made a call, in cycles */
	struct stat_count count;
	uint64_t p50, p99; /* cycles */
};

struct stat_processes {
	struct stat_process *rows; /* in the order in which they began */
	size_t count;
	uint64_t unlisted; /* threads for which there was no room */
};

void stat_processes_read(struct stat_processes *processes, const struct k23_counters *counters);
/* rate: nanoseconds per cycle. */
void stat_processes_print(FILE *output, const struct stat_processes *processes, double rate);
/* start: of the run, in cycles. */
struct json_object *stat_processes_json(const struct stat_processes *processes, uint64_t start, double rate);
void stat_processes_free(struct stat_processes *processes);

#endif
