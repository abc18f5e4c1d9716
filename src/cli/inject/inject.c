/*
 * k23 inject: runs a program, and makes some of its system calls fail, or tampers with them otherwise.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/inject/explore.h"
#include "cli/inject/family.h"
#include "cli/inject/rules.h"
#include "cli/inject/watch.h"
#include "cli/output.h"

#define MAX_JOBS 256 /* each has three descriptors, and 1024 is the usual limit */
#define PATIENCE 1 /* seconds: nothing is to be done meanwhile */
#define KILL_PATIENCE 2 /* seconds, until what was killed has ended */

enum {
	INJECT = 0x100,
	FAULT,
	SEED,
	PER,
	COUNTS,
	WATCH,
	EXPLORE,
	CALLS,
	NOTICED,
	CHECK,
	BEFORE,
	TIMEOUT,
	TIME,
	RUNS,
	REPEAT,
	LOADER,
	FORMAT,
};

static const struct option_row option_rows[] = {
	{ NULL, 0, NULL, "What is injected", 0, NULL },
	{ "expr", 'e', "inject=RULE|fault=RULE",
	  "a rule; may be repeated. RULE is SET[:error=ERROR]\n"
	  "[:retval=VALUE][:signal=SIGNAL][:short=BYTES][:eintr=N]\n"
	  "[:delay_enter=TIME][:when=OCCURRENCES][:path=PATTERN]...", 0, NULL },
	{ "inject", 0, "RULE", "the same", INJECT, NULL },
	{ "fault", 0, "RULE", "the same, with error=ENOSYS unless another is given", FAULT, NULL },
	{ "seed", 0, "N", "another seed than 0, for probability=", SEED, NULL },
	{ "per", 0, "run|thread", "whether occurrences are counted over the whole run\n(default), or in each thread",
	  PER, NULL },
	{ "verbose", 'v', NULL, "say at the end how often each rule did something", 0, NULL },
	{ "counts", 0, "FILE", "the same, as numbers, into FILE", COUNTS, NULL },
	{ "watch", 0, NULL,
	  "say which processes crash; if the program ends as if\n"
	  "none had, the exit status is 128 and the signal's number", WATCH, NULL },
	{ "timeout", 0, "TIME",
	  "besides, end all processes after TIME, and say what each\n"
	  "waits for; the exit status is 124 then. With --explore:\n"
	  "when a run hangs (ten times as long as without a fault,\nand a second)", TIMEOUT, NULL },

	{ NULL, 0, NULL, "Instead of rules: all faults, one after the other", 0, NULL },
	{ "explore", 0, NULL,
	  "run the program once for each place that makes a call,\n"
	  "and each error that this call can give, and report what\n"
	  "crashes it, makes it hang, or makes it go wrong", EXPLORE, NULL },
	{ "calls", 0, "SET", "only these calls: named as for `k23 trace`", CALLS, NULL },
	{ "noticed", 0, "SET",
	  "calls whose errors the program has to notice: if it ends\n"
	  "as without a fault, that is reported", NOTICED, NULL },
	{ "check", 0, "COMMAND",
	  "a shell command after each run; if it fails, the run\nhas gone wrong", CHECK, NULL },
	{ "before", 0, "COMMAND", "a shell command before each run", BEFORE, NULL },
	{ "time", 0, "TIME", "end after this time", TIME, NULL },
	{ "runs", 0, "N", "at most N runs (10000)", RUNS, NULL },
	{ "jobs", 'j', "N", "N runs at the same time (1)", 0, NULL },
	{ "repeat", 0, "N", "at each place, up to N of its calls (1), each in a run", REPEAT, NULL },
	{ "loader", 0, NULL, "the calls of the dynamic linker, too", LOADER, NULL },
	{ "format", 0, "text|json", "how the report is written (text)", FORMAT, NULL },
	{ 0 },
};

struct inject_options {
	char **texts; /* of rules */
	size_t count;
	struct inject_rules rules;
	bool verbose, explores, watch;
	const char *counts;
	struct explore_options explore;
	struct launch launch;
};

/* The memory that all processes of the run share. */
struct memory {
	struct k23_channel channel;
	struct k23_injections injections;
	struct k23_watch watch; /* if processes are watched */
};

/* A run that is over, or has been ended. */
struct ended {
	bool hangs;
	struct watch_losses losses;
};

/* Rules are read when all is known that they depend on. */
static void take_rules(struct inject_options *to, const struct inject_defaults *defaults)
{
	if (to->explores && to->count)
		die_usage("inject", "--explore makes its own rules, and goes with no -e");
	if (!to->explores && !to->count)
		die_usage("inject", "no rule is given (-e inject=RULE, or --explore)");
	for (size_t i = 0; i < to->count; i++)
		inject_rules_add(&to->rules, to->texts[i], defaults);
}

