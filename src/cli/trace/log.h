/*
 * The events of `k23 trace`. The cells of a thread become records, and records become events in the order in which
 * they were made: those of calls (calls.h), of signals (signals.h), and of threads and processes (tasks.h). A format
 * (format.h) writes them. What is known of a call that does not return is told, too: when nothing happens for a
 * moment (trace_log_idle), and when its thread has died.
 */
#ifndef CLI_TRACE_LOG_H
#define CLI_TRACE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <k23/ring.h>

#include "cli/render.h"
#include "cli/trace/options.h"
#include "cli/trace/stream.h"
#include "cli/trace/summary.h"
#include "cli/trace/task.h"
#include "cli/tsc.h"

struct namespaces;
struct trace_format;
struct verdict;

struct trace_log {
	const struct trace_options *options;
	const struct trace_format *format;
	const struct k23_channel *channel;
	const struct k23_ring_request *request;
	const uint64_t *dropped; /* events of which something could not be recorded; NULL: it is not known */
	struct stream main;
	bool seen;   /* a program has started */
	bool open_end; /* what happened to those that are left at the end is not known */
	bool replayed; /* the events are of a time that has passed */
	bool failed; /* a file of -ff could not be written */
	struct tsc_moment start;
	int64_t start_unix; /* nanoseconds */
	double rate;	    /* nanoseconds per cycle */
	uint64_t time;	    /* in cycles, of the record that is being told, or, without one, the present */
	uint64_t last;	    /* that of the last line; 0: there was none */
	struct tasks tasks;
	struct namespaces *namespaces; /* NULL: there are none but this one, or ids are not to be translated */
	struct summary *summary;
	struct line line, text;
	uint64_t tracks; /* how many a format has made */
	uint64_t boot;	 /* a format's: when the log began, in nanoseconds of CLOCK_BOOTTIME */
	uint64_t lost; /* records that a killed thread did not finish */
	const struct verdict *verdict; /* at the end, if a program has run; otherwise NULL */
	uint64_t detached; /* programs that are not traced, by -b */
};

/* log: all zero; static, since it is large and little of it is used mostly. output: where lines go. channel: tells
 * whether process ids are those of this process's namespace. request: what is recorded. */
void trace_log_init(struct trace_log *log, const struct trace_options *options, FILE *output,
		    const struct k23_channel *channel, const struct k23_ring_request *request);

/* For events of a time that has passed: when the log began, by two clocks and in nanoseconds since 1970, and how many
 * nanoseconds a cycle had. To be called before the first record. */
void trace_log_replay(struct trace_log *log, struct tsc_moment start, int64_t start_unix, double rate);

/* A record that is not in a ring: of a thread. */
void trace_log_record(struct trace_log *log, uint32_t writer, uint32_t pid, uint32_t tid, const void *data,
		      size_t size);

/* The functions of a struct ring_consumer whose context is the log. */
void trace_log_cell(void *log, const struct k23_ring_cell *cell);
void trace_log_lost(void *log, uint32_t tid);

/* Measures the clock's rate again, which becomes more exact with time. To be called before cells are read. */
void trace_log_clock(struct trace_log *log);

/* A time in nanoseconds since the log began. */
int64_t trace_log_time(const struct trace_log *log, uint64_t cycles);

/* Nothing happens at present: tells of calls that have not returned. */
void trace_log_idle(struct trace_log *log);

/* Tells the ends of all that is left, and prints the summary. */
void trace_log_end(struct trace_log *log);

/* Flushes all streams. */
void trace_log_flush(struct trace_log *log);
void trace_log_free(struct trace_log *log);

#endif
