/*
 * The store, for the commands that use it. Every failure ends the command, with a message.
 */
#ifndef CLI_STORE_USE_H
#define CLI_STORE_USE_H

#include "cli/cli.h"
#include "sites/store.h"

/* The store's path: the one that --store names, or the default. free() is due. */
char *store_use_path(const char *option);
/* Reads the store at a path; it is empty when there is none. */
void store_use_read(struct store *store, const char *path);
/* Puts a store of an older version aside, with a message. 0; or -errno, and the store is still there. */
long store_use_put_aside(const char *path);
/* Reads the stores that a run uses: the one at `path`, and, if that is the user's own, the system's under it. A file
 * that is in both has the plans of the former, and is observed where either says so. Errors are those of store_read(),
 * for the former. */
long store_use_load(struct store *store, const char *path, bool own) must_check;
/* Whether the store is the user's own, since no option and no variable names one. */
bool store_use_is_own(const struct launch *launch);
/* Reads the store to change it, and locks it until store_use_write() has written it. Returns the lock. */
int store_use_change(struct store *store, const char *path);
void store_use_write(const struct store *store, const char *path, int lock);
/* Ends a command that is to change the store later, if it cannot be changed. */
void store_use_check(const char *path);

/* Prepares the store for a program that is to be started: puts what was learned before into it, reads it, and makes
 * launch->store its absolute path, or NULL if there can be none. With a store that cannot be used there is a message,
 * and the program runs without it: this failure does not end the command. */
void store_use_prepare(struct launch *launch);

/* Why a file could not be analysed, as the end of a sentence that begins with its name. */
const char *store_use_analysis_problem(long error);

#endif
