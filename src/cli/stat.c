/*
 * k23 stat: counts the system calls of a program and of all processes that it starts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <k23/counters.h>

#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/output.h"
#include "cli/segment.h"
#include "cli/stat_report.h"
#include "cli/tsc.h"
#include "sites/store.h"

static const char help[] =
	"usage: k23 stat [OPTIONS] [--] PROGRAM [ARGS...]\n"
	"\n"
	"Counts the system calls of PROGRAM and of every process that it starts, their errors, and the time\n"
	"between call and return. Reports when the last of these processes has ended.\n"
	"\n"
	"  -o, --output=FILE            write the report to FILE, not to stderr\n"
	"  -j, --json                   the report as JSON\n"
	"  -s, --sort=KEY               time (default), average, calls, errors, name or number\n"
	"  --sites                      also list each place where calls were made, which way they took, and why\n"
	"  --hook FILE[:KEY=VALUE,...]  a further hook, between the counting and the kernel\n"
	"  --foreign=refuse|allow       programs that cannot be interposed: refuse them (default), or let them\n"
	"                               run, uncounted\n"
	LAUNCH_HELP
	"\n"
	"Exit status: the program's; when a signal killed the program, the same signal kills k23. 125 when k23\n"
	"fails, 126 when the program cannot be run, 127 when it is not found.\n";

struct stat_options {
	const char *output;
	bool json, sites;
	const char *order;
	struct launch launch;
};

/* Returns false when only help was wanted. */
static bool parse_options(struct stat_options *to, int argc, char **argv)
{
	static struct stat_report none;
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "sort", required_argument, NULL, 's' },
		{ "sites", no_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	to->order = "time";
	launch_hook(&to->launch, "stat"); /* the first of the chain; command_stat() adds its options */
	while ((option = next_option("stat", argc, argv, "+o:js:h", options)) != -1) {
		if (option == 'o')
			to->output = optarg;
		else if (option == 'j')
			to->json = true;
		else if (option == 's')
			to->order = optarg;
		else if (option == 'S')
			to->sites = true;
		else if (option == 'h')
			return fputs(help, stdout), false;
		else
			launch_option(&to->launch, "stat", option, optarg);
	}
	if (!stat_report_sort(&none, to->order))
		die_usage("stat", "--sort takes time, average, calls, errors, name or number, not %s", to->order);
	if (optind == argc)
		die_usage("stat", "no program is given");
	to->launch.argv = argv + optind;
	return true;
}

/* Runs the program, and reads the counters when the collection is over. */
static void count_calls(struct stat_report *report, struct collection *collection, struct segment *segment,
			const struct launch *launch)
{
	struct tsc_moment start = tsc_now(), end;
	char *store;

	collect_start(collection, segment, launch);
	while (!collect_over(collection))
		collect_wait(collection, collection->ended ? 10 : 1000);
	end = tsc_now();
	report->elapsed = (double)(end.nanoseconds - start.nanoseconds) / 1e9;
	report->programs = segment->channel->started;
	report->missed = segment_missed(segment);
	stat_report_read(report, (const struct k23_counters *)segment->channel, tsc_rate(start, end));
	store = launch->store ? strdup(launch->store) : store_default_path();
	stat_sites_read(&report->sites, (const struct k23_counters *)segment->channel, store, !launch->no_patch);
	free(store);
}

int command_stat(int argc, char **argv)
{
	static struct stat_report report = { .total = { .name = "total" } };
	struct stat_options options = { 0 };
	struct collection collection;
	struct segment segment;
	FILE *output;

	if (!parse_options(&options, argc, argv))
		exit(EXIT_SUCCESS);
	segment_create(&segment, K23_COUNTERS_MAGIC, sizeof(struct k23_counters));
	options.launch.hooks[0] = segment_hook_spec(&segment, "stat");
	output = output_open(options.output);
	count_calls(&report, &collection, &segment, &options.launch);
	if (!collect_started(&collection))
		collect_exit(&collection);
	stat_report_sort(&report, options.order);
	if (options.json)
		stat_report_print_json(output, &report, options.launch.argv, collection.status);
	else
		stat_report_print_table(output, &report, options.sites);
	stat_sites_free(&report.sites);
	if (output_close(output, options.output) != 0)
		exit(EXIT_K23);
	collect_exit(&collection);
}
