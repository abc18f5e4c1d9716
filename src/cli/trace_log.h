/*
 * The lines of `k23 trace`: records become calls, calls become lines.
 */
#ifndef CLI_TRACE_LOG_H
#define CLI_TRACE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <k23/ring.h>

#include "cli/render.h"
#include "cli/tsc.h"

struct writer;

struct trace_log {
	FILE *output;
	const struct k23_ring *ring;
	bool durations; /* show how long each call took */
	struct tsc_moment start;
	double rate; /* nanoseconds per cycle */
	struct writer **buckets, *spare;
	struct line line;
	uint64_t lost; /* records that a killed thread did not finish */
};

/* ring: tells which writers still live. start: the moment from which the lines count time. */
void trace_log_init(struct trace_log *log, FILE *output, const struct k23_ring *ring, struct tsc_moment start);

/* The functions of a struct ring_consumer whose context is the log. */
void trace_log_cell(void *log, const struct k23_ring_cell *cell);
void trace_log_lost(void *log, uint32_t tid);

/* Measures the clock's rate again, which becomes more exact with time. To be called before cells are read. */
void trace_log_clock(struct trace_log *log);

/* Print calls that will never return: those in which a thread was killed a while ago; those of a process that has
 * ended; and, when no process is left, all. */
void trace_log_flush_dead(struct trace_log *log);
void trace_log_flush_process(struct trace_log *log, uint32_t pid);
void trace_log_end(struct trace_log *log);

/* Prints a line that is no call, with the present time. */
void trace_log_note(struct trace_log *log, uint32_t tid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void trace_log_free(struct trace_log *log);

#endif
