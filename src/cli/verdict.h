/*
 * The verdict on a run: whether every system call of it was seen, and if that is not certain, why not.
 */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi/gaps.h"
#include "cli/collect.h"
#include "cli/options.h"

struct json_object;

struct verdict {
	struct gaps gaps;
};

/* What is known of a collection that is over. */
void verdict_read(struct verdict *verdict, struct collection *collection);
/* What the command itself knows. */
void verdict_add(struct verdict *verdict, enum gap gap, uint64_t count);
/* What the command itself knows, better than who has counted: which programs have this gap is not known then. */
void verdict_replace(struct verdict *verdict, enum gap gap, uint64_t count);

bool verdict_is_complete(const struct verdict *verdict);
/* A line that says "complete"; or one that says "incomplete", and one for each gap. Each begins with the prefix. */
void verdict_print(const struct verdict *verdict, FILE *output, const char *prefix);
/* Adds the members `complete` and `gaps`. */
void verdict_json(const struct verdict *verdict, struct json_object *object);

/* --fail-on-gap, for commands that give a verdict. */
extern const struct option_row verdict_options[];
/* Takes it. Returns the status with which the command is to end if there is a gap. 0: it is another option. */
int verdict_option(const char *command, int option, const char *argument);
/* Ends this process: with the status if that is not 0 and there is a gap, otherwise as the program ended. */
void verdict_exit(const struct verdict *verdict, int status, const struct collection *collection)
	__attribute__((noreturn));

#endif
