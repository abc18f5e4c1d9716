/*
 * The tools, as k23 doctor tries them: each is run in a child, on a guest that makes a known number of calls, and what
 * it prints is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor/doctor.h"
#include "cli/self.h"

#define GUEST_CALLS 230 /* of getppid */
#define PATIENCE 20	/* seconds */
#define OUTPUT_SIZE 65536

int doctor_guest(void)
{
	for (int i = 0; i < GUEST_CALLS; i++)
		getppid();
	return 0;
}

/* How a command of k23's has ended, and what it printed. */
struct outcome {
	bool ended; /* in time */
	int status; /* as waitpid has it */
	char output[OUTPUT_SIZE];
};

/* In the child: becomes the command. */
static void become(const struct command *command, char **argv, int output)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	setpgid(0, 0);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	optind = 0; /* getopt begins anew */
	exit(command->run(argc, argv));
}

static void read_output(struct outcome *outcome, int from)
{
	struct pollfd poll_from = { .fd = from, .events = POLLIN };
	size_t size = 0;
	ssize_t got;

	while (poll(&poll_from, 1, PATIENCE * 1000) > 0) {
		char rest[512];
		bool full = size + 1 == sizeof(outcome->output);

		got = full ? read(from, rest, sizeof(rest)) :
			     read(from, outcome->output + size, sizeof(outcome->output) - 1 - size);
		if (got <= 0) {
			outcome->ended = true;
			break;
		}
		size += full ? 0 : (size_t)got;
	}
	outcome->output[size] = '\0';
}

/* Runs a command on the guest. argv: the command's, with NULL in the place of this tool's path. */
static bool try_tool(struct outcome *outcome, const struct command *command, const char *const *argv)
{
	char *self = self_path(), *arguments[16];
	int ends[2], count = 0;
	pid_t child;

	*outcome = (struct outcome){ 0 };
	for (; argv[count]; count++)
		arguments[count] = (char *)argv[count];
	arguments[count] = self;
	arguments[count + 1] = (char *)"doctor";
	arguments[count + 2] = (char *)"--guest";
	arguments[count + 3] = NULL;
	if (!self || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fflush(stdout);
	child = fork();
	if (child == 0)
		become(command, arguments, ends[1]);
	free(self);
	close(ends[1]);
	if (child > 0) {
		read_output(outcome, ends[0]);
		if (!outcome->ended)
			kill(-child, SIGKILL);
		waitpid(child, &outcome->status, 0);
	}
	close(ends[0]);
	return child > 0;
}

/* Notes how the command failed, unless it has not. means: what follows from that. */
static bool has_failed(struct finding *finding, const char *tool, struct outcome *outcome, bool tried,
		       const char *means)
{
	char *first = outcome->output, end[64];

	if (tried && outcome->ended && WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == 0)
		return false;
	if (!tried)
		snprintf(end, sizeof(end), "cannot be tried: %s", strerror(errno));
	else if (!outcome->ended)
		snprintf(end, sizeof(end), "does not end in %d seconds", PATIENCE);
	else if (WIFSIGNALED(outcome->status))
		snprintf(end, sizeof(end), "is killed by SIG%s", sigabbrev_np(WTERMSIG(outcome->status)));
	else
		snprintf(end, sizeof(end), "ends with status %d", WEXITSTATUS(outcome->status));
	first[strcspn(first, "\n")] = '\0';
	finding_set(finding, MISSING, "`k23 %s` of k23's own guest %s%s%s", tool, end, *first ? ": " : "", first);
	finding->means = means;
	finding->todo = "what the message says, and what the lines below say of what is denied";
	return true;
}

static void try_run(struct finding *finding)
{
	static const char *const argv[] = { "run", "--no-learn", "--no-patch", "--", NULL };
	static struct outcome outcome;

	if (!has_failed(finding, "run", &outcome, try_tool(&outcome, &command_run, argv),
			"nothing can be interposed"))
		finding_set(finding, OK, "`k23 run` of k23's own guest");
}

/* stat's report, behind what else it has said. */
static struct json_object *read_report(const struct outcome *outcome)
{
	const char *begin = strchr(outcome->output, '{');

	return begin ? json_tokener_parse(begin) : NULL;
}

/* The member of the report's list of calls that is about getppid, or NULL. */
static struct json_object *find_getppid(struct json_object *report)
{
	struct json_object *calls, *name;

	if (!json_object_object_get_ex(report, "syscalls", &calls))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(calls); i++) {
		struct json_object *call = json_object_array_get_idx(calls, i);

		if (json_object_object_get_ex(call, "name", &name) &&
		    strcmp(json_object_get_string(name), "getppid") == 0)
			return call;
	}
	return NULL;
}

static int64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return object && json_object_object_get_ex(object, key, &value) ? json_object_get_int64(value) : 0;
}

