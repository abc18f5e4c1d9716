/*
 * How a trace is written. Records become events (calls.h, signals.h, tasks.h), of which a format is told in the order
 * in which they were recorded. What the user does not want to see is left out before. Each format is in a file of its
 * own.
 */
#ifndef CLI_TRACE_FORMAT_H
#define CLI_TRACE_FORMAT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/render.h"
#include "cli/trace/task.h"

struct stack;
struct stream;
struct trace_log;

/* A call that has returned, or of which nothing more will be known. Times are in cycles. */
struct trace_return {
	const struct call *call;
	uint64_t time;     /* when this is told */
	uint64_t duration; /* how long the call took; 0 if it has not returned */
	bool detached;     /* its thread runs a program now that is not traced */
	const struct stack *stack; /* where it was made; NULL: that is not wanted */
};

/* How a thread has ended. */
struct trace_end {
	enum fate fate;
	int status;    /* as exit takes it, or the signal */
	bool core;     /* dumped */
	uint64_t time; /* in cycles */
};

/* A function may be NULL: then the format does not say it. */
struct trace_format {
	const char *name;

	/* With a file for each thread, what is of no thread goes to one, too, with the name alone; else to stderr. */
	bool common;

	/* Before anything else in a file: that of all, and each of a thread. */
	void (*begin)(struct trace_log *log, struct stream *stream);

	/* After everything, in the file of all. */
	void (*finish)(struct trace_log *log);

	/* A thread makes a call. Not told if it depends on the result whether the call is shown. */
	void (*call)(struct trace_log *log, struct task *task);

	/* Nothing has happened for a moment, and the call has not returned. Told once of a call. */
	void (*waiting)(struct trace_log *log, struct task *task);
	void (*returned)(struct trace_log *log, struct task *task, const struct trace_return *ret);

	/* A thread is sent a signal. time: in cycles, also below. */
	void (*signal)(struct trace_log *log, struct task *task, uint64_t time, const siginfo_t *info);

	/* A thread begins, which may be the first one of a process; and it ends. */
	void (*started)(struct trace_log *log, struct task *task, uint64_t time, bool process);
	void (*ended)(struct trace_log *log, struct task *task, const struct trace_end *end);

	/* A thread, which had the id `former` before, has executed a program that is traced, by this call. */
	void (*executed)(struct trace_log *log, struct task *task, uint64_t time, uint32_t former,
			 const struct call *call);

	/* A process's first thread is gone, because another has executed a program, and has its id now. */
	void (*superseded)(struct trace_log *log, struct task *leader, uint32_t by);

	/* A thread was killed while it recorded a call. */
	void (*lost)(struct trace_log *log, uint32_t tid);
};

/* Tells the log's format something: TRACE_TELL(ended, log, task, &end). */
#define TRACE_TELL(what, log, ...)                                            \
	do {                                                                  \
		if ((log)->format->what)                                      \
			(log)->format->what(log __VA_OPT__(, ) __VA_ARGS__);  \
	} while (0)

extern const struct trace_format trace_text;   /* lines in the manner of strace */
extern const struct trace_format trace_json;   /* a line of JSON for each event */
extern const struct trace_format trace_perfetto; /* a trace for ui.perfetto.dev */
extern const struct trace_format trace_silent; /* nothing, for those who want only a table */

/* The formats that a user can choose; the last is NULL. */
extern const struct trace_format *const trace_formats[];

#endif
