/*
 * The commands and their options, as data: what a command takes, its --help, the completion of shells, and what is said
 * of wrong options are all made of the same tables.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* One option, or, without a name and a letter, a heading. A table ends with a row that is all zero. */
struct option_row {
	const char *name; /* without the dashes; NULL: it has none */
	char letter;	  /* 0: it has none */
	/* NULL: it takes no argument. In brackets: it may be left out. Words with | between them are what may be
	 * given. */
	const char *argument;
	const char *help;   /* lines, as --help shows them. NULL: another name for an option that is shown */
	int value;	    /* what option_next() returns; 0: the letter */
	const char *absent; /* why k23 has no such option, where people may look for one */
};

/* What every command has besides its tables. */
extern const struct option_row option_help;

#define OPTION_TABLES 5

struct command {
	const char *name;
	/* argv starts with the command's own name. Returns the exit status. */
	int (*run)(int argc, char **argv);
	const char *summary; /* a few words */
	const char *usage;   /* what follows the name */
	const char *about;   /* what --help says before the options */
	const struct option_row *options[OPTION_TABLES];
	const char *after;  /* what --help says behind the options */
	bool program;	    /* after its options comes a program with arguments */
	const char *words;  /* what its first argument may be, separated by spaces, or NULL */
};

/*
 * The next option of a command, as getopt_long() has it: its value, or -1 after the last; optarg and optind as there.
 * Options end at the first argument if a program follows. --help and wrong options end the process.
 */
int option_next(const struct command *command, int argc, char **argv);

/* A number that an option is given, which may end with k, M or G; the command dies of what is none from min to max. */
unsigned long option_size(const char *command, const char *option, const char *text, unsigned long min,
			  unsigned long max);

/* Prints what --help shows. Returns the exit status: 0, or EXIT_K23 when it could not be written. */
int command_help(const struct command *command);

/* Whether the row is an option, which is shown. */
static inline bool option_is_shown(const struct option_row *row)
{
	return (row->name || row->letter) && row->help && !row->absent;
}

/* Whether the table goes on at this row. */
static inline bool option_is_row(const struct option_row *row)
{
	return row->name || row->letter || row->help;
}

#endif
