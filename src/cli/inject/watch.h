/*
 * What became of the processes of a run, by what their hook has noted (k23/watch.h): which ones crashed, and what those
 * that hang wait for.
 */
#ifndef CLI_INJECT_WATCH_H
#define CLI_INJECT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include <k23/watch.h>

#include "cli/inject/descent.h"
#include "cli/segment.h"

/* A process of a run, by what is the same in each run. */
struct watch_name {
	char thread[DESCENT_TEXT]; /* its first one; "": not known */
	unsigned number; /* which one it is of those that were the program, from 1; 0: not known */
	char program[K23_WATCH_PATH];
};

/* The processes of a run, as they were noted until now: by program, and then in the order of the tree. */
struct watch_processes {
	struct watch_process {
		struct k23_watch_process noted;
		size_t order; /* in which they were noted */
		unsigned number; /* as in struct watch_name */
	} *at;
	size_t count;
	int unlisted; /* a signal that has killed a process for which there was no room; 0: none */
};

/* A process that went wrong. */
struct watch_loss {
	int signal; /* that killed it; 0: it hangs */
	char calls[K23_WATCH_PATH]; /* in which its threads were then */
	struct watch_name name;
};

struct watch_losses {
	struct watch_loss *at;
	size_t count;
};

/* The specification of the hook, for launch_hook(). at: where in the segment's memory, in bytes, the hook has room for
 * a struct k23_watch. exploring: the memory is that of the hook that notes places. */
char *watch_hook_spec(const struct segment *segment, size_t at, bool exploring);

void watch_add(struct watch_losses *losses, const struct watch_loss *loss);

/* Whether a signal is one that a process gets for a mistake, and not to be ended by others. */
bool watch_is_crash(int sig);

/* free(at) is due. */
struct watch_processes watch_take(const struct k23_watch *watch);

/* Names the process with this descent, if it is known. */
void watch_name(struct watch_name *name, const struct watch_processes *processes, const struct k23_descent *process);

/* Adds the processes that crashed, in the order of the tree. */
void watch_add_crashes(struct watch_losses *losses, const struct watch_processes *processes);

#define WATCH_HANGING 16u

/* Adds the descendants of a process, which hang, but not so many that more than WATCH_HANGING losses are there: before
 * the others those that do not wait for a child. */
void watch_add_hanging(struct watch_losses *losses, const struct watch_processes *processes, pid_t ancestor);

/* "process 2 of make (1.2)" */
void watch_print_name(FILE *to, const struct watch_name *name);

/* "Segmentation fault in process 2 of make (1.2)" */
void watch_print(FILE *to, const struct watch_loss *loss);

/* A line for a program to read; and reads one. False: it is another line. */
void watch_write(FILE *to, const struct watch_loss *loss);
bool watch_read(struct watch_losses *losses, char *line);

#endif
