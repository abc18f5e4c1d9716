#include "oci/command_line.h"

#include <stddef.h>
#include <string.h>

#include "oci/report.h"

/* Options without a value: every other one has its value behind a "=", or in the next word. */
static const char *const flags[] = {
	/* of runtimes */
	"--debug", "--systemd-cgroup", "--help", "-h", "--version", "-v", "-V",
	/* of commands */
	"--detach", "-d", "--keep", "--no-new-keyring", "--no-new-privs", "--no-pivot", "--no-subreaper", "--tty", "-t",
	"--ignore-paused", "--force", "-f", "--all", "-a", "--quiet", "-q",
};
/* -f is a flag of delete's, and the file of crun's create and run. */
static const char config_letter[] = "-f";

static bool starts_program(const struct command_line *line)
{
	return command_line_is(line, "create") || command_line_is(line, "run");
}

static bool is_flag(const struct command_line *line, const char *word)
{
	if (strcmp(word, config_letter) == 0 && line->command < line->argc && starts_program(line))
		return false;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(flags[i], word) == 0)
			return true;
	return false;
}

/* The value of the option at `*at`, which becomes the index of the word that has it; NULL if it has none. */
static const char *value_at(const struct command_line *line, int *at)
{
	const char *word = line->argv[*at], *equals = strchr(word, '=');

	if (strncmp(word, "--", 2) == 0 && equals)
		return equals + 1;
	if (is_flag(line, word))
		return NULL;
	if (word[1] != '-' && word[2])
		return word + 2; /* -bFOLDER, or several flags */
	return *at + 1 < line->argc ? line->argv[++*at] : NULL;
}

static bool is_option(const char *word, const char *name, const char *letter)
{
	size_t length = strlen(name);

	return (strncmp(word, name, length) == 0 && (!word[length] || word[length] == '=')) ||
	       (letter && word[1] != '-' && strncmp(word, letter, 2) == 0);
}

static void note(struct command_line *line, const char *word, const char *value, int at)
{
	bool own = line->command < line->argc;

	if (!value)
		return;
	if (!own && is_option(word, "--log", NULL))
		oci_log.path = value;
	else if (!own && is_option(word, "--log-format", NULL))
		oci_log.json = strcmp(value, "json") == 0;
	else if (own && starts_program(line) && is_option(word, "--bundle", "-b"))
		line->bundle = value;
	else if (own && starts_program(line) && is_option(word, "--config", config_letter))
		line->config = value;
	else if (own && command_line_is(line, "exec") && is_option(word, "--process", "-p"))
		line->process_file = value, line->process = at;
}

/* Reads options from the word at `at` on, and returns the index of the first word that is none. */
static int read_options(struct command_line *line, int at)
{
	for (; at < line->argc && line->argv[at][0] == '-' && line->argv[at][1]; at++) {
		const char *word = line->argv[at], *value;

		if (strcmp(word, "--") == 0)
			return at + 1;
		value = value_at(line, &at);
		note(line, word, value, at);
	}
	return at;
}

void command_line_read(struct command_line *line, int argc, char **argv)
{
	*line = (struct command_line){ .argc = argc, .argv = argv, .command = argc, .positional = argc };
	line->command = read_options(line, 1);
	if (line->command < argc)
		line->positional = read_options(line, line->command + 1);
}

bool command_line_is(const struct command_line *line, const char *command)
{
	return line->command < line->argc && strcmp(line->argv[line->command], command) == 0;
}
