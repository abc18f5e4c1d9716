/*
 * What the commands share: starting a program under k23, messages, exit statuses.
 */
#ifndef K23_CLI_H
#define K23_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"
#include "cli/gs.h"
#include "cli/returns.h"

/* Exit statuses of k23's own failures, as those of env(1). */
enum {
	EXIT_K23 = 125,       /* k23 itself failed: a wrong option, a bad hook, a kernel without what it needs */
	EXIT_CANNOT_RUN = 126, /* the program was found, and cannot be run or cannot be interposed */
	EXIT_NOT_FOUND = 127, /* the program was not found */
};

extern const struct command command_run, command_stat, command_trace, command_doctor, command_cc, command_analyze,
	command_learn, command_record, command_show, command_sites, command_inject;

/* Prints "k23: " and the text, and a newline, to stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* complain(), then exit(status). */
void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
/* complain(), with a hint at `k23 COMMAND --help`, then exit(EXIT_K23). */
void die_usage(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/* Returns the status, or EXIT_K23, with a message, if what was printed to stdout could not be written. */
int finish_stdout(int status);

struct bundle;
struct passwd;

struct launch;

/* Executes a program with the bundle. Returns -errno. */
typedef long launch_carry_fn(const struct launch *launch, const struct bundle *bundle, const char *path, char **argv);

struct gaps;
struct run_memory;

/* What to run, and with which hooks. */
struct launch {
	const char **hooks; /* FILE[:OPTIONS], in the order of the chain */
	size_t hook_count;
	bool foreign; /* let programs for another architecture run without k23 */
	bool untraced; /* let all programs that cannot be interposed run without k23 */
	const char *store; /* where plans for sites are kept; NULL: the user's own */
	unsigned char *store_bytes; /* what is in the store, when store_use_prepare() has read it */
	size_t store_size;
	bool no_learn;     /* do not note sites that are not in the store */
	bool keep_log;     /* leave the site log to the caller, which takes it in when the program has ended */
	bool profile;      /* learn which sites this program uses */
	bool eager;        /* patch sites that were never observed, too */
	bool unmet;        /* the program was never run: sites with a plan are patched unobserved */
	bool no_patch;     /* leave all sites to the guard */
	enum returns returns;
	enum gs gs;
	const struct run_memory *memory; /* that all processes of the run are to share, or NULL */
	struct gaps *gaps; /* where the program is counted if it runs without k23, or NULL */
	const char *user;  /* whose the program's process becomes before; NULL: it stays as it is */
	char **argv;  /* the program and its arguments, ended by NULL */
	/* NULL, or what executes the program by way of the function that it is given. */
	long (*carry)(const struct launch *launch, launch_carry_fn *carry, const struct bundle *bundle,
		      const char *path, char **argv);
};

/* The user, or death. */
struct passwd *launch_user(const char *name);

/* Appends a hook. spec is FILE[:KEY=VALUE,...]; a FILE without a slash is a hook that comes with k23. */
void launch_hook(struct launch *launch, const char *spec);
/* The options of the commands that start a program; and, for those that patch it as the user likes, which `k23 learn`
 * does not, the options that follow. */
extern const struct option_row launch_options[], launch_patch_options[];
/* Takes one of these options: its value, as option_next() returns it, and its argument. */
void launch_option(struct launch *launch, const char *command, int option, const char *argument);
/* After prctl(PR_SET_SYSCALL_USER_DISPATCH) has failed, with errno: why. */
const char *launch_no_dispatch(void);
/* Becomes the program. Returns only on failure: an exit status, with the message already printed. */
int launch_exec(const struct launch *launch);

#endif
