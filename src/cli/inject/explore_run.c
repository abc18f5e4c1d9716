/*
 * A run of k23 inject --explore: another k23 inject, in a process group of its own, whose output is kept.
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
#include "cli/self.h"
#include "core/hash.h"

#define EXIT_HANG 124
#define MAX_OUTPUT (256l << 20) /* bytes: what writes more is taken for a program that does not end */

double explore_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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

char **explore_command(const struct explore_options *options, const char *rules, const char *report)
{
	char **words = NULL;
	size_t count = 0;

	add_word(&words, &count, "k23", "");
	add_word(&words, &count, "inject", "");
	for (size_t i = 0; i < options->word_count; i++)
		add_word(&words, &count, options->words[i], "");
	if (report)
		add_word(&words, &count, "--counts=", report);
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
	char report[40], *self = self_path(), **words;

	/* By this process's parent, so that the program has no descriptor of it. */
	snprintf(report, sizeof(report), "/proc/%d/fd/%d", getppid(), run->report);
	words = explore_command(options, run->fault ? run->fault->rules : nothing, report);
	setpgid(0, 0);
	dup2(input, STDIN_FILENO);
	dup2(run->output, STDOUT_FILENO);
	dup2(run->errors, STDERR_FILENO);
	if (input > STDERR_FILENO)
		close(input);
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

/* Whether any rule has done something: each has a line. */
static bool was_injected(int report)
{
	unsigned long long met, injected = 0;
	size_t size;
	char *text = read_file(report, &size), *rest = text, *line;

	while (!injected && (line = strsep(&rest, "\n")))
		if (sscanf(line, "%llu %llu", &met, &injected) != 2)
			injected = 0;
	free(text);
	return injected != 0;
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
			       const struct explore_outcome *without)
{
	if (outcome->status < 0)
		return EXPLORE_HANG;
	if (outcome->status != without->status && (WIFSIGNALED(outcome->status) || is_shells_crash(outcome->status)))
		return EXPLORE_CRASH;
	if (outcome->unchecked)
		return EXPLORE_CORRUPT;
	if (outcome->status == without->status && outcome->output != without->output && !without->unstable)
		return EXPLORE_CORRUPT;
	if (outcome->status != without->status)
		return EXPLORE_FAILED;
	if (!was_injected(run->report))
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

/* Kills what there is of a run. Its first process has its id until this has waited for it: no other group is meant. */
static int end_run(const struct explore_run *run)
{
	kill(-run->pid, SIGKILL);
	return wait_for_end(run->pid);
}

/* Whether the run's first process has ended, or its time is over. */
static bool is_over(const struct explore_run *run, struct explore_outcome *outcome)
{
	siginfo_t info = { 0 };
	bool ended = waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;

	if (!ended && explore_now() - run->begin < run->timeout && !is_flooding(run))
		return false;
	outcome->status = end_run(run);
	if (!ended)
		outcome->status = -1;
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

	*outcome = (struct explore_outcome){ 0 };
	if (!is_over(run, outcome))
		return false;
	outcome->seconds = explore_now() - run->begin;
	output = read_file(run->output, &size);
	outcome->output = core_hash(CORE_HASH_START, output, size);
	free(output);
	keep_message(outcome, run->errors);
	if (options->check)
		outcome->unchecked = shell(options->check, outcome) != 0;
	if (without)
		outcome->end = end_of(run, outcome, without);
	close_run(run);
	return true;
}
