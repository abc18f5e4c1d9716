/*
 * Running a program as a child of the command, which stays to collect what the program's processes report.
 */
#ifndef CLI_COLLECT_H
#define CLI_COLLECT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "cli/segment.h"

struct collection {
	struct segment *segment;
	unsigned first; /* how many arrive that are not yet the program */
	pid_t child;
	bool ended; /* the child has; processes that it started may go on */
	int status; /* of the child, as waitpid has it */
};

/* The signals that a collecting command passes on to the program. When the program has ended, any of them ends the
 * waiting for the processes that it left behind. */
#define COLLECT_PASSED_ON 6
extern const int collect_passed_on[COLLECT_PASSED_ON];

/* Starts the program in a child, and handles this process's signals from then on. Dies when there can be no child. */
void collect_start(struct collection *collection, struct segment *segment, const struct launch *launch);

/* Waits until something happens, but not much longer than `patience` milliseconds. */
void collect_wait(struct collection *collection, unsigned patience);

/* A child that has asked to be traced by its parent (PTRACE_TRACEME) stops for each signal: k23 is no tracer, and lets
 * it go, with the signal. Whether that is what waitid told of; else the child has ended. */
bool collect_let_go(const siginfo_t *info);

/* Whether the collection is over: the child has ended, and either so has every process that could report more, or a
 * signal ended the waiting for them. */
bool collect_over(struct collection *collection);

/* Whether a signal ended the collection, and it is not certain that no process is left. */
bool collect_leaves(const struct collection *collection);

/* Whether the program was started at all; if not, the child has said why. */
bool collect_started(const struct collection *collection);

/* Ends this process as the child ended: with its status, or by its signal. */
void collect_exit(const struct collection *collection) __attribute__((noreturn));

/* What --help says of the exit status of a command that ends so. */
extern const char collect_exit_help[];

#endif
