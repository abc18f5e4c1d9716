#include "cli/stat/processes.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/stat/sites.h"

/* While they are read: the histogram of each. */
struct reading {
	struct stat_processes *processes;
	struct stat_histogram *histograms;
};

static void add_thread(struct reading *reading, size_t i, const struct k23_counters_thread *thread)
{
	struct stat_process *process = &reading->processes->rows[i];
	struct stat_histogram own = { 0 };

	stat_histogram_add(&own, thread->histogram);
	stat_histogram_add(&reading->histograms[i], own.buckets);
	process->threads++;
	process->count.calls += stat_histogram_total(&own) + thread->ended + (thread->now != 0);
	process->count.errors += thread->errors;
	process->count.cycles += thread->cycles;
	process->count.max = thread->max > process->count.max ? thread->max : process->count.max;
	process->last = thread->last > process->last ? thread->last : process->last;
}

static int by_start(const void *a, const void *b)
{
	const struct stat_process *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The process that a thread is of: the newest with that id that is not newer than the thread. */
static size_t process_of(const struct stat_processes *processes, const struct k23_counters_thread *thread)
{
	size_t found = processes->count;

	for (size_t i = 0; i < processes->count; i++)
		if (processes->rows[i].pid == thread->pid && processes->rows[i].start <= thread->start)
			found = i;
	return found;
}

/* What a process that has executed nothing runs is what its parent did. */
static void inherit_programs(struct stat_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		for (size_t k = i; k-- > 0 && !processes->rows[i].program;)
			if (processes->rows[k].pid == processes->rows[i].parent && processes->rows[k].program)
				processes->rows[i].program = strdup(processes->rows[k].program);
}

void stat_processes_read(struct stat_processes *processes, const struct k23_counters *counters)
{
	struct reading reading = { processes, calloc(K23_COUNTERS_THREADS, sizeof(*reading.histograms)) };

	*processes = (struct stat_processes){ calloc(K23_COUNTERS_THREADS, sizeof(*processes->rows)), 0,
					      counters->unlisted };
	if (!processes->rows || !reading.histograms)
		die(EXIT_K23, "out of memory");
	for (unsigned i = 0; i < K23_COUNTERS_THREADS; i++) {
		const struct k23_counters_thread *thread = &counters->threads[i];

		if (k23_counters_has_thread(counters, i) && thread->pid == thread->tid)
			processes->rows[processes->count++] = (struct stat_process){
				.pid = thread->pid, .parent = thread->parent, .start = thread->start,
				.program = stat_sites_path(counters, thread->path),
			};
	}
	if (processes->count)
		qsort(processes->rows, processes->count, sizeof(processes->rows[0]), by_start);
	for (unsigned i = 0; i < K23_COUNTERS_THREADS; i++) {
		const struct k23_counters_thread *thread = &counters->threads[i];
		size_t process = processes->count;

		if (k23_counters_has_thread(counters, i))
			process = process_of(processes, thread);
		if (process < processes->count)
			add_thread(&reading, process, thread);
	}
	for (size_t i = 0; i < processes->count; i++) {
		struct stat_process *process = &processes->rows[i];

		process->p50 = stat_histogram_quantile(&reading.histograms[i], 0.5, process->count.max);
		process->p99 = stat_histogram_quantile(&reading.histograms[i], 0.99, process->count.max);
	}
	inherit_programs(processes);
	free(reading.histograms);
}

static const char *name_of(const struct stat_process *process)
{
	return process->program ? process->program : "?";
}

void stat_processes_print(FILE *output, const struct stat_processes *processes, double rate)
{
	fprintf(output, "\n%7s %7s %11s %10s %10s %10s %10s %9s %9s %s\n", "pid", "parent", "seconds", "usecs/call",
		"p50", "p99", "max", "calls", "errors", "program");
	fprintf(output, "------- ------- ----------- ---------- ---------- ---------- ---------- --------- ---------"
			" ----------------\n");
	for (size_t i = 0; i < processes->count; i++) {
		const struct stat_process *process = &processes->rows[i];
		const struct stat_count *count = &process->count;
		double us = rate / 1e3;

		fprintf(output, "%7d %7d %11.6f %10.3f %10.3f %10.3f %10.3f %9llu %9llu %s\n", process->pid,
			process->parent, (double)count->cycles * rate / 1e9,
			count->calls ? (double)count->cycles * us / (double)count->calls : 0, (double)process->p50 * us,
			(double)process->p99 * us, (double)count->max * us, (unsigned long long)count->calls,
			(unsigned long long)count->errors, name_of(process));
	}
	if (processes->unlisted)
		fprintf(output, "%llu threads are not listed: there was no room\n",
			(unsigned long long)processes->unlisted);
}

static void add_seconds(struct json_object *object, const char *name, double cycles, double rate)
{
	json_object_object_add(object, name, json_object_new_double(cycles * rate / 1e9));
}

struct json_object *stat_processes_json(const struct stat_processes *processes, uint64_t start, double rate)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < processes->count; i++) {
		const struct stat_process *process = &processes->rows[i];
		const struct stat_count *count = &process->count;
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "pid", json_object_new_int(process->pid));
		json_object_object_add(object, "parent", json_object_new_int(process->parent));
		json_object_object_add(object, "program",
				       process->program ? json_object_new_string(process->program) : NULL);
		json_object_object_add(object, "threads", json_object_new_int((int)process->threads));
		add_seconds(object, "start", (double)process->start - (double)start, rate);
		add_seconds(object, "last", (double)process->last - (double)start, rate);
		json_object_object_add(object, "calls", json_object_new_uint64(count->calls));
		json_object_object_add(object, "errors", json_object_new_uint64(count->errors));
		add_seconds(object, "seconds", (double)count->cycles, rate);
		add_seconds(object, "mean", count->calls ? (double)count->cycles / (double)count->calls : 0, rate);
		add_seconds(object, "p50", (double)process->p50, rate);
		add_seconds(object, "p99", (double)process->p99, rate);
		add_seconds(object, "max", (double)count->max, rate);
		json_object_array_add(array, object);
	}
	return array;
}

void stat_processes_free(struct stat_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		free(processes->rows[i].program);
	free(processes->rows);
}
