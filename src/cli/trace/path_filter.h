/*
 * Calls that touch a path: `k23 trace -P`.
 */
#ifndef CLI_TRACE_PATH_FILTER_H
#define CLI_TRACE_PATH_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/render.h"

struct path_filter {
	char **paths;
	size_t count; /* 0: all calls are shown */
};

/* Adds a path as the user has written it. */
void path_filter_add(struct path_filter *filter, const char *path);

/* Adds what each path leads to, if that is another path, and says so unless quiet. */
void path_filter_resolve(struct path_filter *filter, bool quiet);

/* Whether an argument of the call is one of the paths, as it is written, or a descriptor that is open on one. */
bool path_filter_has(const struct path_filter *filter, const struct call *call);

#endif