static void add_text(struct inject_options *to, const char *kind, const char *text)
{
	to->texts = reallocarray(to->texts, to->count + 1, sizeof(*to->texts));
	if (!to->texts || asprintf(&to->texts[to->count++], "%s%s", kind, text) < 0)
		die(EXIT_K23, "out of memory");
}

static uint64_t parse_number(const char *option, const char *text, uint64_t max)
{
	uint64_t number;

	if (!inject_number(text, max, &number) || !number)
		die_usage("inject", "%s takes a number from 1 to %llu, not %s", option, (unsigned long long)max, text);
	return number;
}

/* The options of --explore. False: it is none of those. */
static bool take_exploring(struct explore_options *to, int option, const char *argument)
{
	switch (option) {
	case CALLS:
		to->calls = argument;
		return true;
	case NOTICED:
		to->noticed = argument;
		return true;
	case CHECK:
		to->check = argument;
		return true;
	case BEFORE:
		to->before = argument;
		return true;
	case TIMEOUT:
	case TIME:
		*(option == TIME ? &to->time : &to->timeout) =
			inject_seconds("inject", option == TIME ? "--time" : "--timeout", argument);
		return true;
	case RUNS:
		to->runs = parse_number("--runs", argument, UINT32_MAX);
		return true;
	case 'j':
		to->jobs = parse_number("--jobs", argument, MAX_JOBS);
		return true;
	case REPEAT:
		to->repeat = parse_number("--repeat", argument, K23_EXPLORE_OCCURRENCES);
		return true;
	case FORMAT:
		to->format = report_format("inject", argument);
		return true;
	case LOADER:
		return to->loader = true;
	}
	return false;
}

/* Keeps the words of an option, for the runs of --explore. */
static void keep_words(struct explore_options *to, char **words, int count)
{
	to->words = reallocarray(to->words, to->word_count + (size_t)count, sizeof(*to->words));
	if (!to->words)
		die(EXIT_K23, "out of memory");
	memcpy(to->words + to->word_count, words, (size_t)count * sizeof(*words));
	to->word_count += (size_t)count;
}

static void parse_options(struct inject_options *to, int argc, char **argv)
{
	struct inject_defaults defaults = { "inject", K23_INJECT_RUN, 0 };
	int option, begin = optind;

	*to = (struct inject_options){ .explore = { .runs = 10000, .jobs = 1, .repeat = 1, .launch = &to->launch } };
	for (; (option = option_next(&command_inject, argc, argv)) != -1; begin = optind) {
		if (take_exploring(&to->explore, option, optarg))
			continue;
		switch (option) {
		case 'e':
			add_text(to, "", optarg);
			break;
		case INJECT:
			add_text(to, "inject=", optarg);
			break;
		case FAULT:
			add_text(to, "fault=", optarg);
			break;
		case SEED:
			if (!inject_number(optarg, UINT64_MAX, &defaults.seed))
				die_usage("inject", "--seed takes a number, not %s", optarg);
			break;
		case PER:
			if (!inject_scope(optarg, &defaults.scope))
				die_usage("inject", "--per takes run or thread, not %s", optarg);
			break;
		case 'v':
			to->verbose = to->explore.verbose = true;
			break;
		case COUNTS:
			to->counts = optarg;
			break;
		case WATCH:
			to->watch = true;
			break;
		case EXPLORE:
			to->explores = true;
			break;
		default:
			launch_option(&to->launch, "inject", option, optarg);
			keep_words(&to->explore, argv + begin, optind - begin);
		}
	}
	take_rules(to, &defaults);
	to->watch |= to->explore.timeout > 0;
	if (optind == argc)
		die_usage("inject", "no program is given");
	to->launch.argv = argv + optind;
}

static void report(const struct inject_options *options, const struct memory *memory)
{
	for (size_t i = 0; i < options->rules.count; i++)
		complain("%s: of %llu calls %llu were tampered with", options->rules.at[i].text,
			 (unsigned long long)memory->injections.rules[i].met,
			 (unsigned long long)memory->injections.rules[i].injected);
}

static void report_losses(const struct ended *ended)
{
	for (size_t i = 0; i < ended->losses.count; i++) {
		fprintf(stderr, "k23: %s: ", ended->losses.at[i].signal ? "crash" : "hang");
		watch_print(stderr, &ended->losses.at[i]);
		fputc('\n', stderr);
	}
}

