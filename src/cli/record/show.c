/*
 * k23 show: prints what `k23 record` has kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/record/recording_reader.h"
#include "cli/trace/log.h"
#include "cli/trace/options.h"
#include "cli/trace/tasks.h"

enum {
	EXIT_WHOLE = 0,
	EXIT_INCOMPLETE = 1, /* something is missing that should be there */
};

enum { INFO = 0x200 };

static const struct option_row show_options[] = {
	{ "info", 0, NULL, "say when, where and of what the recording is, and no more", INFO, NULL },
	{ 0 },
};

/* Returns whether only --info is asked for. */
static bool parse_options(struct trace_options *to, int argc, char **argv)
{
	bool info = false;
	int option;

	trace_options_begin(to, &command_show);
	while ((option = option_next(&command_show, argc, argv)) != -1)
		if (option == INFO)
			info = true;
		else
			trace_option_take(to, option, optarg);
	trace_options_end(to, &command_show, argc, argv);
	to->replays = true;
	if (to->style.render.namespaces)
		die_usage("show", "--decode-pids=pidns: a recording has ids of other PID namespaces as they are there");
	if (to->launch.argv[1])
		die_usage("show", "one file is to be given, not also %s", to->launch.argv[1]);
	to->style.quiet |= QUIET_ATTACH;
	return info;
}

/* What is printed is a file's, which may be anybody's: nothing that a terminal takes for a command. */
static void print_info(const struct k23_recording *recording)
{
	for (const char *at = recording->text; *at; at++)
		if ((unsigned char)*at >= ' ' || *at == '\n')
			putchar(*at);
		else
			printf("\\%o", (unsigned char)*at);
	printf("ring: %llu MB\n", (unsigned long long)recording->chunks * K23_CHUNK_SIZE >> 20);
	printf("overwritten: %llu events\n", (unsigned long long)recording->overwritten);
	printf("ended: %s\n", recording->ended ? "yes" : "no: k23 is still recording, or was killed");
}

static void print_records(struct recording_reader *reader, const struct trace_options *options, struct output *output)
{
	const struct k23_recording *header = recording_reader_header(reader);
	struct k23_ring_request *request = calloc(1, sizeof(*request));
	struct tsc_moment start = { header->cycles, header->nanoseconds };
	struct recording_record record;
	static struct trace_log log;

	if (!request)
		die(EXIT_K23, "out of memory");
	trace_options_request(options, request);
	trace_log_init(&log, options, output->file, &header->channel, request);
	log.dropped = &header->dropped;
	trace_log_replay(&log, start, header->unix_time, tsc_rate(start, recording_reader_last(reader)));
	log.open_end = !header->ended;
	while (recording_reader_next(reader, &record))
		trace_log_record(&log, record.writer, record.pid, record.tid, record.data, record.size);
	if (header->ended)
		trace_tasks_reaped(&log, (uint32_t)header->child, header->status);
	trace_log_end(&log);
	if (log.failed)
		complain("not all of the report could be written to %s.*", options->output);
	trace_log_free(&log);
	free(request);
}

/* Says what the lines do not show. Returns the exit status. */
static int report_losses(const struct recording_reader *reader)
{
	const struct k23_recording *header = recording_reader_header(reader);
	const struct recording_losses *losses = recording_reader_losses(reader);

	if (header->overwritten)
		complain("%llu events before these were overwritten: the ring has %llu MB (k23 record --ring)",
			 (unsigned long long)header->overwritten,
			 (unsigned long long)(header->chunks + losses->cut) * K23_CHUNK_SIZE >> 20);
	if (!header->ended)
		complain("the recording has no end: k23 is still recording, or was killed");
	if (losses->header)
		complain("the head of the file is damaged: times, and what is said of the recording, may be wrong");
	if (losses->cut)
		complain("the file is cut short: %llu KB of %llu are missing",
			 (unsigned long long)losses->cut * K23_CHUNK_SIZE >> 10,
			 (unsigned long long)(header->chunks + losses->cut) * K23_CHUNK_SIZE >> 10);
	if (losses->damaged)
		complain("the file is damaged: what was in %llu bytes, in %llu places, is missing",
			 (unsigned long long)losses->bytes, (unsigned long long)losses->damaged);
	if (header->dropped)
		complain("%llu events could not be recorded", (unsigned long long)header->dropped);
	return losses->header || losses->cut || losses->damaged || header->dropped ? EXIT_INCOMPLETE : EXIT_WHOLE;
}

static int show(int argc, char **argv)
{
	static struct trace_options options; /* what the user has given lives to the end */
	bool info = parse_options(&options, argc, argv);
	const char *path = options.launch.argv[0], *problem;
	struct recording_reader *reader = recording_reader_open(path, &problem);
	struct output output = { .file = stdout };
	int status;

	if (!reader)
		die(EXIT_K23, "cannot show %s: %s", path, problem);
	if (info) {
		print_info(recording_reader_header(reader));
	} else {
		if (trace_options_output(&options))
			output = output_open(trace_options_output(&options), true, options.append);
		print_records(reader, &options, &output);
		if (output.file != stdout && output_close(&output))
			exit(EXIT_K23);
	}
	status = report_losses(reader);
	recording_reader_close(reader);
	return status;
}

const struct command command_show = {
	.name = "show",
	.run = show,
	.summary = "print what `k23 record` has kept",
	.usage = "[OPTIONS] FILE",
	.about = "Prints a recording of `k23 record` as `k23 trace` prints the calls of a program, with its options.\n",
	.options = { show_options, trace_line_options },
	.after = "Exit status: 0, 1 when parts of the recording are missing or damaged, 125 when k23 fails.",
};
