/*
 * k23 inject --explore: runs a program once for each place that makes a system call, and each error that this call can
 * give, and reports what the program does not stand.
 */
#ifndef CLI_INJECT_EXPLORE_H
#define CLI_INJECT_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/explore.h>

#include "cli/cli.h"
#include "cli/inject/watch.h"
#include "cli/report.h"

#define EXIT_HANG 124

struct explore_options {
	const char *calls;  /* a set of calls; NULL: all of which it is known what can go wrong */
	const char *noticed; /* a set of calls: that one of them fails may not go unnoticed; or NULL */
	const char *check;  /* a command for the shell, after each run; or NULL */
	const char *before; /* the same, before each run */
	double timeout;	    /* of a run, in seconds; 0: by how long a run takes without faults */
	double time;	    /* of all runs; 0: no limit */
	uint64_t runs;	    /* at most */
	uint64_t jobs;	    /* runs at the same time */
	uint64_t repeat;    /* how many of the calls that a place makes are made to fail, each in a run of its own */
	bool loader;	    /* the calls of the dynamic linker, too */
	bool verbose;	    /* report each run */
	enum report_format format;
	const struct launch *launch;
	char **words; /* the options that say how the program is run, as the user has written them */
	size_t word_count;
};

/* Returns the exit status: 0 if the program stood everything, 1 if not. */
int explore(const struct explore_options *options);

/* --- the parts */

/* A fault at a place. */
struct explore_fault {
	char *rules; /* one, or several with | between them: the first is the place's */
	char *place; /* as the hook has written it: PATH+OFFSET lines */
	struct watch_name process; /* that makes the call */
	bool serious;	   /* the program has to notice it */
};

/* What there is to try, in the order in which the calls were met. */
struct explore_plan {
	struct explore_fault *faults;
	size_t count;
	size_t places;
	bool threads; /* there are several, or several processes */
};

/* Which calls are to be noted in the run without faults. */
void explore_want(struct k23_ring_calls *wanted, const struct explore_options *options);

struct explore_plan explore_plan_make(const struct k23_exploration *exploration,
				      const struct watch_processes *processes, const struct explore_options *options);

void explore_plan_free(struct explore_plan *plan);

/* How a run ended. */
enum explore_end {
	EXPLORE_ALIKE,	  /* as without a fault: the program did without the call, or made it again */
	EXPLORE_FAILED,	  /* with another exit status */
	EXPLORE_MISSED,	  /* the call was not made */
	EXPLORE_CRASH,
	EXPLORE_HANG,
	EXPLORE_CORRUPT,  /* with the same exit status, and another output; or the check failed */
	EXPLORE_UNNOTICED, /* with the same exit status and output, after a serious fault */
	EXPLORE_ENDS,
};

struct explore_outcome {
	enum explore_end end;
	int status;	 /* of the first process, as waitpid has it; -1: the time was over */
	struct watch_losses losses; /* processes that crashed, or hung; without a fault: those that crash ever so */
	bool killed;	 /* it had to be ended from outside */
	bool unchecked;	 /* the check failed */
	bool unstable;	 /* without a fault: another run wrote something else */
	uint64_t output; /* a hash of what the program wrote to its standard output */
	double seconds;
	char message[120]; /* the last line that it wrote to standard error */
};

/* A run that is under way. */
struct explore_run {
	const struct explore_fault *fault; /* NULL: none */
	int pid; /* also of its process group; 0: the run is over */
	int output, errors, report; /* files without a name */
	double begin, timeout;
};

/* The words of the command that makes a run with these rules: k23 inject, options of its own, ended by NULL, the rules,
 * and the program. Ended by NULL, to be freed. */
char **explore_command(const struct explore_options *options, const char *const *own, const char *rules);

/* The option that ends a run after a time, in seconds, for the text's owner to free. */
char *explore_timeout_option(double timeout);

/* Notes the descriptors that this process has been given, which runs get, too. */
void explore_note_descriptors(void);

/* Makes all as it was, as the user knows how, before a run. */
void explore_prepare(const struct explore_options *options);

/* Prepares and starts a run. timeout: in seconds; 0: there is none. */
void explore_begin(struct explore_run *run, const struct explore_fault *fault, double timeout,
		   const struct explore_options *options);

/* Whether the run is over. If so, what came of it, by comparison with a run without a fault, or NULL. */
bool explore_poll(struct explore_run *run, const struct explore_options *options,
		  const struct explore_outcome *without, struct explore_outcome *outcome);

/* Ends a run that is not over. */
void explore_stop(struct explore_run *run);

void explore_outcome_free(struct explore_outcome *outcome);

/* --- reports */

struct json_object;

extern const char *const explore_end_names[EXPLORE_ENDS];

/* Prints how a run ended, the command that makes it again, and the place. several: processes, or threads. */
void explore_print_run(const struct explore_options *options, bool several, const struct explore_run *run,
		       const struct explore_outcome *outcome);
/* The same as an object; and all of them, which it takes over, with how many runs have ended in each way. */
struct json_object *explore_json_run(const struct explore_options *options, const struct explore_run *run,
				     const struct explore_outcome *outcome);
struct json_object *explore_json(const struct explore_options *options, const size_t ends[EXPLORE_ENDS],
				 struct json_object *runs);

/* Prints a place, as functions and lines as far as its files tell; makes an array of objects of it; and forgets the
 * files. */
void explore_print_place(const char *place);
struct json_object *explore_json_place(const char *place);
void explore_forget_places(void);

double explore_now(void);

#endif
