/*
 * k23 cc: builds a hook from C with the flags that one needs, and checks the result.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bundle.h"
#include "cli/cli.h"
#include "cli/hook_file.h"
#include "version.h"

static const char help[] =
	"usage: k23 cc [COMPILER OPTIONS] FILE.c... -o HOOK.so\n"
	"\n"
	"Builds a hook with $CC (default: cc) and checks that the result can be one: no library, no vector\n"
	"registers, no system calls of its own. `pkg-config --cflags --libs k23` gives the same flags to a\n"
	"build system of yours.\n"
	"\n"
	"Exit status: 0, the compiler's when it fails, 125 when the result is no hook.\n";

static const char *const flags[] = { "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", K23_HOOK_FLAGS };
#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

/* The option that leads to <k23/hook.h>: in the source tree for a tool in a build tree, or where it is installed. */
static const char *include_flag(void)
{
	static char flag[PATH_MAX + 32];
	char self[PATH_MAX], header[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length > 0) {
		self[length] = '\0';
		snprintf(flag, sizeof(flag), "-I%s/../include", dirname(self));
		snprintf(header, sizeof(header), "%s/k23/hook.h", flag + 2);
		if (access(header, R_OK) == 0)
			return flag;
	}
	return "-I" K23_CFLAGS_DIR;
}

static int compile_hook(int argc, char **argv)
{
	const char *compiler = getenv("CC");
	const char **arguments = calloc((size_t)argc + FLAG_COUNT + 3, sizeof(*arguments));
	size_t n = 0;
	int status;
	pid_t pid;

	if (!arguments)
		die(EXIT_K23, "out of memory");
	arguments[n++] = compiler && *compiler ? compiler : "cc";
	for (size_t i = 0; i < FLAG_COUNT; i++)
		arguments[n++] = flags[i];
	arguments[n++] = include_flag();
	for (int i = 1; i < argc; i++)
		arguments[n++] = argv[i];
	pid = fork();
	if (pid == 0) {
		execvp(arguments[0], (char **)arguments);
		die(EXIT_NOT_FOUND, "cannot run the compiler %s: %s (set CC, or install gcc)", arguments[0],
		    strerror(errno));
	}
	free(arguments);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die(EXIT_K23, "cannot run the compiler: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_cc(int argc, char **argv)
{
	const char *output = NULL;
	struct hook_file hook;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			return 0;
		}
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			output = argv[i + 1];
		else if (strncmp(argv[i], "-o", 2) == 0 && argv[i][2])
			output = argv[i] + 2;
	}
	if (!output)
		die_usage("cc", "-o HOOK.so is missing");
	status = compile_hook(argc, argv);
	if (status == 0) {
		bundle_open_hook(&hook, output);
		hook_file_close(&hook);
	}
	return status;
}
