#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

#define MOST_OPTIONS 128
#define HELP_COLUMN 33 /* where the explanations begin */

const struct option_row option_help = { "help", 'h', NULL, "say how the command is used", 0, NULL };

/* The rows of all tables of a command. */
struct rows {
	const struct option_row *at[MOST_OPTIONS];
	size_t count;
};

static struct rows rows_of(const struct command *command)
{
	struct rows rows = { 0 };

	for (size_t i = 0; i < OPTION_TABLES && command->options[i]; i++)
		for (const struct option_row *row = command->options[i]; option_is_row(row); row++)
			if (rows.count < MOST_OPTIONS - 1)
				rows.at[rows.count++] = row;
	rows.at[rows.count++] = &option_help;
	return rows;
}

static int value_of(const struct option_row *row)
{
	return row->value ? row->value : row->letter;
}

static int needs_argument(const struct option_row *row)
{
	return !row->argument ? no_argument : *row->argument == '[' ? optional_argument : required_argument;
}

/* --- asking for options */

/* What getopt_long() is given: the value of each option is its row's number and 0x100. */
struct parser {
	const struct command *command;
	struct rows rows;
	char letters[2 + 2 * MOST_OPTIONS];
	struct option options[MOST_OPTIONS + 1];
};

static void make_parser(struct parser *parser, const struct command *command)
{
	char *letter = parser->letters;
	struct option *option = parser->options;

	memset(parser, 0, sizeof(*parser));
	parser->command = command;
	parser->rows = rows_of(command);
	if (command->program)
		*letter++ = '+';
	*letter++ = ':';
	for (size_t i = 0; i < parser->rows.count; i++) {
		const struct option_row *row = parser->rows.at[i];

		if (row->letter) {
			*letter++ = row->letter;
			if (needs_argument(row) == required_argument)
				*letter++ = ':';
		}
		if (row->name)
			*option++ = (struct option){ row->name, needs_argument(row), NULL, 0x100 + (int)i };
	}
}

static const struct option_row *row_of_letter(const struct parser *parser, int letter)
{
	for (size_t i = 0; i < parser->rows.count; i++)
		if (parser->rows.at[i]->letter && parser->rows.at[i]->letter == letter)
			return parser->rows.at[i];
	return NULL;
}

/* The row that getopt_long() means, or NULL. */
static const struct option_row *row_of_value(const struct parser *parser, int value)
{
	if (value >= 0x100 && value < 0x100 + (int)parser->rows.count)
		return parser->rows.at[value - 0x100];
	return row_of_letter(parser, value);
}

/* What getopt_long() does not know, or not in this way. word: the one in which it met it. */
static void __attribute__((noreturn)) wrong_option(const struct parser *parser, const char *word)
{
	const char *command = parser->command->name;
	int length = (int)strcspn(word, "=");

	if (optopt >= 0x100)
		die_usage(command, "--%s takes no argument", row_of_value(parser, optopt)->name);
	if (optopt)
		die_usage(command, "there is no option -%c", optopt);
	for (size_t i = 0; i < parser->rows.count; i++)
		if (parser->rows.at[i]->name && strncmp(parser->rows.at[i]->name, word + 2, (size_t)length - 2) == 0)
			die_usage(command, "there are several options that begin with %.*s", length, word);
	die_usage(command, "there is no option %.*s", length, word);
}

static void __attribute__((noreturn)) missing_argument(const struct parser *parser)
{
	const struct option_row *row = row_of_value(parser, optopt);

	if (optopt < 0x100)
		die_usage(parser->command->name, "-%c needs an argument: %s", optopt, row->argument);
	die_usage(parser->command->name, "--%s needs an argument: %s", row->name, row->argument);
}

int option_next(const struct command *command, int argc, char **argv)
{
	static struct parser parser;
	const struct option_row *row;
	int value;

	if (parser.command != command)
		make_parser(&parser, command);
	opterr = 0;
	value = getopt_long(argc, argv, parser.letters, parser.options, NULL);
	if (value == -1)
		return -1;
	if (value == '?')
		wrong_option(&parser, argv[optind - 1]);
	if (value == ':')
		missing_argument(&parser);
	row = row_of_value(&parser, value);
	if (row->absent && value < 0x100)
		die_usage(command->name, "-%c: %s", value, row->absent);
	if (row->absent)
		die_usage(command->name, "--%s: %s", row->name, row->absent);
	if (row->letter == 'h')
		exit(command_help(command));
	return value_of(row);
}

/* --- help */

static void print_row(FILE *to, const struct option_row *row)
{
	bool bracket = row->argument && *row->argument == '[';
	char head[128];
	int size = 0;

	if (row->letter && row->name)
		size = snprintf(head, sizeof(head), "  -%c, --%s", row->letter, row->name);
	else if (row->letter)
		size = snprintf(head, sizeof(head), "  -%c", row->letter);
	else
		size = snprintf(head, sizeof(head), "  --%s", row->name);
	if (row->argument)
		snprintf(head + size, sizeof(head) - (size_t)size, "%s%s",
			 bracket ? "" : row->name ? "=" : " ", row->argument);
	fputs(head, to);
	size = (int)strlen(head);
	if (size > HELP_COLUMN - 2) {
		fputc('\n', to);
		size = 0;
	}
	for (const char *text = row->help; text; size = 0) {
		const char *end = strchrnul(text, '\n');

		fprintf(to, "%*s%.*s\n", HELP_COLUMN - size, "", (int)(end - text), text);
		text = *end ? end + 1 : NULL;
	}
}

int command_help(const struct command *command)
{
	struct rows rows = rows_of(command);

	printf("usage: k23 %s %s\n\n%s\n", command->name, command->usage, command->about);
	for (size_t i = 0; i < rows.count; i++) {
		if (!rows.at[i]->name && !rows.at[i]->letter)
			printf("\n%s:\n", rows.at[i]->help);
		else if (option_is_shown(rows.at[i]))
			print_row(stdout, rows.at[i]);
	}
	printf("\n%s\n", command->after);
	return finish_stdout(0);
}

unsigned long option_size(const char *command, const char *option, const char *text, unsigned long min,
			  unsigned long max)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (value > max >> shift)
			errno = ERANGE;
		value <<= shift;
		end++;
	}
	if (errno || *end || *text < '0' || *text > '9' || value < min || value > max)
		die_usage(command, "%s takes a number from %lu to %lu, not %s", option, min, max, text);
	return value;
}
