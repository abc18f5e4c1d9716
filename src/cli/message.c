/*
 * What the command line tool says when it fails.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static void print_message(const char *format, va_list args)
{
	fputs("k23: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(format, args);
	va_end(args);
}

void die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(format, args);
	va_end(args);
	exit(status);
}

void die_usage(const char *command, const char *format, ...)
{
	va_list args;

	fputs("k23: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; `k23 %s --help` shows how it is used\n", command);
	exit(EXIT_K23);
}

int next_option(const char *command, int argc, char **argv, const char *letters, const struct option *options)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, letters, options, NULL);
	if (option != '?')
		return option;
	for (; options->name; options++)
		if (optopt && options->val == optopt && options->has_arg == required_argument)
			die_usage(command, "--%s needs an argument", options->name);
	die_usage(command, "there is no option %s", argv[optind - 1]);
}
