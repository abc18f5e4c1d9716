/*
 * The commands of `k23 sites`. Each returns the exit status.
 */
#ifndef CLI_SITES_H
#define CLI_SITES_H

#include "cli/storeuse.h"

struct sites_options {
	const char *store;
};

int sites_list(const struct sites_options *options, int argc, char **argv);

/* The file of the store that a name means: one with this path, or the one that is there. NULL, with a message. */
struct known_file *sites_file(const struct storefile *store, const char *name);

#endif
