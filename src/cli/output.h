/*
 * Where a command's report goes: stderr, a file, or another command.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct output {
	FILE *file;
	const char *name; /* NULL: stderr */
	pid_t command;	  /* the process that reads the report, or 0 */
};

/* name: a file; or, where commands are allowed, | or ! and a command of a shell; NULL is stderr. Dies on failure. */
struct output output_open(const char *name, bool commands, bool append);

/* Closes the report, and waits for the command. When something could not be written, complains and returns EXIT_K23,
 * otherwise returns 0. */
int output_close(struct output *output);

/* For who neither reads input nor writes output any more while a program runs: who reads from a pipe that the program
 * has closed waits for all to close it. */
void output_leave_standard(void);

#endif