/* The same for a program to read. */
static void write_counts(const struct inject_options *options, const struct memory *memory, const struct ended *ended,
			 int status, struct output *output)
{
	for (size_t i = 0; i < options->rules.count; i++)
		fprintf(output->file, "%llu %llu %s\n", (unsigned long long)memory->injections.rules[i].met,
			(unsigned long long)memory->injections.rules[i].injected, options->rules.at[i].text);
	if (options->watch && ended->hangs)
		fputs("timeout\n", output->file);
	else if (options->watch)
		fprintf(output->file, "%s\t%d\n", WIFEXITED(status) ? "exit" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	for (size_t i = 0; i < ended->losses.count; i++)
		watch_write(output->file, &ended->losses.at[i]);
	if (output_close(output))
		exit(EXIT_K23);
}

static void launch_injection(struct inject_options *options, const struct segment *segment)
{
	/* The last of the chain: hooks see faults as they see those of the kernel. */
	launch_hook(&options->launch, inject_hook_spec(&options->rules, segment, offsetof(struct memory, injections),
						       false, "inject"));
	if (!options->watch)
		return;
	/* It is to see what the kernel says. */
	launch_hook(&options->launch, watch_hook_spec(segment, offsetof(struct memory, watch), false));
	family_adopt();
}

/* Ends all processes of a run whose time is over, and notes what they were doing. */
static void end_hanging(struct ended *ended, struct collection *collection, const struct memory *memory)
{
	struct watch_processes processes = watch_take(&memory->watch);
	double begin = explore_now();

	ended->hangs = true;
	watch_add_hanging(&ended->losses, &processes, getpid());
	watch_add_crashes(&ended->losses, &processes);
	free(processes.at);
	if (!family_kill(getpid()))
		complain("there are processes of the program that could not be killed");
	while (!collection->ended && explore_now() < begin + KILL_PATIENCE)
		collect_wait(collection, 10);
	family_reap(0);
}

/* Waits until the program has ended. */
static void wait_for_end(const struct inject_options *options, struct collection *collection,
			 const struct memory *memory, struct ended *ended)
{
	double timeout = options->explore.timeout, end = explore_now() + timeout;

	while (!collect_over(collection)) {
		double left = timeout > 0 ? end - explore_now() : PATIENCE;

		if (left <= 0) {
			end_hanging(ended, collection, memory);
			return;
		}
		collect_wait(collection, left < PATIENCE ? 1 + (unsigned)(left * 1000) : PATIENCE * 1000);
		if (options->watch)
			family_reap(collection->ended ? 0 : collection->child);
	}
	if (options->watch) {
		struct watch_processes processes = watch_take(&memory->watch);

		watch_add_crashes(&ended->losses, &processes);
		free(processes.at);
	}
}

static int inject(int argc, char **argv)
{
	struct inject_options options;
	struct ended ended = { 0 };
	struct collection collection;
	const struct memory *memory;
	struct segment segment;
	struct output output;

	parse_options(&options, argc, argv);
	if (options.explores)
		return explore(&options.explore);
	output = output_open(options.counts, false, false);
	segment_create(&segment, K23_INJECT_MAGIC, options.watch ? sizeof(*memory) : offsetof(struct memory, watch));
	memory = (const struct memory *)segment.channel;
	launch_injection(&options, &segment);
	collect_start(&collection, &segment, &options.launch);
	wait_for_end(&options, &collection, memory, &ended);
	if (options.verbose && collect_started(&collection))
		report(&options, memory);
	if (!options.counts)
		report_losses(&ended);
	else
		write_counts(&options, memory, &ended, collection.status, &output);
	if (segment_missed(&segment) && !ended.hangs)
		complain("in %llu of %llu programs started nothing was injected",
			 (unsigned long long)segment_missed(&segment), (unsigned long long)segment.channel->started);
	segment_close(&segment);
	if (ended.hangs)
		exit(EXIT_HANG);
	if (WIFEXITED(collection.status) && ended.losses.count)
		exit(128 + ended.losses.at[0].signal);
	collect_exit(&collection);
}

const struct command command_inject = {
	.name = "inject",
	.run = inject,
	.summary = "run a program, and make some of its system calls fail",
	.usage = "-e RULE...|--explore [OPTIONS] [--] PROGRAM [ARGS...]",
	.about = "Runs PROGRAM, and makes system calls of it and of every process that it starts fail, or tampers\n"
		 "with them otherwise, as rules say. Rules are those of strace's -e inject=, and more.",
	.options = { option_rows, launch_options, launch_patch_options },
	.after = collect_exit_help,
	.program = true,
};
