/*
 * The lines of `k23 trace`: records become calls, calls become lines.
 */
#ifndef CLI_TRACELOG_H
#define CLI_TRACELOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <k23/ring.h>

#include "cli/render.h"
#include "cli/tsc.h"

struct writer;

struct tracelog {
	FILE *output;
	const struct k23_ring *ring;
	bool durations; /* show how long each call took */
	struct tsc_moment start;
	double rate; /* nanoseconds per cycle */
	struct writer **buckets, *spare;
	struct text line;
	uint64_t lost; /* records that a killed thread did not finish */
};

/* ring: for the question which writers still live. start: the zero of the times. */
void tracelog_init(struct tracelog *log, FILE *output, const struct k23_ring *ring, struct tsc_moment start);

/* struct ring_consumer's, with the log as context. */
void tracelog_cell(void *log, const struct k23_ring_cell *cell);
void tracelog_lost(void *log, uint32_t tid);

/* Before reading: takes the time, with which the clock's rate becomes more exact. */
void tracelog_clock(struct tracelog *log);

/* Prints the calls of threads that were killed in them, a while ago; of a process that has ended; and all that have
 * not returned, when nobody can return from them any more. */
void tracelog_flush_dead(struct tracelog *log);
void tracelog_flush_process(struct tracelog *log, uint32_t pid);
void tracelog_end(struct tracelog *log);

/* Prints a line that is no call, dated now. */
void tracelog_note(struct tracelog *log, uint32_t tid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void tracelog_free(struct tracelog *log);

#endif
