/*
 * k23 run: becomes the program, with the runtime and the hooks in place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static const char help[] =
	"usage: k23 run [OPTIONS] [--] PROGRAM [ARGS...]\n"
	"\n"
	"Runs PROGRAM so that every system call of it, of its threads and of its children goes through the\n"
	"hooks, in the order in which they are given. k23 becomes the program: it keeps its process id.\n"
	"\n"
	"  --hook FILE[:KEY=VALUE,...]  a hook and its options; a FILE without a slash is one that comes with k23\n"
	"  --foreign=refuse|allow       programs that cannot be interposed (32-bit ones): refuse them with\n"
	"                               ENOEXEC (default), or let them run without k23\n"
	LAUNCH_HELP
	"\n"
	"Exit status: the program's; 125 when k23 fails, 126 when the program cannot be run, 127 when it is\n"
	"not found.\n";

int command_run(int argc, char **argv)
{
	static const struct option options[] = {
		LAUNCH_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct launch launch = { 0 };
	int option, status;

	while ((option = next_option("run", argc, argv, "+h", options)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		launch_option(&launch, "run", option, optarg);
	}
	if (optind == argc)
		die_usage("run", "no program is given");
	launch.argv = argv + optind;
	status = launch_exec(&launch);
	free(launch.hooks);
	return status;
}
