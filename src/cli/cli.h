/*
 * What the commands share: starting a program under k23, messages, exit statuses.
 */
#ifndef K23_CLI_H
#define K23_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses of k23's own failures, as those of env(1). */
enum {
	EXIT_K23 = 125,       /* k23 itself failed: a wrong option, a bad hook, a kernel without what it needs */
	EXIT_CANNOT_RUN = 126, /* the program was found, and cannot be run or cannot be interposed */
	EXIT_NOT_FOUND = 127, /* the program was not found */
};

/* One command; its argv starts with its own name. Returns the exit status. */
typedef int command_fn(int argc, char **argv);

command_fn command_run, command_stat, command_trace, command_doctor, command_cc, command_analyze, command_learn,
	command_sites;

/* Prints "k23: " and the text, and a newline, to stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* complain(), then exit(status). */
void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
/* complain(), with a hint at `k23 COMMAND --help`, then exit(EXIT_K23). */
void die_usage(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/* getopt_long() for a command. A wrong option ends the command by die_usage(). */
int next_option(const char *command, int argc, char **argv, const char *letters, const struct option *options);

/* What to run, and with which hooks. */
struct launch {
	const char **hooks; /* FILE[:OPTIONS], in the order of the chain */
	size_t hook_count;
	bool foreign; /* let programs that cannot be interposed run without k23 */
	const char *store; /* where plans for sites are kept; NULL: the user's own */
	unsigned char *store_bytes; /* what is in the store, when store_use_prepare() has read it */
	size_t store_size;
	bool no_learn;     /* do not note sites that are not in the store */
	bool keep_log;     /* leave the site log to the caller, which takes it in when the program has ended */
	bool profile;      /* learn which sites this program uses */
	bool eager;        /* patch sites that were never observed, too */
	bool no_patch;     /* leave all sites to the guard */
	char **argv;  /* the program and its arguments, ended by NULL */
};

/* Appends a hook. spec is FILE[:KEY=VALUE,...]; a FILE without a slash is a hook that comes with k23. */
void launch_hook(struct launch *launch, const char *spec);
/* The options of every command that starts a program. */
#define LAUNCH_BASIC_OPTIONS                                                                                 \
	{ "hook", required_argument, NULL, 0x1000 }, { "foreign", required_argument, NULL, 0x1001 },         \
	{ "store", required_argument, NULL, 0x1002 }
/* The same, and those that say how the store is used: for all of these commands but `k23 learn`. */
#define LAUNCH_OPTIONS                                                                                       \
	LAUNCH_BASIC_OPTIONS, { "no-learn", no_argument, NULL, 0x1003 },                                     \
	{ "eager", no_argument, NULL, 0x1004 }, { "no-patch", no_argument, NULL, 0x1005 }
/* Takes one of these options. `option` is the value of next_option(), `value` its optarg. */
void launch_option(struct launch *launch, const char *command, int option, const char *value);
/* What the help of these commands says of the store. */
#define LAUNCH_HELP                                                                                          \
	"  --store FILE                 where the plans for sites are kept (default: the user's own)\n"        \
	"  --no-learn                   do not note the sites that the store does not have\n"                  \
	"  --eager                      patch sites that were never observed, too\n"                           \
	"  --no-patch                   leave every site to the guard\n"
/* Becomes the program. Returns only on failure: an exit status, with the message already printed. */
int launch_exec(const struct launch *launch);

#endif
