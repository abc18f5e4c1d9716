/*
 * k23 inject --explore: first a run that notes the places, then one for each fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/inject/explore.h"
#include "cli/inject/family.h"
#include "cli/segment.h"

#define STEP 2000 /* us: how late the end of a run is noticed */
#define PATIENT 3 /* times the timeout, where that is a guess */
#define PROGRESS_EVERY .5 /* seconds, on a terminal; elsewhere ten times that */

/* What has been done. */
struct exploration {
	const struct explore_options *options;
	struct explore_plan plan;
	struct explore_outcome without; /* a run without a fault */
	double begin, timeout, shown;
	size_t begun, done, ends[EXPLORE_ENDS];
	bool line; /* there is a line of progress on the terminal */
	struct json_object *reports; /* of runs; NULL: they are printed at once */
};

/* What the run that notes places leaves. */
struct noted {
	struct k23_exploration exploration;
	struct k23_watch watch;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* --- the runs without a fault */

/* Waits until the run that notes the places is over. timeout: in seconds; 0: there is none. */
static void wait_for(struct collection *collection, double timeout)
{
	double begin = explore_now();

	while (!collect_over(collection)) {
		if (timeout > 0 && explore_now() - begin > timeout) {
			family_kill(getpid());
			die(EXIT_K23, "the program hangs without any fault (--timeout)");
		}
		collect_wait(collection, 100);
		family_reap(collection->ended ? 0 : collection->child);
	}
}

/* Runs the program once, and notes its processes, and the places of their calls. */
static const struct noted *note_places(const struct explore_options *options)
{
	struct launch launch = *options->launch;
	struct noted *noted;
	struct collection collection;
	struct segment segment;
	char *explore_spec, *watch_spec;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	explore_prepare(options);
	segment_create(&segment, K23_EXPLORE_MAGIC, sizeof(*noted));
	noted = (struct noted *)segment.channel;
	explore_want(&noted->exploration.wanted, options);
	launch.hooks = NULL;
	launch.hook_count = 0;
	for (size_t i = 0; i < options->launch->hook_count; i++)
		launch_hook(&launch, options->launch->hooks[i]);
	explore_spec = segment_hook_spec(&segment, "explore");
	launch_hook(&launch, explore_spec);
	watch_spec = watch_hook_spec(&segment, offsetof(struct noted, watch), true);
	launch_hook(&launch, watch_spec);
	fflush(stdout);
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	collect_start(&collection, &segment, &launch);
	dup2(output, STDOUT_FILENO);
	wait_for(&collection, options->timeout);
	segment_close(&segment);
	close(output);
	close(nothing);
	free(launch.hooks);
	free(explore_spec);
	free(watch_spec);
	if (!collect_started(&collection))
		exit(WIFEXITED(collection.status) ? WEXITSTATUS(collection.status) : EXIT_K23);
	if (!WIFEXITED(collection.status))
		die(EXIT_K23, "the program crashes without any fault: %s", strsignal(WTERMSIG(collection.status)));
	if (noted->exploration.missed)
		complain("there is no room for all places: %llu calls have none, and are not tried; give --calls",
			 (unsigned long long)noted->exploration.missed);
	return noted;
}

/* A run without a fault. */
static struct explore_outcome run_without(const struct explore_options *options)
{
	struct explore_outcome outcome;
	struct explore_run run;

