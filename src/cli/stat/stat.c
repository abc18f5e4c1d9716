/*
 * k23 stat: counts the system calls of a program and of all processes that it starts.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <k23/counters.h>

#include "cli/cli.h"
#include "cli/collect.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/segment.h"
#include "cli/stat/html.h"
#include "cli/stat/report.h"
#include "cli/stat/samples.h"
#include "cli/store_use.h"
#include "cli/tsc.h"
#include "cli/verdict.h"

#define PAGE_PERIOD 0.02 /* seconds between samples for the timeline of a page, until there are so many */
#define PAGE_SAMPLES 500

enum { SITES = 0x100, FORMAT, HISTOGRAM, PROCESSES, INTERVAL, HTML };

static const struct option_row stat_options[] = {
	{ "output", 'o', "FILE", "write the report to FILE, not to stderr", 0, NULL },
	{ "format", 0, "text|json", "how the report is written (text)", FORMAT, NULL },
	{ "json", 'j', NULL, "the same as --format=json", 0, NULL },
	{ "sort", 's', STAT_ORDERS, "how the calls are sorted (time)", 0, NULL },
	{ "histogram", 0, NULL, "also how often each call took how long", HISTOGRAM, NULL },
	{ "processes", 0, NULL, "also the calls of each process", PROCESSES, NULL },
	{ "interval", 0, "SECONDS", "also a line each SECONDS while the program runs", INTERVAL, NULL },
	{ "html", 0, "FILE", "also a report as a page: timeline, calls, files, processes", HTML, NULL },
	{ "sites", 0, NULL, "also list each place where calls were made, which way they\ntook, and why", SITES, NULL },
	{ 0 },
};

struct stat_options {
	const char *output, *html;
	enum report_format format;
	unsigned parts; /* enum stat_parts */
	const char *order;
	double interval; /* seconds; 0: none */
	int gap_status; /* with which to end if there is a gap; 0: as the program */
	struct launch launch;
};

static double parse_interval(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.01 && seconds <= 1e6))
		die_usage("stat", "--interval takes seconds, from 0.01 to 1000000, not %s", text);
	return seconds;
}

static void take_option(struct stat_options *to, int option, const char *argument)
{
	int gap_status = verdict_option("stat", option, argument);

	if (gap_status)
		to->gap_status = gap_status;
	else if (option == 'o')
		to->output = argument;
	else if (option == 'j')
		to->format = REPORT_JSON;
	else if (option == FORMAT)
		to->format = report_format("stat", argument);
	else if (option == 's')
		to->order = argument;
	else if (option == SITES)
		to->parts |= STAT_SITES;
	else if (option == HISTOGRAM)
		to->parts |= STAT_HISTOGRAMS;
	else if (option == HTML)
		to->html = argument;
	else if (option == INTERVAL)
		to->interval = parse_interval(argument);
	else if (option == PROCESSES)
		to->parts |= STAT_PROCESSES;
	else
		launch_option(&to->launch, "stat", option, argument);
}

static void parse_options(struct stat_options *to, int argc, char **argv)
{
	static struct stat_report none;
	int option;

	to->order = "time";
	launch_hook(&to->launch, "stat"); /* the first of the chain; count_program() adds its options */
	while ((option = option_next(&command_stat, argc, argv)) != -1)
		take_option(to, option, optarg);
	if (!stat_report_sort(&none, to->order))
		die_usage("stat", "--sort takes " STAT_ORDERS ", not %s", to->order);
	if (optind == argc)
		die_usage("stat", "no program is given");
	to->launch.argv = argv + optind;
}

/* What is done for a run. */
struct stat_run {
	struct stat_options options;
	struct stat_report report;
	struct stat_samples samples;
	struct collection collection;
	struct segment segment;
	struct output output, page; /* page: of --html */
	struct tsc_moment start;
	double elapsed;
};

static const struct k23_counters *counters_of(const struct stat_run *run)
{
	return (const struct k23_counters *)run->segment.channel;
}

static double seconds_since(struct tsc_moment start)
{
	return (double)(tsc_now().nanoseconds - start.nanoseconds) / 1e9;
}

/* Takes a sample of the counts, and prints it if the user wants that. */
static void take_sample(struct stat_run *run, bool force)
{
	if (stat_samples_take(&run->samples, counters_of(run), seconds_since(run->start), force) &&
	    run->options.interval && run->options.format == REPORT_TEXT)
		stat_samples_print_last(run->output.file, &run->samples);
}

