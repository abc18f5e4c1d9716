#include <stdio.h>
#include <string.h>

#include "cli/completion.h"

/* What is done with each option that is shown. */
typedef void option_fn(const struct command *command, const struct option_row *row);

static void each_option(const struct command *command, option_fn *print)
{
	for (size_t i = 0; i < OPTION_TABLES && command->options[i]; i++)
		for (const struct option_row *row = command->options[i]; option_is_row(row); row++)
			if (option_is_shown(row))
				print(command, row);
	print(command, &option_help);
}

/* Whether the argument is one of some words, and not of the user's making. */
static bool has_words(const struct option_row *row)
{
	return row->argument && strchr(row->argument, '|') &&
	       !row->argument[strspn(row->argument, "abcdefghijklmnopqrstuvwxyz0123456789-|")];
}

static bool is_file(const struct option_row *row)
{
	return row->argument && (strncmp(row->argument, "FILE", 4) == 0 || strcmp(row->argument, "PATH") == 0);
}

/* The option's argument is a word of its own. */
static bool takes_word(const struct option_row *row)
{
	return row->argument && *row->argument != '[';
}

/* The first line of an explanation, in single quotes, without what would end them. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text && *text != '\n'; text++)
		if (*text != '\'')
			putchar(*text);
	putchar('\'');
}

static void print_words(const char *words, const char *separators)
{
	const char *separator = "";

	for (size_t length; *words; words += length + (words[length] != '\0')) {
		length = strcspn(words, separators);
		printf("%s%.*s", separator, (int)length, words);
		separator = " ";
	}
}

/* --- bash */

static void bash_name(const struct command *command, const struct option_row *row)
{
	(void)command;
	if (row->name)
		printf(" --%s", row->name);
	if (row->letter)
		printf(" -%c", row->letter);
}

/* The pattern of a case for an option. */
static void bash_pattern(const struct option_row *row)
{
	if (row->name)
		printf("--%s", row->name);
	if (row->letter)
		printf("%s-%c", row->name ? "|" : "", row->letter);
}

static void bash_taker(const struct command *command, const struct option_row *row)
{
	(void)command;
	if (!takes_word(row))
		return;
	printf("\t\t");
	bash_pattern(row);
	printf(") ");
	if (has_words(row)) {
		printf("words='");
		print_words(row->argument, "|");
		printf("'");
	} else {
		printf("kind=%s", is_file(row) ? "file" : "other");
	}
	printf(" ;;\n");
}

static void print_bash(const struct command *const *commands, size_t count)
{
	puts("# bash completion for k23\n"
	     "_k23_option() # COMMAND OPTION: sets words, or kind, if the option takes an argument\n"
	     "{\n"
	     "\twords= kind=\n"
	     "\tcase $1 in");
	for (size_t i = 0; i < count; i++) {
		printf("\t%s) case $2 in\n", commands[i]->name);
		each_option(commands[i], bash_taker);
		puts("\t\tesac ;;");
	}
	puts("\tesac\n"
	     "}\n"
	     "\n"
	     "_k23()\n"
	     "{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words kind options program= first= at=2\n"
	     "\n"
	     "\tif ((COMP_CWORD == 1)); then");
	printf("\t\tCOMPREPLY=($(compgen -W '--help --version");
	for (size_t i = 0; i < count; i++)
		printf(" %s", commands[i]->name);
	puts("' -- \"$cur\"))\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase $command in");
	for (size_t i = 0; i < count; i++) {
		printf("\t%s) options='", commands[i]->name);
		each_option(commands[i], bash_name);
		printf("' program=%s first='%s' ;;\n", commands[i]->program ? "yes" : "",
		       commands[i]->words ? commands[i]->words : "");
	}
	puts("\t*) return ;;\n"
	     "\tesac\n"
	     "\twhile ((at < COMP_CWORD)); do\n"
	     "\t\tcase ${COMP_WORDS[at]} in\n"
	     "\t\t--) ((at++)); break ;;\n"
	     "\t\t-*) _k23_option \"$command\" \"${COMP_WORDS[at]}\"\n"
	     "\t\t\tif [[ ${COMP_WORDS[at + 1]} == = ]]; then ((at += 2)); _k23_option '' ''\n"
	     "\t\t\telif [[ -n $words$kind ]]; then ((at++)); fi ;;\n"
	     "\t\t*) break ;;\n"
	     "\t\tesac\n"
	     "\t\t((at++))\n"
	     "\tdone\n"
	     "\tif ((at > COMP_CWORD)); then # the argument of an option\n"
	     "\t\t[[ $cur == = ]] && cur=\n"
	     "\t\t_k23_option \"$command\" \"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
	     "\t\t[[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]] &&\n"
	     "\t\t\t_k23_option \"$command\" \"${COMP_WORDS[COMP_CWORD - 2]}\"\n"
	     "\t\tif [[ -n $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "\t\telif [[ $kind == file ]]; then COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
	     "\telif ((at == COMP_CWORD)) && [[ $cur == -* && ${COMP_WORDS[at - 1]} != -- ]]; then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	     "\telif [[ -n $program ]]; then\n"
	     "\t\tif declare -F _command_offset > /dev/null; then _command_offset \"$at\"\n"
	     "\t\telif ((at == COMP_CWORD)); then COMPREPLY=($(compgen -c -- \"$cur\"))\n"
	     "\t\telse COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
	     "\telif [[ -n $first ]] && ((at == COMP_CWORD)); then\n"
	     "\t\tCOMPREPLY=($(compgen -W \"$first\" -- \"$cur\"))\n"
	     "\telse\n"
	     "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	     "\tfi\n"
	     "}\n"
	     "\n"
	     "complete -o filenames -F _k23 k23");
}

