/*
 * k23 record: keeps the last calls, signals and so on of a program in a file, for `k23 show`.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/record/recording.h"
#include "cli/segment.h"
#include "cli/trace/first_call.h"
#include "cli/trace/options.h"

#define DEFAULT_RING (64ul << 20)
#define MIN_RING (256ul << 10)
#define MAX_RING (4ul << 30)

#define BUSY_PATIENCE 5	  /* ms: how soon more of the file is made ready while the program fills it */
#define IDLE_PATIENCE 200 /* ms, when it has not done so for IDLE_AFTER */
#define IDLE_AFTER 100	  /* ms */

enum { RING = 0x200 };

static const struct option_row record_options[] = {
	{ "output", 'o', "FILE", "the file: it takes the place of one of that name", 0, NULL },
	{ "ring", 0, "SIZE[k|M|G]", "how much is kept: the last so many bytes (64M)", RING, NULL },
	{ 0 },
};

struct record_options {
	size_t ring;
	struct trace_options trace;
};

/* Whether an expression says what is recorded, and not only what is shown. */
static bool is_recorded(const char *expression)
{
	static const char *const qualifiers[] = { "trace=", "t=", "read=", "write=" };

	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++)
		if (strncmp(expression, qualifiers[i], strlen(qualifiers[i])) == 0)
			return true;
	return !strchr(expression, '=');
}

static void parse_options(struct record_options *to, int argc, char **argv)
{
	int option;

	to->ring = DEFAULT_RING;
	trace_options_begin(&to->trace, &command_record);
	while ((option = option_next(&command_record, argc, argv)) != -1) {
		if (option == 'e' && !is_recorded(optarg))
			die_usage("record", "-e %s is for `k23 show`", optarg);
		if (option == RING)
			to->ring = option_size("record", "--ring", optarg, MIN_RING, MAX_RING);
		else
			trace_option_take(&to->trace, option, optarg);
	}
	if (!to->trace.output)
		die_usage("record", "-o FILE is to be given: where the recording is kept");
	trace_options_end(&to->trace, &command_record, argc, argv);
}

static void follow_program(struct collection *collection, struct k23_recording *recording)
{
	uint64_t head = 0, before;
	unsigned idle = 0;

	while (!collect_over(collection)) {
		before = head;
		head = __atomic_load_n(&recording->head, __ATOMIC_RELAXED);
		idle = head == before && !collection->ended ? idle + BUSY_PATIENCE : 0;
		recording_note_time(recording);
		recording_prepare(recording);
		collect_wait(collection, idle < IDLE_AFTER ? BUSY_PATIENCE : IDLE_PATIENCE);
	}
}

/* Reports what the recording does not have, and should. */
static void report_losses(const struct segment *segment, const struct k23_recording *recording)
{
	uint64_t missed = segment_missed(segment);

	if (recording->dropped)
		complain("%llu events could not be recorded: each part of the ring was being written to (--ring)",
			 (unsigned long long)recording->dropped);
	if (missed)
		complain("%llu of %llu programs started could not be recorded", (unsigned long long)missed,
			 (unsigned long long)segment->channel->started - FIRST_CALL_IMAGES);
}

static int record(int argc, char **argv)
{
	struct record_options options;
	struct collection collection;
	struct segment segment;
	struct k23_recording *recording;
	char *spec;

	parse_options(&options, argc, argv);
	recording = recording_create(&segment, options.trace.output, options.ring, &options.trace);
	spec = segment_hook_spec(&segment, "trace");
	if (asprintf((char **)&options.trace.launch.hooks[0], "%s,recording=1", spec) < 0)
		die(EXIT_K23, "out of memory");
	options.trace.launch.carry = first_call;
	collect_start(&collection, &segment, &options.trace.launch);
	follow_program(&collection, recording);
	recording_note_time(recording);
	recording->child = collection.child;
	recording->status = collection.status;
	recording->ended = 1;
	segment_close(&segment);
	if (collect_started(&collection))
		report_losses(&segment, recording);
	free(spec);
	collect_exit(&collection);
}

const struct command command_record = {
	.name = "record",
	.run = record,
	.summary = "keep a program's last system calls in a file, for `k23 show`",
	.usage = "-o FILE [OPTIONS] [--] PROGRAM [ARGS...]",
	.about = "Keeps the last system calls of PROGRAM and of every process that it starts, with signals,\n"
		 "starts and ends, in FILE, which `k23 show` prints: also after they, or k23, were killed.",
	.options = { record_options, trace_record_options, launch_options, launch_patch_options },
	.after = collect_exit_help,
	.program = true,
};