static void try_stat(struct finding *finding)
{
	static const char *const argv[] = { "stat", "--no-learn", "--no-patch", "--json", "--", NULL };
	static struct outcome outcome;
	struct json_object *report;
	int64_t counted;

	if (has_failed(finding, "stat", &outcome, try_tool(&outcome, &command_stat, argv),
		       "stat: no calls can be counted"))
		return;
	report = read_report(&outcome);
	counted = number_of(find_getppid(report), "calls");
	json_object_put(report);
	finding_set(finding, counted == GUEST_CALLS ? OK : MISSING, "`k23 stat` of k23's own guest: %lld of %d calls",
		    (long long)counted, GUEST_CALLS);
}

static void try_trace(struct finding *finding)
{
	static const char *const argv[] = { "trace", "--no-learn", "--no-patch", "-e", "getppid", "--", NULL };
	static struct outcome outcome;
	int found = 0;

	if (has_failed(finding, "trace", &outcome, try_tool(&outcome, &command_trace, argv),
		       "trace: no calls can be traced"))
		return;
	for (const char *at = outcome.output; (at = strstr(at, "getppid(")); at++)
		found++;
	finding_set(finding, found == GUEST_CALLS ? OK : MISSING, "`k23 trace` of k23's own guest: %d of %d calls",
		    found, GUEST_CALLS);
}

/* A directory of the moment; free() is due. NULL: there is no place. */
static char *make_directory(void)
{
	const char *places[] = { getenv("TMPDIR"), "/tmp", "/dev/shm", "." };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *path;

		if (!places[i] || !*places[i])
			continue;
		if (asprintf(&path, "%s/k23-doctor-XXXXXX", places[i]) < 0)
			return NULL;
		if (mkdtemp(path))
			return path;
		free(path);
	}
	return NULL;
}

static void remove_directory(const char *directory)
{
	static const char *const files[] = { "sites", "sites.lock", "sites.log", "sites.taken", "sites.new",
					     "recording" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path;

		if (asprintf(&path, "%s/%s", directory, files[i]) < 0)
			return;
		unlink(path);
		free(path);
	}
	rmdir(directory);
}

static void try_patching_in(struct finding *finding, const char *store)
{
	const char *learn[] = { "learn", store, "--", NULL };
	static const char untried[] = "patching: whether calls take the fast path cannot be told";
	const char *stat[] = { "stat", store, "--no-learn", "--json", "--", NULL };
	static struct outcome outcome;
	struct json_object *report;
	int64_t fast, calls;

	if (has_failed(finding, "learn", &outcome, try_tool(&outcome, &command_learn, learn), untried) ||
	    has_failed(finding, "stat", &outcome, try_tool(&outcome, &command_stat, stat), untried))
		return;
	report = read_report(&outcome);
	fast = number_of(report, "fast");
	calls = number_of(report, "calls");
	json_object_put(report);
	finding_set(finding, fast >= GUEST_CALLS ? OK : LIMITED,
		    "after `k23 learn` of k23's own guest %lld of its %lld calls take the fast path", (long long)fast,
		    (long long)calls);
	if (fast < GUEST_CALLS)
		finding->means = "calls take a signal, which is some ten times as slow; the machine's lines say why";
}

/* Tries a tool that needs a directory of the moment. */
static void try_in_directory(struct finding *finding, const char *option, const char *file,
			     void (*try)(struct finding *finding, const char *option))
{
	char *directory = make_directory(), *whole = NULL;

	if (!directory || asprintf(&whole, "%s%s/%s", option, directory, file) < 0) {
		finding_set(finding, LIMITED, "there is no directory for a file of the moment: not tried");
		finding->todo = "let TMPDIR name a directory that can be written to";
	} else {
		try(finding, whole);
	}
	if (directory)
		remove_directory(directory);
	free(directory);
	free(whole);
}

static void try_patching(struct finding *finding)
{
	try_in_directory(finding, "--store=", "sites", try_patching_in);
	if (finding->verdict == MISSING)
		finding->verdict = LIMITED; /* programs run all the same */
}

static void try_record_in(struct finding *finding, const char *output)
{
	const char *argv[] = { "record", "--no-learn", "--no-patch", "--ring=1M", output, "--", NULL };
	static struct outcome outcome;
	struct stat recording;

	if (!has_failed(finding, "record", &outcome, try_tool(&outcome, &command_record, argv),
			"record: no calls can be kept"))
		finding_set(finding, stat(strchr(output, '=') + 1, &recording) == 0 ? OK : MISSING,
			    "`k23 record` of k23's own guest");
}

static void try_record(struct finding *finding)
{
	try_in_directory(finding, "--output=", "recording", try_record_in);
}

const struct check doctor_tools[] = {
	{ .name = "run", .run = try_run },
	{ .name = "stat", .run = try_stat },
	{ .name = "trace", .run = try_trace },
	{ .name = "record", .run = try_record },
	{ .name = "patching", .run = try_patching },
};
const size_t doctor_tool_count = sizeof(doctor_tools) / sizeof(doctor_tools[0]);
