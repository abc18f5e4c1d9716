/*
 * The store, for the commands that use it: every failure is the end of the command.
 */
#ifndef CLI_STOREUSE_H
#define CLI_STOREUSE_H

#include "cli/cli.h"
#include "sites/storefile.h"

/* The store's path: what --store says, or the default. Free it. */
char *storeuse_path(const char *option);
/* Reads it; one that is not there is empty. */
void storeuse_read(struct storefile *store, const char *path);
/* The same to change it: nobody else can until storeuse_write() has written it. Returns the lock. */
int storeuse_change(struct storefile *store, const char *path);
void storeuse_write(const struct storefile *store, const char *path, int lock);

/* For a program that is to be started: what was learned before goes into the store, and launch->store becomes the
 * absolute path, or NULL if there is nothing to patch by and nothing can be learned. A store that cannot be used is said
 * to be so, and the program runs without. */
void storeuse_prepare(struct launch *launch);

/* Why a file could not be analysed, as the end of a sentence that begins with its name. */
const char *storeuse_analysis_problem(long error);

#endif