	explore_begin(&run, NULL, options->timeout, options);
	while (!explore_poll(&run, options, NULL, &outcome)) {
		if (interrupted) {
			explore_stop(&run);
			exit(EXIT_K23);
		}
		usleep(STEP);
	}
	return outcome;
}

/* Learns what is to be expected. */
static void learn_without(struct exploration *all)
{
	struct explore_outcome again;

	all->without = run_without(all->options);
	again = run_without(all->options);
	if (all->without.status < 0 || !WIFEXITED(all->without.status))
		die(EXIT_K23, "the program %s without any fault", all->without.status < 0 ? "hangs" : "crashes");
	if (all->without.status != again.status)
		die(EXIT_K23, "the program ends otherwise each time that it is run, without any fault");
	if (all->without.unchecked || again.unchecked)
		die(EXIT_K23, "the command of --check fails after a run without any fault");
	for (size_t i = 0; i < all->without.losses.count; i++) {
		fputs("k23: without any fault, too, there is a crash, which is not reported: ", stderr);
		watch_print(stderr, &all->without.losses.at[i]);
		fputc('\n', stderr);
	}
	explore_outcome_free(&again);
	all->without.unstable = all->without.output != again.output;
	if (all->without.unstable)
		complain("the program's output is another each time, and is not compared");
	all->timeout = all->options->timeout ? all->options->timeout :
		       1 + 10 * (again.seconds > all->without.seconds ? again.seconds : all->without.seconds);
}

/* --- reports */

static void hide_progress(struct exploration *all)
{
	if (all->line)
		fputs("\r\33[K", stderr);
	all->line = false;
}

static size_t findings(const struct exploration *all)
{
	size_t found = 0;

	for (int end = EXPLORE_CRASH; end < EXPLORE_ENDS; end++)
		found += all->ends[end];
	return found;
}

static void show_progress(struct exploration *all)
{
	bool terminal = isatty(STDERR_FILENO);
	double now = explore_now();

	if (now - all->shown < (terminal ? PROGRESS_EVERY : 10 * PROGRESS_EVERY))
		return;
	all->shown = now;
	fprintf(stderr, "%sk23: %zu of %zu runs, %zu findings%s", terminal ? "\r\33[K" : "", all->done,
		all->plan.count < all->options->runs ? all->plan.count : (size_t)all->options->runs, findings(all),
		terminal ? "" : "\n");
	fflush(stderr);
	all->line = terminal;
}

static void report(struct exploration *all, const struct explore_run *run, const struct explore_outcome *outcome)
{
	hide_progress(all);
	if (all->reports)
		json_object_array_add(all->reports, explore_json_run(all->options, run, outcome));
	else
		explore_print_run(all->options, all->plan.threads, run, outcome);
	if (fflush(stdout) != 0)
		interrupted = 1; /* nobody reads on */
}

/* What kept runs from being made; NULL: nothing. */
static const char *limit_of(const struct exploration *all)
{
	if (all->done == all->plan.count)
		return NULL;
	return interrupted ? "interrupted" : all->begun >= all->options->runs ? "--runs" : "--time";
}

static void print_summary(const struct exploration *all)
{
	printf("%zu places, %zu runs in %.1f s:", all->plan.places, all->done, explore_now() - all->begin);
	for (int end = EXPLORE_ENDS - 1; end >= 0; end--)
		printf(" %zu %s%s", all->ends[end], explore_end_names[end], end ? "," : "");
	if (limit_of(all))
		printf("; %zu were not made (%s)", all->plan.count - all->done, limit_of(all));
	putchar('\n');
}

static void write_json(struct exploration *all)
{
	struct json_object *json = explore_json(all->options, all->ends, all->reports);

	json_object_object_add(json, "places", json_object_new_uint64(all->plan.places));
	json_object_object_add(json, "elapsed", json_object_new_double(explore_now() - all->begin));
	json_object_object_add(json, "not_made", json_object_new_uint64(all->plan.count - all->done));
	json_object_object_add(json, "limit", limit_of(all) ? json_object_new_string(limit_of(all)) : NULL);
	report_write_json(stdout, json);
}

/* Reports the whole. Returns the exit status. */
static int summarize(struct exploration *all)
{
	hide_progress(all);
	if (all->reports)
		write_json(all);
	else
		print_summary(all);
	return findings(all) ? 1 : 0;
}

/* --- the runs with faults */

static bool may_begin(const struct exploration *all)
{
	return !interrupted && all->begun < all->plan.count && all->begun < all->options->runs &&
	       (!all->options->time || explore_now() - all->begin < all->options->time);
}

/* Looks after a run. Returns whether something has happened. */
static bool step(struct exploration *all, struct explore_run *run)
{
	struct explore_outcome outcome;

	if (!run->pid && may_begin(all)) {
		explore_begin(run, &all->plan.faults[all->begun++], all->timeout, all->options);
		return true;
	}
	if (!run->pid || !explore_poll(run, all->options, &all->without, &outcome))
		return false;
	/* It may also have interrupted the command of --check. */
	if (interrupted) {
		explore_outcome_free(&outcome);
		return true;
	}
	/* Whether the machine was only busy, a longer run tells. */
	if (outcome.end == EXPLORE_HANG && !all->options->timeout && run->timeout <= all->timeout) {
		explore_outcome_free(&outcome);
		explore_begin(run, run->fault, PATIENT * all->timeout, all->options);
		return true;
	}
	all->done++;
	all->ends[outcome.end]++;
	if (outcome.end >= EXPLORE_CRASH || all->options->verbose)
		report(all, run, &outcome);
	explore_outcome_free(&outcome);
	return true;
}

static bool any_left(const struct explore_run *runs, size_t jobs)
{
	for (size_t i = 0; i < jobs; i++)
		if (runs[i].pid)
			return true;
	return false;
}

static void run_all(struct exploration *all)
{
	size_t jobs = all->options->jobs;
	struct explore_run *runs = calloc(jobs, sizeof(*runs));

	if (!runs)
		die(EXIT_K23, "out of memory");
	while (may_begin(all) || (!interrupted && any_left(runs, jobs))) {
		bool happened = false;

		for (size_t i = 0; i < jobs; i++)
			happened |= step(all, &runs[i]);
		show_progress(all);
		if (!happened)
			usleep(STEP);
	}
	for (size_t i = 0; i < jobs; i++)
		if (runs[i].pid)
			explore_stop(&runs[i]);
	free(runs);
}

int explore(const struct explore_options *options)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction action = { .sa_handler = on_interrupt }, standard = { .sa_handler = SIG_DFL };
	struct exploration all = { .options = options };
	struct watch_processes processes;
	const struct noted *noted;
	int status;

	explore_note_descriptors();
	family_adopt();
	noted = note_places(options);
	processes = watch_take(&noted->watch);
	all.plan = explore_plan_make(&noted->exploration, &processes, options);
	free(processes.at);
	if (options->format == REPORT_JSON)
		all.reports = json_object_new_array();
	sigaction(SIGCHLD, &standard, NULL); /* the collection is over */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	learn_without(&all);
	all.begin = all.shown = explore_now();
	fprintf(stderr, "k23: %zu places, %zu runs, of %.2f s without a fault\n", all.plan.places, all.plan.count,
		all.without.seconds);
	run_all(&all);
	status = summarize(&all);
	/* Of a run whose first process was killed there may be others. */
	family_kill(getpid());
	explore_outcome_free(&all.without);
	explore_plan_free(&all.plan);
	explore_forget_places();
	return status;
}
