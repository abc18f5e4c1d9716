/*
 * k23 cc: builds a hook from C or C++ with the flags that one needs, and checks the result.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/hook_line.h"
#include "cli/hook_open.h"
#include "cli/world_patch.h"
#include "version.h"

static const char *const flags[] = { "-O2", "-g", "-Wall", "-Wextra", K23_HOOK_FLAGS };
#define EXPORTED(symbol) "-Wl,--export-dynamic-symbol=" symbol
/* A hosted hook is an ordinary program, whose hook may come from a library. What k23 looks for stays when the file is
 * stripped. */
static const char *const hosted_flags[] = {
	"-O2", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-fPIE", "-fno-omit-frame-pointer", "-pthread",
	"-static-pie", "-Wl,-z,separate-code", "-Wl,-z,noexecstack", "-Wl,--gc-sections", "-Wl,--undefined=k23_hook",
	EXPORTED("k23_hook"), EXPORTED("k23_hook_api"), EXPORTED("k23_world"), EXPORTED("k23_world_stubs"),
	EXPORTED("k23_world_stub_entry")
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The compilers of a language. */
static const struct language {
	const char *variable, *compiler;
	const char *flags[4]; /* what else it needs without a library of its own */
} c = { "CC", "cc", { "-std=gnu11" } }, cxx = {
	"CXX", "c++", { "-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics" }
};

static bool has_sdk(const char *folder)
{
	char header[PATH_MAX + 64];

	snprintf(header, sizeof(header), "%s/k23/hook.h", folder);
	return access(header, R_OK) == 0;
}

/* The folder of <k23/hook.h>: one that an option -I names, that of the source tree for a tool in a build tree, or where
 * it is installed. */
static const char *sdk_folder(int argc, char **argv)
{
	static const char *const places[] = { "../include", K23_INCLUDE_FROM_TOOL };
	static char folder[PATH_MAX + 32];
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *beside;

	for (int i = 1; i < argc; i++) {
		const char *named = strcmp(argv[i], "-I") == 0 && i + 1 < argc ? argv[i + 1] :
				    strncmp(argv[i], "-I", 2) == 0 ? argv[i] + 2 : NULL;

		if (named && has_sdk(named))
			return named;
	}
	if (length <= 0)
		return K23_CFLAGS_DIR;
	self[length] = '\0';
	beside = dirname(self);
	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(folder, sizeof(folder), "%s/%s", beside, places[i]);
		if (has_sdk(folder))
			return folder;
	}
	return K23_CFLAGS_DIR;
}

/* By the suffixes of what is to be compiled. */
static const struct language *language_of(int argc, char **argv)
{
	static const char *const suffixes[] = { ".cc", ".cpp", ".cxx", ".C" };

	for (int i = 1; i < argc; i++) {
		const char *suffix = strrchr(argv[i], '.');

		for (size_t k = 0; suffix && argv[i][0] != '-' && k < COUNT(suffixes); k++)
			if (strcmp(suffix, suffixes[k]) == 0)
				return &cxx;
	}
	return &c;
}

static const char *output;
static pid_t compiler_pid; /* 0: it has ended */

/* What was not checked is no hook, and is not to be there. */
static void on_interruption(int sig)
{
	if (compiler_pid > 0) {
		kill(compiler_pid, sig);
		waitpid(compiler_pid, NULL, 0);
	}
	unlink(output);
	signal(sig, SIG_DFL);
	raise(sig); /* when this returns */
}

