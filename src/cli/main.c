/*
 * k23: the command line tool. One file per command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "version.h"

static const struct command {
	const char *name;
	command_fn *run;
	const char *summary;
} commands[] = {
	{ "run", command_run, "run a program with every system call going through hooks" },
	{ "stat", command_stat, "count a program's system calls, their errors and their time" },
	{ "trace", command_trace, "print a program's system calls, a line each" },
	{ "cc", command_cc, "build a hook from C, and check it" },
	{ "analyze", command_analyze, "find the system call instructions of files, and how each can be patched" },
	{ "learn", command_learn, "run a program, and keep the sites where it makes system calls" },
	{ "sites", command_sites, "show, check and exchange what is known of files and their sites" },
	{ "doctor", command_doctor, "tell what this machine offers, and what k23 can do on it" },
};

static void usage(FILE *to)
{
	fputs("usage: k23 COMMAND [OPTIONS] [--] ...\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`k23 COMMAND --help` tells more, and so do the manual pages k23(1) and k23-hook(7).\n", to);
}

/* Fails when what was printed could not be written, as it may be all that the command is for. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	complain("cannot write to stdout: %s", strerror(errno));
	return EXIT_K23;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_K23;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return finish(0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("k23 " K23_VERSION);
		return finish(0);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return finish(commands[i].run(argc - 1, argv + 1));
	die(EXIT_K23, "there is no command %s; `k23 --help` lists them", argv[1]);
}
