/*
 * What the reports of commands that run a program have in common.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "cli/collect.h"

struct json_object;

/* How reports are written. */
enum report_format { REPORT_TEXT, REPORT_JSON };

/* The format of that name, or death. */
enum report_format report_format(const char *command, const char *name);

/* A report about the program, as far as it is the same for all commands. elapsed: seconds until the last process
 * ended. */
struct json_object *report_json(char **argv, const struct collection *collection, double elapsed);

/* Writes a report, and frees it. */
void report_write_json(FILE *output, struct json_object *object);

#endif
