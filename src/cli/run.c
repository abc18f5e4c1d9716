/*
 * k23 run: becomes the program, with the runtime and the hooks in place. If a report is wanted, it stays, and starts
 * the program as a child.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <k23/channel.h>

#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/tsc.h"
#include "cli/verdict.h"

enum { REPORT = 0x100, FORMAT };

static const struct option_row run_options[] = {
	{ "report", 0, "FILE", "when all has ended, write to FILE what hooks may not have seen", REPORT, NULL },
	{ "format", 0, "text|json", "how the report is written (text)", FORMAT, NULL },
	{ 0 },
};

struct run_options {
	const char *report;
	enum report_format format;
	int gap_status; /* with which to end if there is a gap; 0: as the program */
	struct launch launch;
};

static void take_option(struct run_options *to, int option, const char *argument)
{
	int gap_status = verdict_option("run", option, argument);

	if (gap_status)
		to->gap_status = gap_status;
	else if (option == REPORT)
		to->report = argument;
	else if (option == FORMAT)
		to->format = report_format("run", argument);
	else
		launch_option(&to->launch, "run", option, argument);
}

/* Puts a hook in front of the others. */
static void add_first(struct launch *launch, const char *spec)
{
	launch_hook(launch, spec);
	memmove(launch->hooks + 1, launch->hooks, (launch->hook_count - 1) * sizeof(*launch->hooks));
	launch->hooks[0] = spec;
}

static void write_text(FILE *output, const struct run_options *options, const struct collection *collection,
		       const struct verdict *verdict)
{
	fputs("program:", output);
	for (char **argument = options->launch.argv; *argument; argument++)
		fprintf(output, " %s", *argument);
	if (WIFSIGNALED(collection->status))
		fprintf(output, "\nkilled by: signal %d\n", WTERMSIG(collection->status));
	else
		fprintf(output, "\nexit status: %d\n", WEXITSTATUS(collection->status));
	fprintf(output, "programs: %llu\n", (unsigned long long)collection->segment->channel->started);
	verdict_print(verdict, output, "");
}

static void write_json(FILE *output, const struct run_options *options, const struct collection *collection,
		       double elapsed, const struct verdict *verdict)
{
	struct json_object *object = report_json(options->launch.argv, collection, elapsed);

	verdict_json(verdict, object);
	report_write_json(output, object);
}

static void __attribute__((noreturn)) run_and_report(struct run_options *options)
{
	static struct verdict verdict;
	struct tsc_moment start = tsc_now();
	struct collection collection;
	struct segment segment;
	struct output output;

	segment_create(&segment, K23_CHANNEL_MAGIC, sizeof(struct k23_channel));
	add_first(&options->launch, segment_hook_spec(&segment, "run"));
	output = output_open(options->report ? options->report : "/dev/null", false, false);
	collect_start(&collection, &segment, &options->launch);
	while (!collect_over(&collection))
		collect_wait(&collection, collection.ended ? 10 : 1000);
	if (!collect_started(&collection))
		collect_exit(&collection);
	verdict_read(&verdict, &collection);
	if (options->format == REPORT_JSON)
		write_json(output.file, options, &collection,
			   (double)(tsc_now().nanoseconds - start.nanoseconds) / 1e9, &verdict);
	else
		write_text(output.file, options, &collection, &verdict);
	if (output_close(&output) != 0)
		exit(EXIT_K23);
	verdict_exit(&verdict, options->gap_status, &collection);
}

static int run(int argc, char **argv)
{
	struct run_options options = { 0 };
	int option, status;

	while ((option = option_next(&command_run, argc, argv)) != -1)
		take_option(&options, option, optarg);
	if (optind == argc)
		die_usage("run", "no program is given");
	options.launch.argv = argv + optind;
	if (options.report || options.gap_status)
		run_and_report(&options);
	status = launch_exec(&options.launch);
	free(options.launch.hooks);
	return status;
}

const struct command command_run = {
	.name = "run",
	.run = run,
	.summary = "run a program with every system call going through hooks",
	.usage = "[OPTIONS] [--] PROGRAM [ARGS...]",
	.about = "Runs PROGRAM so that every system call of it, of its threads and of its children goes through\n"
		 "the hooks, in the order in which they are given. k23 becomes the program: it keeps its process\n"
		 "id. With --report or --fail-on-gap it stays, and the program is its child.\n",
	.options = { run_options, verdict_options, launch_options, launch_patch_options },
	.after = "Exit status: the program's; 125 when k23 fails, 126 when the program cannot be run, 127 when\n"
		 "it is not found.",
	.program = true,
};
