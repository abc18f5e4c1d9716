/*
 * k23 trace: prints the system calls of a program and of all processes that it starts.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <k23/ring.h>

#include "cli/call_set.h"
#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/output.h"
#include "cli/ring_reader.h"
#include "cli/segment.h"
#include "cli/trace_log.h"
#include "cli/tsc.h"

#define DEFAULT_BUFFER (8ul << 20)
#define MIN_BUFFER (64ul << 10)
#define MAX_BUFFER (4ul << 30)
#define DEFAULT_STRING 32
#define MAX_STRING 65535
#define IDLE_PATIENCE 20 /* ms: how late a line may be when little happens */

static const char help[] =
	"usage: k23 trace [OPTIONS] [--] PROGRAM [ARGS...]\n"
	"\n"
	"Prints the system calls of PROGRAM and of every process that it starts, a line for each, when it has\n"
	"returned: thread id, seconds since the start, name, arguments, result.\n"
	"\n"
	"  -o, --output=FILE            print to FILE, not to stderr\n"
	"  -e, --calls=NAMES            only these calls; after !, all but these; all, none\n"
	"  -s, --string=SIZE            how much of strings and buffers is shown (32); paths are shown whole\n"
	"  -T, --durations              how long each call took\n"
	"  --full=block|drop            when calls come faster than lines can be written: let the program wait\n"
	"                               (default), or drop calls and tell at the end how many\n"
	"  --buffer=SIZE[k|M|G]         how much is kept for the lines to be written (8M)\n"
	"  --hook FILE[:KEY=VALUE,...]  a further hook, between the recording and the kernel\n"
	"  --foreign=refuse|allow       programs that cannot be interposed: refuse them (default), or let them\n"
	"                               run, untraced\n"
	LAUNCH_HELP
	"\n"
	"Exit status: the program's; when a signal killed the program, the same signal kills k23. 125 when k23\n"
	"fails, 126 when the program cannot be run, 127 when it is not found.\n";

struct trace_options {
	const char *output;
	const char *calls;
	size_t buffer;
	uint32_t string;
	enum k23_ring_full full;
	bool durations;
	struct launch launch;
};

static unsigned long parse_size(const char *option, const char *text, unsigned long min, unsigned long max)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (value > max >> shift)
			errno = ERANGE;
		value <<= shift;
		end++;
	}
	if (errno || *end || *text < '0' || *text > '9' || value < min || value > max)
		die_usage("trace", "%s takes a size from %lu to %lu, not %s", option, min, max, text);
	return value;
}

static enum k23_ring_full parse_full(const char *text)
{
	if (strcmp(text, "block") == 0)
		return K23_RING_BLOCK;
	if (strcmp(text, "drop") == 0)
		return K23_RING_DROP;
	die_usage("trace", "--full takes block or drop, not %s", text);
}

static void take_option(struct trace_options *to, int option, const char *value)
{
	switch (option) {
	case 'o':
		to->output = value;
		break;
	case 'e':
		to->calls = value;
		break;
	case 's':
		to->string = (uint32_t)parse_size("--string", value, 0, MAX_STRING);
		break;
	case 'T':
		to->durations = true;
		break;
	case 'f':
		to->full = parse_full(value);
		break;
	case 'b':
		to->buffer = parse_size("--buffer", value, MIN_BUFFER, MAX_BUFFER);
		break;
	default:
		launch_option(&to->launch, "trace", option, value);
	}
}

/* Returns false when only help was wanted. */
static bool parse_options(struct trace_options *to, int argc, char **argv)
{
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "output", required_argument, NULL, 'o' },
		{ "calls", required_argument, NULL, 'e' },
		{ "string", required_argument, NULL, 's' },
		{ "durations", no_argument, NULL, 'T' },
		{ "full", required_argument, NULL, 'f' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*to = (struct trace_options){ .calls = "all", .buffer = DEFAULT_BUFFER, .string = DEFAULT_STRING };
	launch_hook(&to->launch, "trace"); /* the first of the chain; command_trace() adds its options */
	while ((option = next_option("trace", argc, argv, "+o:e:s:Th", options)) != -1) {
		if (option == 'h')
			return fputs(help, stdout), false;
		take_option(to, option, optarg);
	}
	if (optind == argc)
		die_usage("trace", "no program is given");
	to->launch.argv = argv + optind;
	return true;
}

