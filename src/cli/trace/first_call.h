/*
 * The first line of `k23 trace`: the execve of the program, which this command's child makes. The child records it as
 * the program's own calls are recorded, by the code of the hook: it has that code, too.
 */
#ifndef CLI_TRACE_FIRST_CALL_H
#define CLI_TRACE_FIRST_CALL_H

#include "cli/cli.h"

/* The child counts as an image of its own, besides those of the program. */
#define FIRST_CALL_IMAGES 1

/* Lets `carry` execute a program, and records that. Returns what it returns. */
long first_call(const struct launch *launch, launch_carry_fn *carry, const struct bundle *bundle, const char *path,
		char **argv);

#endif
