/*
 * The command lines of OCI runtimes, as far as k23-oci has to understand them: crun's and runc's.
 */
#ifndef OCI_COMMAND_LINE_H
#define OCI_COMMAND_LINE_H

#include <stdbool.h>

struct command_line {
	int argc;
	char **argv;        /* ended by NULL */
	int command;        /* the index of the command's name; argc if there is none */
	int positional;     /* of the first word behind its options; argc if there is none */
	const char *bundle; /* --bundle; NULL if it is not given */
	const char *config; /* --config of crun's create and run: the name of the file in the bundle */
	int process;        /* of the word that has the value of exec's --process; 0: none */
	const char *process_file; /* that value */
};

/* Notes --log and --log-format for what k23-oci says itself. */
void command_line_read(struct command_line *line, int argc, char **argv);
/* Whether the command has this name. */
bool command_line_is(const struct command_line *line, const char *command);

#endif