static void watch_for_interruptions(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_interruption }, old;

	for (size_t i = 0; i < COUNT(signals); i++)
		sigaddset(&action.sa_mask, signals[i]);
	for (size_t i = 0; i < COUNT(signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
}

static int compile_hook(int argc, char **argv, bool hosted)
{
	const struct language *language = language_of(argc, argv);
	const char *compiler = getenv(language->variable);
	const char *const *own = hosted ? hosted_flags : flags;
	size_t own_count = hosted ? COUNT(hosted_flags) : COUNT(flags), n = 0;
	const char *sdk = sdk_folder(argc, argv);
	char include[PATH_MAX + 64], world[PATH_MAX + 64];
	const char **arguments = calloc((size_t)argc + own_count + COUNT(language->flags) + 8, sizeof(*arguments));
	int status;

	if (!arguments)
		die(EXIT_K23, "out of memory");
	arguments[n++] = compiler && *compiler ? compiler : language->compiler;
	for (size_t i = 0; i < COUNT(language->flags) && language->flags[i] && !hosted; i++)
		arguments[n++] = language->flags[i];
	for (size_t i = 0; i < own_count; i++)
		arguments[n++] = own[i];
	snprintf(include, sizeof(include), "-I%s", sdk);
	arguments[n++] = include;
	if (hosted) { /* what makes a program of it, before the libraries */
		snprintf(world, sizeof(world), "%s/k23/world.c", sdk);
		arguments[n++] = "-xc";
		arguments[n++] = world;
		arguments[n++] = "-xnone";
	}
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--hosted") != 0)
			arguments[n++] = argv[i];
	if (hosted)
		arguments[n++] = "-lm"; /* which libraries like sqlite3 want, and which a static one does not name */
	compiler_pid = fork();
	if (compiler_pid == 0) {
		execvp(arguments[0], (char **)arguments);
		die(EXIT_NOT_FOUND, "cannot run the compiler %s: %s (set %s, or install %s)", arguments[0],
		    strerror(errno), language->variable, language == &c ? "gcc" : "g++");
	}
	free(arguments);
	if (compiler_pid < 0 || waitpid(compiler_pid, &status, 0) < 0)
		die(EXIT_K23, "cannot run the compiler: %s", strerror(errno));
	compiler_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* For what the message about a crash says. */
static int where(int argc, char **argv)
{
	char *end;
	uint64_t address = argc == 4 ? strtoull(argv[3], &end, 16) : 0;

	if (argc != 4 || !*argv[3] || *end)
		die_usage("cc", "--where needs a hook's file and an address");
	if (!hook_line_tell(argv[2], address))
		die(EXIT_K23, "%s does not tell which line is at %s: has it debug information (-g)?", argv[2], argv[3]);
	return 0;
}

static int cc(int argc, char **argv)
{
	bool hosted = false;
	struct hook_file hook;
	char *problem;
	int status;

	if (argc > 1 && strcmp(argv[1], "--where") == 0)
		return where(argc, argv);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return command_help(&command_cc);
		hosted |= strcmp(argv[i], "--hosted") == 0;
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			output = argv[i + 1];
		else if (strncmp(argv[i], "-o", 2) == 0 && argv[i][2])
			output = argv[i] + 2;
	}
	if (!output)
		die_usage("cc", "-o HOOK.so is missing");
	watch_for_interruptions();
	status = compile_hook(argc, argv, hosted);
	if (status != 0)
		return status;
	if (!hook_open(&hook, output, false, &problem)) {
		unlink(output);
		die(EXIT_K23, "%s would be no hook, and is removed: %s", output, problem);
	}
	hook_file_close(&hook);
	if (hosted)
		world_patch(output);
	return 0;
}

const struct command command_cc = {
	.name = "cc",
	.run = cc,
	.summary = "build a hook from C or C++, and check it",
	.usage = "[--hosted] [COMPILER OPTIONS] FILE.c... -o HOOK.so",
	.about = "Builds a hook with $CC (default: cc), or of FILE.cc with $CXX (default: c++), and checks that\n"
		 "the result can be one: no library, no vector registers, no system calls of its own, and calls\n"
		 "in .calls that there are. `pkg-config --cflags --libs k23` gives the same flags to a build\n"
		 "system of yours.\n\n"
		 "With --hosted, the hook is an ordinary program with a C library of its own, linked statically;\n"
		 "libraries may follow (-lsqlite3). See k23-hook(7).\n\n"
		 "`k23 cc --where HOOK.so ADDRESS` says which line of the source an address is in that the\n"
		 "message about a crash has (hook+ADDRESS).\n",
	.after = "Exit status: 0, the compiler's when it fails, 125 when the result is no hook; then it is removed.",
};
