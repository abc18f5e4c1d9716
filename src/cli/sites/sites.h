/*
 * The commands of `k23 sites`. Each returns the exit status.
 */
#ifndef CLI_SITES_SITES_H
#define CLI_SITES_SITES_H

#include "cli/store_use.h"

struct sites_options {
	const char *store;
	bool paper;      /* --format=paper */
	bool unobserved; /* drop what was never observed */
	bool reset;      /* forget everything, readable or not */
};

typedef int sites_fn(const struct sites_options *options, int argc, char **argv);
sites_fn sites_list, sites_show, sites_verify, sites_merge, sites_export, sites_import, sites_prune;

/* The known file that a name means: the file that is at this path now, or was seen there last. NULL, with a message,
 * when there is none. */
struct known_file *sites_file(const struct store *store, const char *name);

#endif
