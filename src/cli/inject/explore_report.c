/*
 * What k23 inject --explore reports of a run, as text and as JSON.
 */
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/inject/explore.h"

const char *const explore_end_names[EXPLORE_ENDS] = {
	[EXPLORE_ALIKE] = "alike", [EXPLORE_FAILED] = "failed", [EXPLORE_MISSED] = "missed",
	[EXPLORE_CRASH] = "crash", [EXPLORE_HANG] = "hang",	[EXPLORE_CORRUPT] = "corrupt",
	[EXPLORE_UNNOTICED] = "unnoticed",
};

/* The command that makes a run again, and shows what was wrong with it. */
static char **command_of(const struct explore_options *options, const struct explore_run *run, enum explore_end end)
{
	char *timeout = explore_timeout_option(run->timeout), **words;
	const char *const own[] = { end == EXPLORE_HANG ? timeout : end == EXPLORE_CRASH ? "--watch" : NULL, NULL };

	words = explore_command(options, own, run->fault->rules);
	free(timeout);
	return words;
}

static void free_words(char **words)
{
	for (char **word = words; *word; word++)
		free(*word);
	free(words);
}

/* --- text */

/* A word as a shell takes it. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

/* How a run ended, in a line. */
static void print_end(const struct explore_run *run, const struct explore_outcome *outcome)
{
	int status = outcome->status;

	printf("%s: ", explore_end_names[outcome->end]);
	if (outcome->end == EXPLORE_CORRUPT)
		printf("%s, ", outcome->unchecked ? "the check fails" : "another output");
	if (status < 0 && outcome->killed)
		printf("it does not end");
	else if (status < 0)
		printf("not over after %.1f s", run->timeout);
	else if (WIFSIGNALED(status) && !outcome->losses.count)
		printf("%s", strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && !outcome->losses.count)
		printf("exit status %d", WEXITSTATUS(status));
	for (size_t i = 0; i < outcome->losses.count; i++) {
		fputs(i ? "; " : status < 0 ? ": " : "", stdout);
		watch_print(stdout, &outcome->losses.at[i]);
	}
	if (*outcome->message)
		printf(": %s", outcome->message);
	putchar('\n');
}

void explore_print_run(const struct explore_options *options, bool several, const struct explore_run *run,
		       const struct explore_outcome *outcome)
{
	char **words = command_of(options, run, outcome->end);

	print_end(run, outcome);
	for (char **word = words; *word; word++) {
		putchar(word == words ? '\t' : ' ');
		print_word(*word);
	}
	printf("\n\t# ");
	explore_print_place(run->fault->place ? run->fault->place : "");
	if (several) {
		printf(", in ");
		watch_print_name(stdout, &run->fault->process);
	}
	putchar('\n');
	free_words(words);
}

/* --- JSON */

static struct json_object *json_words(char **words)
{
	struct json_object *array = json_object_new_array();

	for (; *words; words++)
		json_object_array_add(array, json_object_new_string(*words));
	return array;
}

static struct json_object *json_process(const struct watch_name *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "program", *name->program ? json_object_new_string(name->program) : NULL);
	json_object_object_add(object, "number", name->number ? json_object_new_int64(name->number) : NULL);
	json_object_object_add(object, "thread", *name->thread ? json_object_new_string(name->thread) : NULL);
	return object;
}

static struct json_object *json_losses(const struct watch_losses *losses)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < losses->count; i++) {
		const struct watch_loss *loss = &losses->at[i];
		struct json_object *object = json_process(&loss->name);

		json_object_object_add(object, "signal", loss->signal ? json_object_new_int(loss->signal) : NULL);
		json_object_object_add(object, "calls", loss->signal ? NULL : json_object_new_string(loss->calls));
		json_object_array_add(array, object);
	}
	return array;
}

struct json_object *explore_json_run(const struct explore_options *options, const struct explore_run *run,
				     const struct explore_outcome *outcome)
{
	struct json_object *object = json_object_new_object();
	char **words = command_of(options, run, outcome->end);
	int status = outcome->status;

	json_object_object_add(object, "end", json_object_new_string(explore_end_names[outcome->end]));
	json_object_object_add(object, "exit_status",
			       status >= 0 && WIFEXITED(status) ? json_object_new_int(WEXITSTATUS(status)) : NULL);
	json_object_object_add(object, "signal",
			       status >= 0 && WIFSIGNALED(status) ? json_object_new_int(WTERMSIG(status)) : NULL);
	json_object_object_add(object, "timeout", json_object_new_double(run->timeout));
	json_object_object_add(object, "checked", json_object_new_boolean(!outcome->unchecked));
	json_object_object_add(object, "message", json_object_new_string(outcome->message));
	json_object_object_add(object, "processes", json_losses(&outcome->losses));
	json_object_object_add(object, "command", json_words(words));
	json_object_object_add(object, "place", explore_json_place(run->fault->place ? run->fault->place : ""));
	json_object_object_add(object, "process", json_process(&run->fault->process));
	free_words(words);
	return object;
}

struct json_object *explore_json(const struct explore_options *options, const size_t ends[EXPLORE_ENDS],
				 struct json_object *runs)
{
	struct json_object *object = json_object_new_object(), *sums = json_object_new_object();

	json_object_object_add(object, "version", json_object_new_int(1));
	json_object_object_add(object, "program", json_words(options->launch->argv));
	for (int end = 0; end < EXPLORE_ENDS; end++)
		json_object_object_add(sums, explore_end_names[end], json_object_new_uint64(ends[end]));
	json_object_object_add(object, "ends", sums);
	json_object_object_add(object, "runs", runs);
	return object;
}
