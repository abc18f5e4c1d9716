/*
 * A run of k23 inject --explore: another k23 inject, in a process group of its own, whose output is kept. It watches
 * its processes, and ends all of them when its time is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/inject/explore.h"
#include "cli/inject/family.h"
#include "cli/self.h"
#include "core/hash.h"

#define DESCRIPTORS 4096
#define GRACE 10 /* seconds: so much later than its timeout at the latest a run ends itself */
#define MAX_OUTPUT (256l << 20) /* bytes: what writes more is taken for a program that does not end */

double explore_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- descriptors: libraries open files that the program is not to have */

static uint64_t inherited[DESCRIPTORS / 64];

void explore_note_descriptors(void)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			inherited[fd / 64] |= 1ull << fd % 64;
}

/* Closes those that have come since. */
static void close_others(void)
{
	unsigned first = STDERR_FILENO + 1;

	for (unsigned fd = first; fd < DESCRIPTORS; fd++) {
		if (!(inherited[fd / 64] >> fd % 64 & 1))
			continue;
		if (fd > first)
			close_range(first, fd - 1, 0);
		first = fd + 1;
	}
	close_range(first, ~0u, 0);
}

/* --- a run */

static void add_part(char ***words, size_t *count, const char *option, const char *value, size_t length)
{
	*words = reallocarray(*words, *count + 2, sizeof(**words));
	if (!*words || asprintf(&(*words)[*count], "%s%.*s", option, (int)length, value) < 0)
		die(EXIT_K23, "out of memory");
	(*words)[++*count] = NULL;
}

static void add_word(char ***words, size_t *count, const char *option, const char *value)
{
	add_part(words, count, option, value, strlen(value));
}

char *explore_timeout_option(double timeout)
{
	char *option;

	if (asprintf(&option, "--timeout=%.0fms", timeout * 1e3 + .5) < 0)
		die(EXIT_K23, "out of memory");
	return option;
}

char **explore_command(const struct explore_options *options, const char *const *own, const char *rules)
{
	char **words = NULL;
	size_t count = 0;

	add_word(&words, &count, "k23", "");
	add_word(&words, &count, "inject", "");
	for (size_t i = 0; i < options->word_count; i++)
		add_word(&words, &count, options->words[i], "");
	for (; *own; own++)
		add_word(&words, &count, *own, "");
	for (size_t length; *rules; rules += length + (rules[length] == '|')) {
		length = strcspn(rules, "|");
		add_word(&words, &count, "-e", "");
		add_part(&words, &count, "", rules, length);
	}
	add_word(&words, &count, "--", "");
	for (char **word = options->launch->argv; *word; word++)
		add_word(&words, &count, *word, "");
	return words;
}

/* A file without a name. */
static int make_file(void)
{
	int fd = (int)memfd_create("k23-explore", MFD_CLOEXEC);

	if (fd < 0)
		die(EXIT_K23, "memfd_create: %s", strerror(errno));
	return fd;
}

static void become_run(const struct explore_run *run, const struct explore_options *options)
{
	static const char nothing[] = "none:retval=0"; /* a rule that is about no call */
	int input = open("/dev/null", O_RDONLY);
	char report[60], *timeout = explore_timeout_option(run->timeout), *self = self_path();
	const char *const own[] = { report, "--watch", run->timeout > 0 ? timeout : NULL, NULL };
	char **words;

	/* By this process's parent, so that the program has no descriptor of it. */
	snprintf(report, sizeof(report), "--counts=/proc/%d/fd/%d", getppid(), run->report);
	words = explore_command(options, own, run->fault ? run->fault->rules : nothing);
	setpgid(0, 0);
	dup2(input, STDIN_FILENO);
	dup2(run->output, STDOUT_FILENO);
	dup2(run->errors, STDERR_FILENO);
	close_others();
	if (self)
		execv(self, words);
	complain("cannot run k23 again: %s", strerror(errno));
	_exit(EXIT_K23);
}

