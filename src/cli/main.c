/*
 * k23: the command line tool. One file per command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/own_stack.h"
#include "version.h"

static int help(int argc, char **argv);
static int complete(int argc, char **argv);

static const struct command command_completion = {
	.name = "completion",
	.run = complete,
	.summary = "print the completion of a shell",
	.usage = "bash|zsh|fish",
	.about = "Prints what lets bash, zsh or fish complete the commands and options of k23. It is installed\n"
		 "where these shells look for it.\n",
	.after = "Exit status: 0, 125 when there is no such shell.",
	.words = "bash zsh fish",
};

static const struct command command_help_of = {
	.name = "help",
	.run = help,
	.summary = "say how a command is used",
	.usage = "[COMMAND]",
	.about = "Says what commands there are, or how one is used, as `k23 COMMAND --help` does.\n",
	.after = "Exit status: 0, 125 when there is no such command.",
};

static const struct command *const commands[] = {
	&command_run,	  &command_stat,  &command_trace,  &command_record, &command_show,   &command_cc,
	&command_analyze, &command_learn, &command_inject, &command_sites,  &command_doctor, &command_completion,
	&command_help_of,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
	return NULL;
}

static void usage(FILE *to)
{
	fputs("usage: k23 COMMAND [OPTIONS] [--] ...\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`k23 help COMMAND` tells more, and so do the manual pages k23(1) and k23-hook(7).\n", to);
}

/* Whether a shell would run a program of this name. */
static bool is_program(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	for (size_t length; path && *path; path += length + (path[length] == ':')) {
		length = strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static void __attribute__((noreturn)) no_command(const char *name)
{
	if (*name != '-' && is_program(name))
		die(EXIT_K23, "there is no command %s; did you mean `k23 run %s`? `k23 --help` lists the commands",
		    name, name);
	die(EXIT_K23, "there is no %s %s; `k23 --help` lists the commands", *name == '-' ? "option" : "command", name);
}

static int help(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return usage(stdout), 0;
	command = find_command(argv[1]);
	if (!command && strcmp(argv[1], "--help") == 0)
		command = &command_help_of;
	if (!command)
		no_command(argv[1]);
	return command_help(command);
}

static int complete(int argc, char **argv)
{
	while (option_next(&command_completion, argc, argv) != -1)
		;
	if (argc != 2 || !completion_print(argv[1], commands, COMMANDS))
		die_usage("completion", "bash, zsh or fish is to be given");
	return 0;
}

static int tool(int argc, char **argv)
{
	const struct command *command;

	prctl(PR_SET_NAME, "k23"); /* what the user has called, whatever the name of the file */
	if (argc < 2) {
		usage(stderr);
		return EXIT_K23;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		usage(stdout);
	else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		puts("k23 " K23_VERSION);
	else if (!(command = find_command(argv[1])))
		no_command(argv[1]);
	else
		return finish_stdout(command->run(argc - 1, argv + 1));
	return finish_stdout(0);
}

int main(int argc, char **argv)
{
	return own_stack_run(tool, argc, argv);
}
