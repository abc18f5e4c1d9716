/*
 * k23 inject --explore: first a run that notes the places, then one for each fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/inject/explore.h"
#include "cli/segment.h"

#define STEP 2000 /* us: how late the end of a run is noticed */
#define FOREVER 1e9 /* seconds */
#define PATIENT 3 /* times the timeout, where that is a guess */
#define PROGRESS_EVERY .5 /* seconds, on a terminal; elsewhere ten times that */

static const char *const end_names[EXPLORE_ENDS] = {
	[EXPLORE_ALIKE] = "alike", [EXPLORE_FAILED] = "failed", [EXPLORE_MISSED] = "missed",
	[EXPLORE_CRASH] = "crash", [EXPLORE_HANG] = "hang",	[EXPLORE_CORRUPT] = "corrupt",
	[EXPLORE_UNNOTICED] = "unnoticed",
};

/* What has been done. */
struct exploration {
	const struct explore_options *options;
	struct explore_plan plan;
	struct explore_outcome without; /* a run without a fault */
	double begin, timeout, shown;
	size_t begun, done, ends[EXPLORE_ENDS];
	bool line; /* there is a line of progress on the terminal */
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
			kill(collection->child, SIGKILL);
			die(EXIT_K23, "the program hangs without any fault (--timeout)");
		}
		collect_wait(collection, 100);
	}
}

/* Runs the program once, and notes the places of its calls. */
static const struct k23_exploration *note_places(const struct explore_options *options)
{
	struct launch launch = *options->launch;
	struct k23_exploration *exploration;
	struct collection collection;
	struct segment segment;
	char *spec;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	explore_prepare(options);
	segment_create(&segment, K23_EXPLORE_MAGIC, sizeof(*exploration));
	exploration = (struct k23_exploration *)segment.channel;
	explore_want(&exploration->wanted, options);
	launch.hooks = NULL;
	launch.hook_count = 0;
	for (size_t i = 0; i < options->launch->hook_count; i++)
		launch_hook(&launch, options->launch->hooks[i]);
	spec = segment_hook_spec(&segment, "explore");
	launch_hook(&launch, spec);
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
	free(spec);
	if (!collect_started(&collection))
		exit(WIFEXITED(collection.status) ? WEXITSTATUS(collection.status) : EXIT_K23);
	if (!WIFEXITED(collection.status))
		die(EXIT_K23, "the program crashes without any fault: %s", strsignal(WTERMSIG(collection.status)));
	if (exploration->missed)
		complain("there is no room for all places: %llu calls have none, and are not tried; give --calls",
			 (unsigned long long)exploration->missed);
	return exploration;
}

/* A run without a fault. */
static struct explore_outcome run_without(const struct explore_options *options)
{
	struct explore_outcome outcome;
	struct explore_run run;

	explore_begin(&run, NULL, options->timeout ? options->timeout : FOREVER, options);
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

/* A word as a shell takes it. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

static void print_command(const struct exploration *all, const struct explore_fault *fault)
{
	char **words = explore_command(all->options, fault->rules, NULL);

	for (char **word = words; *word; word++) {
		putchar(word == words ? '\t' : ' ');
		print_word(*word);
		free(*word);
	}
	free(words);
	printf("\n\t# ");
	explore_print_place(fault->place ? fault->place : "");
}

static void print_finding(struct exploration *all, const struct explore_run *run,
			  const struct explore_outcome *outcome)
{
	int status = outcome->status;

	hide_progress(all);
	printf("%s: ", end_names[outcome->end]);
	if (outcome->end == EXPLORE_CORRUPT)
		printf("%s, ", outcome->unchecked ? "the check fails" : "another output");
	if (status < 0)
		printf("not over after %.1f s", run->timeout);
	else if (WIFSIGNALED(status))
		printf("%s", strsignal(WTERMSIG(status)));
	else
		printf("exit status %d", WEXITSTATUS(status));
	if (*outcome->message)
		printf(": %s", outcome->message);
	putchar('\n');
	print_command(all, run->fault);
	if (fflush(stdout) != 0)
		interrupted = 1; /* nobody reads on */
}

static int print_summary(struct exploration *all)
{
	hide_progress(all);
	printf("%zu places, %zu runs in %.1f s:", all->plan.places, all->done, explore_now() - all->begin);
	for (int end = EXPLORE_ENDS - 1; end >= 0; end--)
		printf(" %zu %s%s", all->ends[end], end_names[end], end ? "," : "");
	if (all->done < all->plan.count)
		printf("; %zu were not made (%s)", all->plan.count - all->done,
		       interrupted ? "interrupted" : all->begun >= all->options->runs ? "--runs" : "--time");
	putchar('\n');
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
	if (interrupted)
		return true;
	/* Whether the machine was only busy, a longer run tells. */
	if (outcome.end == EXPLORE_HANG && !all->options->timeout && run->timeout == all->timeout) {
		explore_begin(run, run->fault, PATIENT * all->timeout, all->options);
		return true;
	}
	all->done++;
	all->ends[outcome.end]++;
	if (outcome.end >= EXPLORE_CRASH || all->options->verbose)
		print_finding(all, run, &outcome);
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
	int status;

	all.plan = explore_plan_make(note_places(options), options);
	sigaction(SIGCHLD, &standard, NULL); /* the collection is over */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	learn_without(&all);
	all.begin = all.shown = explore_now();
	fprintf(stderr, "k23: %zu places, %zu runs, of %.2f s without a fault\n", all.plan.places, all.plan.count,
		all.without.seconds);
	run_all(&all);
	status = print_summary(&all);
	explore_plan_free(&all.plan);
	explore_forget_places();
	return status;
}
