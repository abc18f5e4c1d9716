/*
 * Where the lines of `k23 trace` go: to one file, or, with -ff, to one for each thread.
 */
#ifndef CLI_TRACE_STREAM_H
#define CLI_TRACE_STREAM_H

#include <stddef.h>
#include <stdio.h>

struct task;
struct trace_log;

struct stream {
	FILE *file;
	struct task *open; /* whose call is to be on the last line, when it has returned; NULL: no call */
	size_t column;	   /* how long the last line is so far; 0: it is complete, or not begun */
};

/* Gives the thread a stream, if it has none because it has not written yet. */
void trace_stream_open(struct trace_log *log, struct task *task);

/* The thread will not write any more. */
void trace_stream_close(struct trace_log *log, struct task *task);

#endif
