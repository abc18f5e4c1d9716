/*
 * What the command k23 is: a small program that starts other programs as `k23 run` does, if all that this needs is in
 * the store and in hooks that come with k23. That is how most programs start, and needs no library. For all else, and
 * whenever something is wrong, it becomes the tool, which begins again and has all commands, options and messages.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/own_stack.h"
#include "front/start_over.h"

static const struct option_row *row_named(const struct option_row *table, const char *name, size_t length)
{
	for (; option_is_row(table); table++)
		if (table->name && strncmp(table->name, name, length) == 0 && !table->name[length])
			return table;
	return NULL;
}

/* Takes the option at *argv, with its argument, and moves *argv on. False: it is for the tool. */
static bool take_option(struct launch *launch, char ***argv)
{
	const char *name = **argv + 2, *argument = strchr(name, '=');
	size_t length = argument ? (size_t)(argument - name) : strlen(name);
	const struct option_row *row = row_named(launch_options, name, length);

	if (!row)
		row = row_named(launch_patch_options, name, length);
	if (!row || (argument && !row->argument))
		return false;
	if (row->argument)
		argument = argument ? argument + 1 : *++*argv;
	if (row->argument && !argument)
		return false;
	launch_option(launch, "run", row->value, argument);
	++*argv;
	return true;
}

/* Starts the program of `run ARGUMENTS`. Returns when that is not for the front. */
static void run(char **argv)
{
	struct launch launch = { 0 };

	for (argv++; *argv && **argv == '-';) {
		if (strcmp(*argv, "--") == 0) {
			argv++;
			break;
		}
		if (strncmp(*argv, "--", 2) != 0 || !take_option(&launch, &argv))
			return;
	}
	launch.argv = argv;
	if (*argv)
		launch_exec(&launch);
}

static int front(int argc, char **argv)
{
	start_over_with(argv);
	if (argc > 1 && strcmp(argv[1], "run") == 0)
		run(argv + 1);
	start_over();
}

int main(int argc, char **argv)
{
	return own_stack_run(front, argc, argv);
}