/* --- zsh */

/* What _arguments has as an explanation: brackets and colons mean something there. */
static void zsh_text(const char *text)
{
	for (; *text && *text != '\n'; text++) {
		if (strchr("[]:\\", *text))
			putchar('\\');
		if (*text != '\'')
			putchar(*text);
	}
}

static void zsh_spec(const struct option_row *row, const char *dashes, const char *name)
{
	printf(" \\\n\t\t\t'*%s%s", dashes, name);
	if (row->argument)
		printf("%s", dashes[1] ? "=" : takes_word(row) ? "+" : "");
	printf("[");
	zsh_text(row->help);
	printf("]");
	if (row->argument && (dashes[1] || takes_word(row))) {
		printf("%s:argument:", takes_word(row) ? "" : ":");
		if (has_words(row)) {
			printf("(");
			print_words(row->argument, "|");
			printf(")");
		} else if (is_file(row)) {
			printf("_files");
		}
	}
	printf("'");
}

static void zsh_option(const struct command *command, const struct option_row *row)
{
	(void)command;
	if (row->name)
		zsh_spec(row, "--", row->name);
	if (row->letter)
		zsh_spec(row, "-", (char[]){ row->letter, '\0' });
}

static void print_zsh(const struct command *const *commands, size_t count)
{
	puts("#compdef k23\n"
	     "_k23()\n"
	     "{\n"
	     "\tlocal -a commands\n"
	     "\tlocal context state state_descr line\n"
	     "\ttypeset -A opt_args\n"
	     "\n"
	     "\tcommands=(");
	for (size_t i = 0; i < count; i++) {
		printf("\t\t%s:", commands[i]->name);
		print_quoted(commands[i]->summary);
		putchar('\n');
	}
	puts("\t)\n"
	     "\t_arguments -C '(- *)--help[list the commands]' '(- *)--version[say which version this is]' \\\n"
	     "\t\t'1: :->command' '*:: :->rest'\n"
	     "\tcase $state in\n"
	     "\tcommand) _describe command commands ;;\n"
	     "\trest)\n"
	     "\t\tcase $words[1] in");
	for (size_t i = 0; i < count; i++) {
		printf("\t\t%s) _arguments -s -S", commands[i]->name);
		each_option(commands[i], zsh_option);
		if (commands[i]->program)
			printf(" \\\n\t\t\t'(-)1:program:_command_names -e' '*::arguments:_normal'");
		else if (commands[i]->words)
			printf(" \\\n\t\t\t'1:what:(%s)' '*:file:_files'", commands[i]->words);
		else
			printf(" \\\n\t\t\t'*:file:_files'");
		puts(" ;;");
	}
	puts("\t\tesac ;;\n"
	     "\tesac\n"
	     "}\n"
	     "\n"
	     "_k23 \"$@\"");
}

/* --- fish */

static void fish_option(const struct command *command, const struct option_row *row)
{
	printf("complete -c k23 -n '__k23_in %s'", command->name);
	if (row->name)
		printf(" -l %s", row->name);
	if (row->letter)
		printf(" -s %c", row->letter);
	if (takes_word(row))
		printf(is_file(row) ? " -rF" : " -x");
	if (has_words(row)) {
		printf(" -a '");
		print_words(row->argument, "|");
		printf("'");
	}
	printf(" -d ");
	print_quoted(row->help);
	putchar('\n');
}

static void print_fish(const struct command *const *commands, size_t count)
{
	puts("# fish completion for k23\n"
	     "function __k23_in\n"
	     "\tset -l words (commandline -opc)\n"
	     "\ttest (count $words) -ge 2; and test $words[2] = $argv[1]\n"
	     "end\n"
	     "\n"
	     "complete -c k23 -n 'test (count (commandline -opc)) -eq 1' -f\n"
	     "complete -c k23 -n 'test (count (commandline -opc)) -eq 1' -l help -s h -d 'list the commands'\n"
	     "complete -c k23 -n 'test (count (commandline -opc)) -eq 1' -l version -s V -d 'say which version'");
	for (size_t i = 0; i < count; i++) {
		printf("complete -c k23 -n 'test (count (commandline -opc)) -eq 1' -a %s -d ", commands[i]->name);
		print_quoted(commands[i]->summary);
		putchar('\n');
		each_option(commands[i], fish_option);
		if (commands[i]->program)
			printf("complete -c k23 -n '__k23_in %s' -a '(__fish_complete_subcommand --fcs-skip=2)'\n",
			       commands[i]->name);
		if (commands[i]->words)
			printf("complete -c k23 -n '__k23_in %s' -a '%s'\n", commands[i]->name, commands[i]->words);
	}
}

bool completion_print(const char *shell, const struct command *const *commands, size_t count)
{
	static const struct {
		const char *name;
		void (*print)(const struct command *const *commands, size_t count);
	} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(shell, shells[i].name) == 0)
			return shells[i].print(commands, count), true;
	return false;
}
