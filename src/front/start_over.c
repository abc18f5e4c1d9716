#include "front/start_over.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "abi/syscall.h"
#include "cli/cli.h"
#include "cli/first_run.h"
#include "cli/hook_check.h"
#include "cli/run_state.h"
#include "cli/self.h"
#include "cli/store_use.h"
#include "sites/site_log.h"
#include "version.h"

static char **arguments;
static uint64_t sigmask; /* carry_bundle() in cli/launch.c blocks signals, with those that a C library keeps */

void start_over_with(char **argv)
{
	arguments = argv;
	sys(rt_sigprocmask, SIG_SETMASK, 0, &sigmask, 8);
}

/* What the tool needs to begin, with its libraries: otherwise the kernel kills it, or ld.so says what is missing. */
static const struct need {
	int resource;
	unsigned long least, unit;
	const char *units, *name;
} needs[] = {
	{ RLIMIT_NOFILE, 4, 1, "descriptors", "ulimit -n" },
	{ RLIMIT_AS, 7ul << 20, 1ul << 20, "MB of address space", "ulimit -v" },
	{ RLIMIT_DATA, 2ul << 20, 1ul << 20, "MB of data", "ulimit -d" },
};

static void check_limits(void)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const struct need *need = &needs[i];
		struct rlimit limit;

		if (getrlimit(need->resource, &limit) != 0 || limit.rlim_cur >= need->least)
			continue;
		fprintf(stderr, "k23: k23 needs %lu %s, and the limit is less: raise it (%s)\n",
			need->least / need->unit, need->units, need->name);
		_exit(EXIT_K23);
	}
}

void start_over(void)
{
	/* Beside the front in a build tree, or where it is installed. */
	static const char *const places[] = { "%s/k23-tool", "%s/../" K23_TOOL_SUBDIR "/k23-tool",
					      K23_TOOL_DIR "/k23-tool" };
	char *self = self_path(), *path;
	const char *beside = self ? dirname(self) : NULL;
	int error = ENOENT;

	sys(rt_sigprocmask, SIG_SETMASK, &sigmask, 0, 8);
	check_limits();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!beside && strchr(places[i], '%'))
			continue;
		if (asprintf(&path, places[i], beside) < 0)
			break;
		execv(path, arguments);
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		free(path);
	}
	fprintf(stderr, "k23: this installation is broken: k23-tool cannot be executed: %s; it belongs beside k23, or "
			"into " K23_TOOL_DIR "\n", strerror(error));
	_exit(EXIT_K23);
}

/* --- what the front's parts would call in the tool */

void complain(const char *format, ...)
{
	(void)format;
	start_over();
}

void die(int status, const char *format, ...)
{
	(void)status;
	(void)format;
	start_over();
}

void die_usage(const char *command, const char *format, ...)
{
	(void)command;
	(void)format;
	start_over();
}

bool hook_check_code(const struct hook_file *hook, char **problem)
{
	(void)hook;
	(void)problem;
	start_over();
}

void first_run_analyse(const struct launch *launch, const char *executable)
{
	(void)launch;
	(void)executable;
	start_over();
}

long site_log_ingest(const char *path, uint64_t largest, struct ingest_report *report)
{
	(void)path;
	(void)largest;
	(void)report;
	start_over();
}

long store_use_put_aside(const char *path)
{
	if (store_is_outdated(path))
		start_over();
	return 0;
}

const struct run_memory *run_state_create(size_t size, bool directory, const char **problem)
{
	(void)size;
	(void)directory;
	(void)problem;
	start_over();
}
