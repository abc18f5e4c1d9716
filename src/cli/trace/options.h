/*
 * What a user may ask of `k23 trace`.
 */
#ifndef CLI_TRACE_OPTIONS_H
#define CLI_TRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/ring.h>

#include "cli/cli.h"
#include "cli/inject/rules.h"
#include "cli/render.h"
#include "cli/trace/path_filter.h"

/* How a call ended, as -e status= names it: bits. */
enum trace_status {
	STATUS_SUCCESSFUL = 1,
	STATUS_FAILED = 2,
	STATUS_UNFINISHED = 4,
	STATUS_UNAVAILABLE = 8,
	STATUS_DETACHED = 16,
	STATUS_ALL = 31,
};

/* What need not be said, as -e quiet= names it: bits. */
enum trace_quiet {
	QUIET_ATTACH = 1,
	QUIET_EXIT = 2,
	QUIET_PATH_RESOLUTION = 4,
	QUIET_PERSONALITY = 8,
	QUIET_THREAD_EXECVE = 16,
	QUIET_VERDICT = 32, /* that nothing is missing */
};

enum trace_clock { CLOCK_NONE, CLOCK_TIME, CLOCK_UNIX };

/* How lines look. digits: of a second. */
struct trace_style {
	enum trace_clock clock;
	unsigned clock_digits;
	bool relative; /* since the line before */
	unsigned relative_digits;
	bool durations;
	unsigned duration_digits;
	bool numbers;	   /* of calls */
	bool instructions; /* where calls are made */
	unsigned column;   /* where the result begins */
	unsigned statuses; /* which calls are shown */
	uint64_t signals;  /* which signals are shown: bit N - 1 */
	unsigned quiet;
	struct render_options render;
};

/* -c: a table at the end. */
struct trace_summary {
	bool wanted, only; /* only: no lines */
	const char *order;
	const char *columns;
};

struct trace_format;

struct trace_options {
	const struct trace_format *format;
	const char *output; /* a file, or | or ! and a command; NULL: stderr */
	bool append;
	bool replays; /* what was recorded: trace_log_replay() is called */
	bool separate; /* a file for each thread */
	const char *calls;
	struct k23_ring_calls whole, followed; /* as in struct render_options */
	struct k23_ring_calls raw; /* whose arguments and results are shown as numbers */
	struct path_filter paths;
	struct inject_rules injections;
	const char *dumped[K23_RING_DUMPS]; /* sets of descriptors; NULL: none */
	size_t buffer;
	enum k23_ring_full full;
	bool detach_on_exec;
	bool stacks; /* with each call, where it was made */
	struct trace_style style;
	struct trace_summary summary;
	int gap_status; /* with which to end if there is a gap; 0: as the program */
	struct launch launch;
};

/* Takes the options of a command that prints lines. What follows the options is in launch.argv: not nothing. */
void trace_options_parse(struct trace_options *to, const struct command *command, int argc, char **argv);

/* The same in steps, for a command that has options of its own: before the first option, one that is not the command's
 * own, and behind the last. */
void trace_options_begin(struct trace_options *to, const struct command *command);
void trace_option_take(struct trace_options *to, int option, const char *argument);
void trace_options_end(struct trace_options *to, const struct command *command, int argc, char **argv);

/* Where goes what is of no thread: a file, or a command; NULL: stderr. */
const char *trace_options_output(const struct trace_options *options);

/* What the hook is to record for these options. *request is zeroed. */
void trace_options_request(const struct trace_options *options, struct k23_ring_request *request);

/* The options that say what is shown, where and how; those that concern the program that is run; and those of both that
 * `k23 record` has. */
extern const struct option_row trace_line_options[], trace_run_options[], trace_record_options[];

#endif