/* Waits until a child has ended, whatever signals come meanwhile. Returns its status, or -1. */
static int wait_for_end(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* How a run ended, as a shell has it, or timeout(1). */
static int shell_status(const struct explore_outcome *outcome)
{
	if (!outcome)
		return 0;
	if (outcome->status < 0)
		return EXIT_HANG;
	return WIFEXITED(outcome->status) ? WEXITSTATUS(outcome->status) : 128 + WTERMSIG(outcome->status);
}

/* Returns the exit status of a shell's command; its output goes nowhere. */
static int shell(const char *command, const struct explore_outcome *outcome)
{
	pid_t child = fork();

	if (child == 0) {
		int nothing = open("/dev/null", O_RDWR);
		char text[16];

		snprintf(text, sizeof(text), "%d", shell_status(outcome));
		setenv("K23_STATUS", text, 1);
		dup2(nothing, STDIN_FILENO);
		dup2(nothing, STDOUT_FILENO);
		close_others();
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(EXIT_NOT_FOUND);
	}
	return child > 0 ? wait_for_end(child) : -1;
}

void explore_prepare(const struct explore_options *options)
{
	if (options->before && shell(options->before, NULL) != 0)
		die(EXIT_K23, "the command of --before fails: %s", options->before);
}

void explore_begin(struct explore_run *run, const struct explore_fault *fault, double timeout,
		   const struct explore_options *options)
{
	*run = (struct explore_run){ .fault = fault, .timeout = timeout };
	explore_prepare(options);
	run->output = make_file();
	run->errors = make_file();
	run->report = make_file();
	run->begin = explore_now();
	run->pid = fork();
	if (run->pid < 0)
		die(EXIT_K23, "fork: %s", strerror(errno));
	if (run->pid == 0)
		become_run(run, options);
	setpgid(run->pid, run->pid);
}

/* --- what came of it */

/* What is in a file; free() is due. */
static char *read_file(int fd, size_t *size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char *data = malloc(end > 0 ? (size_t)end + 1 : 1);
	ssize_t part = 1;

	if (!data)
		die(EXIT_K23, "out of memory");
	*size = 0;
	while (end > 0 && *size < (size_t)end && part > 0) {
		part = pread(fd, data + *size, (size_t)end - *size, (off_t)*size);
		*size += part > 0 ? (size_t)part : 0;
	}
	data[*size] = '\0';
	return data;
}

/* The last line that is not empty, without what cannot be printed. */
static void keep_message(struct explore_outcome *outcome, int fd)
{
	size_t size, begin, length = 0;
	char *text = read_file(fd, &size);

	while (size && text[size - 1] == '\n')
		size--;
	for (begin = size; begin && text[begin - 1] != '\n';)
		begin--;
	for (; begin < size && length < sizeof(outcome->message) - 1; begin++)
		if ((unsigned char)text[begin] >= ' ' && text[begin] != 127)
			outcome->message[length++] = text[begin];
	free(text);
}

/* Reads what the run has written of itself: of each rule a line, how the first process has ended, and which processes
 * went wrong. Returns whether any rule has done something. */
static bool read_report(struct explore_outcome *outcome, int report)
{
	unsigned long long met, now, injected = 0;
	size_t size;
	char *text = read_file(report, &size), *rest = text, *line;
	int number;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%llu %llu", &met, &now) == 2)
			injected += now;
		else if (sscanf(line, "exit\t%d", &number) == 1)
			outcome->status = number << 8;
		else if (sscanf(line, "signal\t%d", &number) == 1)
			outcome->status = number;
		else if (strcmp(line, "timeout") == 0)
			outcome->status = -1;
		else
			watch_read(&outcome->losses, line);
	}
	free(text);
	return injected != 0;
}

static bool is_same_crash(const struct watch_loss *a, const struct watch_loss *b, bool same_place)
{
	return a->signal == b->signal && strcmp(a->name.program, b->name.program) == 0 &&
	       (!same_place || strcmp(a->name.thread, b->name.thread) == 0);
}

static size_t count_crashes(const struct watch_losses *losses, const struct watch_loss *loss, bool same_place)
{
	size_t count = 0;

	for (size_t i = 0; i < losses->count; i++)
		count += is_same_crash(&losses->at[i], loss, same_place);
	return count;
}