/* How long to wait, in milliseconds. */
static unsigned patience(const struct stat_run *run)
{
	double left = (run->samples.next ? run->samples.next : run->samples.period) - seconds_since(run->start);
	unsigned most = run->collection.ended ? 10 : 1000;

	if (!run->samples.period || left * 1000 > most)
		return most;
	return left > 0 ? (unsigned)(left * 1000) + 1 : 0;
}

/* Runs the program until the collection is over. */
static void count_calls(struct stat_run *run)
{
	run->start = tsc_now();
	collect_start(&run->collection, &run->segment, &run->options.launch);
	while (!collect_over(&run->collection)) {
		collect_wait(&run->collection, patience(run));
		take_sample(run, false);
		stat_counts_reclaim((struct k23_counters *)run->segment.channel);
	}
	take_sample(run, true);
	run->elapsed = seconds_since(run->start);
}

static void read_report(struct stat_run *run)
{
	const struct launch *launch = &run->options.launch;
	char *store = launch->store ? strdup(launch->store) : store_default_path();
	struct store known = { 0 };

	stat_report_read(&run->report, counters_of(run), run->start, tsc_now());
	stat_report_sort(&run->report, run->options.order);
	if (store && store_use_load(&known, store, store_use_is_own(launch)) != 0)
		known = (struct store){ 0 };
	stat_sites_read(&run->report.sites, counters_of(run), &known, !launch->no_patch);
	store_free(&known);
	free(store);
}

static struct json_object *make_json(struct stat_run *run, const struct verdict *verdict)
{
	struct json_object *json = report_json(run->options.launch.argv, &run->collection, run->elapsed);

	stat_report_json(json, &run->report, run->options.parts);
	if (run->options.interval)
		json_object_object_add(json, "intervals", stat_samples_json(&run->samples, run->report.rate));
	verdict_json(verdict, json);
	return json;
}

static void write_report(struct stat_run *run, const struct verdict *verdict)
{
	FILE *output = run->output.file;

	if (run->options.format == REPORT_JSON) {
		report_write_json(output, make_json(run, verdict));
		return;
	}
	if (run->options.interval)
		fputc('\n', output);
	stat_report_print_table(output, &run->report, run->options.parts);
	fputc('\n', output);
	verdict_print(verdict, output, "");
}

static void write_page(struct stat_run *run, const struct verdict *verdict)
{
	struct stat_files files;
	struct stat_page page = {
		.argv = run->options.launch.argv, .status = run->collection.status, .elapsed = run->elapsed,
		.programs = run->segment.channel->started, .report = &run->report, .samples = &run->samples,
		.files = &files, .verdict = verdict,
	};

	stat_files_read(&files, counters_of(run));
	stat_html_write(run->page.file, &page);
	stat_files_free(&files);
}

/* What is done before the program runs. */
static void prepare(struct stat_run *run)
{
	struct stat_options *options = &run->options;

	run->samples.period = options->interval;
	if (options->html && !options->interval) {
		run->samples.period = PAGE_PERIOD;
		run->samples.most = PAGE_SAMPLES;
	}
	segment_create(&run->segment, K23_COUNTERS_MAGIC, sizeof(struct k23_counters));
	((struct k23_counters *)run->segment.channel)->files_wanted = options->html != NULL;
	options->launch.hooks[0] = segment_hook_spec(&run->segment, "stat");
	run->output = output_open(options->output, false, false);
	if (options->html)
		run->page = output_open(options->html, false, false);
}

static int count_program(int argc, char **argv)
{
	static struct stat_run run = { .report = { .total = { .name = "total" } } };
	static struct verdict verdict;

	parse_options(&run.options, argc, argv);
	prepare(&run);
	count_calls(&run);
	if (!collect_started(&run.collection))
		collect_exit(&run.collection);
	read_report(&run);
	verdict_read(&verdict, &run.collection);
	write_report(&run, &verdict);
	if (run.options.html)
		write_page(&run, &verdict);
	stat_sites_free(&run.report.sites);
	stat_processes_free(&run.report.processes);
	stat_samples_free(&run.samples);
	if ((run.options.html && output_close(&run.page) != 0) || output_close(&run.output) != 0)
		exit(EXIT_K23);
	verdict_exit(&verdict, run.options.gap_status, &run.collection);
}

const struct command command_stat = {
	.name = "stat",
	.run = count_program,
	.summary = "count a program's system calls, their errors and their time",
	.usage = "[OPTIONS] [--] PROGRAM [ARGS...]",
	.about = "Counts the system calls of PROGRAM and of every process that it starts, their errors, and the\n"
		 "time between call and return. Reports when the last of these processes has ended.\n",
	.options = { stat_options, verdict_options, launch_options, launch_patch_options },
	.after = collect_exit_help,
	.program = true,
};