/* The largest power of two that the buffer has room for. */
static uint32_t cells_of(size_t buffer)
{
	size_t cells = 1;

	while (2 * cells * sizeof(struct k23_ring_cell) <= buffer)
		cells *= 2;
	return (uint32_t)cells;
}

static struct k23_ring *make_ring(struct segment *segment, const struct trace_options *options)
{
	char *problem;
	struct k23_ring *ring;

	segment_create(segment, K23_RING_MAGIC, ring_size(cells_of(options->buffer)));
	ring = (struct k23_ring *)segment->channel;
	ring->full = options->full;
	ring->string_size = options->string;
	problem = call_set_parse(ring, options->calls);
	if (problem)
		die_usage("trace", "%s", problem);
	return ring;
}

static void report_end(struct trace_log *log, const struct collection *collection)
{
	int status = collection->status;

	trace_log_flush_process(log, (uint32_t)collection->child);
	if (WIFEXITED(status)) {
		trace_log_note(log, (uint32_t)collection->child, "+++ exited with %d +++", WEXITSTATUS(status));
		return;
	}
	if (sigabbrev_np(WTERMSIG(status)))
		trace_log_note(log, (uint32_t)collection->child, "+++ killed by SIG%s%s +++",
			       sigabbrev_np(WTERMSIG(status)), WCOREDUMP(status) ? " (core dumped)" : "");
	else
		trace_log_note(log, (uint32_t)collection->child, "+++ killed by SIGRT_%d +++", WTERMSIG(status) - 32);
}

/* Prints calls until the collection is over. */
static void follow_program(struct collection *collection, struct ring_reader *reader, struct trace_log *log)
{
	bool reported = false, over = false;
	time_t swept = time(NULL);

	while (!over) {
		bool ended = collection->ended, empty;

		over = collect_over(collection);
		trace_log_clock(log);
		empty = ring_reader_drain(reader);
		if (ended && !reported && empty && collect_started(collection)) {
			report_end(log, collection);
			reported = true;
		}
		fflush(log->output);
		if (time(NULL) != swept) {
			trace_log_flush_dead(log);
			swept = time(NULL);
		}
		if (!over)
			collect_wait(collection, empty ? IDLE_PATIENCE : 0);
	}
	ring_reader_finish(reader);
	if (!reported && collect_started(collection))
		report_end(log, collection);
	trace_log_end(log);
}

/* Reports the calls and programs that the lines do not show. */
static void report_losses(const struct segment *segment, const struct trace_log *log)
{
	uint64_t dropped = ((const struct k23_ring *)segment->channel)->dropped, missed = segment_missed(segment);

	if (dropped)
		complain("%llu calls are missing, or are without a result: the buffer was full "
			 "(--buffer, --full=block)", (unsigned long long)dropped);
	if (missed)
		complain("%llu of %llu programs started could not be traced", (unsigned long long)missed,
			 (unsigned long long)segment->channel->started);
	if (log->lost)
		complain("%llu threads were killed while they recorded a call", (unsigned long long)log->lost);
}

int command_trace(int argc, char **argv)
{
	struct trace_options options;
	struct collection collection;
	struct ring_reader reader;
	struct segment segment;
	struct trace_log log;
	struct k23_ring *ring;
	FILE *output;

	if (!parse_options(&options, argc, argv))
		exit(EXIT_SUCCESS);
	ring = make_ring(&segment, &options);
	options.launch.hooks[0] = segment_hook_spec(&segment, "trace");
	output = output_open(options.output);
	trace_log_init(&log, output, ring, tsc_now());
	log.durations = options.durations;
	ring_reader_init(&reader, ring, cells_of(options.buffer),
			 (struct ring_consumer){ trace_log_cell, trace_log_lost, &log });
	collect_start(&collection, &segment, &options.launch);
	follow_program(&collection, &reader, &log);
	segment_close(&segment);
	if (output_close(output, options.output) != 0)
		exit(EXIT_K23);
	if (collect_started(&collection))
		report_losses(&segment, &log);
	trace_log_free(&log);
	collect_exit(&collection);
}
