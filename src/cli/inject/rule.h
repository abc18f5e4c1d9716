/*
 * A rule that injects faults, as a user writes it: SET[:TOKEN]...
 */
#ifndef CLI_INJECT_RULE_H
#define CLI_INJECT_RULE_H

#include <stdbool.h>

#include <k23/inject.h>

#include "cli/trace/task.h"

struct inject_rule {
	const char *text;
	struct k23_inject_rule fixed; /* without its sizes */
	struct bytes items; /* struct k23_inject_item, each with its data and padding */
	uint16_t item_count;
	bool counts; /* which occurrence of a call it is matters */
};

/* What is the same for all rules of a command. */
struct inject_defaults {
	const char *command; /* for what is said of wrong ones */
	uint8_t scope; /* enum k23_inject_scope */
	uint64_t seed;
};

/*
 * Makes a rule of a text, which it keeps. error: the error that is injected if the text names nothing that is to be
 * injected; 0: that is wrong. Dies if the text is no rule.
 */
void inject_rule_parse(struct inject_rule *rule, const char *text, int error, const struct inject_defaults *defaults);

/* Makes the rule be only about calls that take a path, as it is written, or a descriptor that is open on it. */
void inject_rule_add_path(struct inject_rule *rule, const char *path);

/* Reads a number of decimal digits that is at most `max`. False: it is none. */
bool inject_number(const char *text, uint64_t max, uint64_t *value);

/* The time that an option takes, in seconds. Dies if it is none, or 0. */
double inject_seconds(const char *command, const char *option, const char *text);

/* Reads "thread" or "run": enum k23_inject_scope. False: it is neither. */
bool inject_scope(const char *text, uint8_t *scope);

#endif
