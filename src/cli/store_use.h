/*
 * The store, for the commands that use it: every failure is the end of the command.
 */
#ifndef CLI_STORE_USE_H
#define CLI_STORE_USE_H

#include "cli/cli.h"
#include "sites/store.h"

/* The store's path: what --store says, or the default. Free it. */
char *store_use_path(const char *option);
/* Reads it; one that is not there is empty. */
void store_use_read(struct store *store, const char *path);
/* The same to change it: nobody else can until store_use_write() has written it. Returns the lock. */
int store_use_change(struct store *store, const char *path);
void store_use_write(const struct store *store, const char *path, int lock);

/* For a program that is to be started: what was learned before goes into the store, and launch->store becomes the
 * absolute path, or NULL if there is nothing to patch by and nothing can be learned. A store that cannot be used is said
 * to be so, and the program runs without. */
void store_use_prepare(struct launch *launch);

/* Why a file could not be analysed, as the end of a sentence that begins with its name. */
const char *store_use_analysis_problem(long error);

#endif
