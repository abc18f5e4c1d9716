/*
 * k23 trace: prints the system calls of a program and of all processes that it starts.
 */
#include <pwd.h>
#include <stdlib.h>
#include <time.h>

#include <k23/ring.h>

#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/output.h"
#include "cli/ring_reader.h"
#include "cli/segment.h"
#include "cli/trace/first_call.h"
#include "cli/trace/log.h"
#include "cli/trace/options.h"
#include "cli/trace/tasks.h"
#include "cli/verdict.h"

#define IDLE_PATIENCE 20 /* ms: how late a line may be when little happens */
#define SWEEP_EVERY 200 /* ms: how late the end of a process may be that nobody waits for */

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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
	size_t size = ring_size(cells_of(options->buffer));
	struct k23_ring *ring;

	/* Behind the ring is what the hook has that injects faults. */
	segment_create(segment, K23_RING_MAGIC, size + (options->injections.count ? sizeof(struct k23_injections) : 0));
	ring = (struct k23_ring *)segment->channel;
	ring->full = options->full;
	trace_options_request(options, &ring->request);
	if (options->launch.user)
		segment_give(segment, launch_user(options->launch.user)->pw_uid);
	return ring;
}

/* Prints calls until the collection is over. */
static void follow_program(struct collection *collection, struct ring_reader *reader, struct trace_log *log)
{
	bool reported = false, over = false;
	uint64_t swept = milliseconds(), now;

	while (!over) {
		bool ended = collection->ended, empty;

		over = collect_over(collection);
		trace_log_clock(log);
		empty = ring_reader_drain(reader);
		trace_log_clock(log);
		if (ended && !reported && empty && collect_started(collection)) {
			trace_tasks_reaped(log, (uint32_t)collection->child, collection->status);
			reported = true;
		}
		now = milliseconds();
		if (empty && now - swept >= SWEEP_EVERY) {
			trace_log_idle(log);
			trace_tasks_sweep(log);
			swept = now;
		}
		trace_log_flush(log);
		if (!over)
			collect_wait(collection, empty ? IDLE_PATIENCE : 0);
	}
	ring_reader_finish(reader);
	trace_log_clock(log);
	if (!reported && collect_started(collection))
		trace_tasks_reaped(log, (uint32_t)collection->child, collection->status);
}

/* What the command knows of the lines that are not there. */
static void read_verdict(struct verdict *verdict, struct collection *collection, const struct k23_ring *ring,
			 const struct trace_log *log)
{
	verdict_read(verdict, collection);
	/* The hook knows better than the runtime, who thinks that nobody sees operations. */
	verdict_replace(verdict, GAP_URING, ring->unseen.instances);
	verdict_replace(verdict, GAP_URING_ENTRIES, ring->unseen.operations);
	verdict_add(verdict, GAP_DROPPED, log->dropped ? *log->dropped : 0);
	verdict_add(verdict, GAP_TORN, log->lost);
	verdict_add(verdict, GAP_DETACHED, log->detached);
}

static int trace(int argc, char **argv)
{
	static struct verdict verdict;
	static struct trace_log log;
	struct trace_options options;
	struct collection collection;
	struct ring_reader reader;
	struct segment segment;
	struct output output;
	struct k23_ring *ring;
	int failed;

	trace_options_parse(&options, &command_trace, argc, argv);
	ring = make_ring(&segment, &options);
	options.launch.hooks[0] = segment_hook_spec(&segment, "trace");
	if (options.injections.count)
		launch_hook(&options.launch, inject_hook_spec(&options.injections, &segment,
							      ring_size(cells_of(options.buffer)), true, "trace"));
	options.launch.carry = first_call;
	output = output_open(trace_options_output(&options), true, options.append);
	trace_log_init(&log, &options, output.file, &ring->channel, &ring->request);
	log.dropped = &ring->dropped;
	ring_reader_init(&reader, ring, cells_of(options.buffer),
			 (struct ring_consumer){ trace_log_cell, trace_log_lost, &log });
	collect_start(&collection, &segment, &options.launch);
	output_leave_standard();
	follow_program(&collection, &reader, &log);
	segment_close(&segment);
	read_verdict(&verdict, &collection, ring, &log);
	log.verdict = collect_started(&collection) ? &verdict : NULL;
	trace_log_end(&log);
	failed = output_close(&output);
	if (log.failed)
		complain("not all of the report could be written to %s.*", options.output);
	if (failed || log.failed)
		exit(EXIT_K23);
	if (!collect_started(&collection))
		collect_exit(&collection);
	trace_log_free(&log);
	if (!verdict_is_complete(&verdict) || !(options.style.quiet & QUIET_VERDICT))
		verdict_print(&verdict, stderr, "k23: ");
	verdict_exit(&verdict, options.gap_status, &collection);
}

const struct command command_trace = {
	.name = "trace",
	.run = trace,
	.summary = "print a program's system calls, a line each",
	.usage = "[OPTIONS] [--] PROGRAM [ARGS...]",
	.about = "Prints the system calls of PROGRAM and of every process that it starts, a line for each, the\n"
		 "signals that are delivered to them, and how they end. Lines and options are those of strace.",
	.options = { trace_line_options, trace_run_options, verdict_options, launch_options, launch_patch_options },
	.after = collect_exit_help,
	.program = true,
};