/* Forgets crashes that there are without a fault, too. If there are fewer processes, others may take their places. */
static void forget_usual_crashes(struct watch_losses *losses, const struct watch_losses *usual)
{
	struct watch_losses all = *losses;

	losses->at = NULL;
	losses->count = 0;
	for (size_t i = 0; i < all.count; i++) {
		const struct watch_loss *loss = &all.at[i];

		if (loss->signal && (count_crashes(usual, loss, true) ||
				     count_crashes(&all, loss, false) <= count_crashes(usual, loss, false)))
			continue;
		watch_add(losses, loss);
	}
	free(all.at);
}

/* A process that a signal has killed, which a shell has waited for. */
static bool is_shells_crash(int status)
{
	static const int fatal[] = { SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV };

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (WIFEXITED(status) && WEXITSTATUS(status) == 128 + fatal[i])
			return true;
	return false;
}

static enum explore_end end_of(const struct explore_run *run, const struct explore_outcome *outcome,
			       const struct explore_outcome *without, bool injected)
{
	if (outcome->status < 0)
		return EXPLORE_HANG;
	if (outcome->losses.count)
		return EXPLORE_CRASH;
	if (outcome->status != without->status && (WIFSIGNALED(outcome->status) || is_shells_crash(outcome->status)))
		return EXPLORE_CRASH;
	if (outcome->unchecked)
		return EXPLORE_CORRUPT;
	if (outcome->status == without->status && outcome->output != without->output && !without->unstable)
		return EXPLORE_CORRUPT;
	if (outcome->status != without->status)
		return EXPLORE_FAILED;
	if (!injected)
		return EXPLORE_MISSED;
	return run->fault->serious ? EXPLORE_UNNOTICED : EXPLORE_ALIKE;
}

/* Whether the program writes, and writes, and writes. */
static bool is_flooding(const struct explore_run *run)
{
	struct stat output, errors;

	return fstat(run->output, &output) == 0 && fstat(run->errors, &errors) == 0 &&
	       output.st_size + errors.st_size > MAX_OUTPUT;
}

/* Kills what there is of a run. The first of its processes, which adopts the others' orphans, is killed last; it has
 * its id until this has waited for it. */
static int end_run(const struct explore_run *run)
{
	family_kill(run->pid);
	kill(run->pid, SIGKILL);
	return wait_for_end(run->pid);
}

/* Whether the run has ended, or has to be. */
static bool is_over(const struct explore_run *run, struct explore_outcome *outcome)
{
	siginfo_t info = { 0 };
	bool ended = waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;

	bool late = run->timeout > 0 && explore_now() - run->begin > run->timeout + GRACE;

	if (!ended && !late && !is_flooding(run))
		return false;
	outcome->status = end_run(run);
	outcome->killed = !ended;
	return true;
}

static void close_run(struct explore_run *run)
{
	close(run->output);
	close(run->errors);
	close(run->report);
	run->pid = 0;
}

void explore_stop(struct explore_run *run)
{
	end_run(run);
	close_run(run);
}

bool explore_poll(struct explore_run *run, const struct explore_options *options,
		  const struct explore_outcome *without, struct explore_outcome *outcome)
{
	size_t size;
	char *output;
	bool injected;

	*outcome = (struct explore_outcome){ 0 };
	if (!is_over(run, outcome))
		return false;
	outcome->seconds = explore_now() - run->begin;
	output = read_file(run->output, &size);
	outcome->output = core_hash(CORE_HASH_START, output, size);
	free(output);
	keep_message(outcome, run->errors);
	injected = read_report(outcome, run->report);
	if (outcome->killed)
		outcome->status = -1;
	if (without)
		forget_usual_crashes(&outcome->losses, &without->losses);
	if (options->check)
		outcome->unchecked = shell(options->check, outcome) != 0;
	if (without)
		outcome->end = end_of(run, outcome, without, injected);
	close_run(run);
	return true;
}

void explore_outcome_free(struct explore_outcome *outcome)
{
	free(outcome->losses.at);
}
