/*
 * The first run of a program: what is known of the files that it consists of, before anybody has seen its calls.
 */
#ifndef CLI_FIRST_RUN_H
#define CLI_FIRST_RUN_H

#include "cli/cli.h"

/* Larger files are not analysed before a program starts that has them for the first time: it would wait for a second.
 * What they do in that run is seen by the guard. In bytes. */
#define FIRST_RUN_MAX_SIZE (32 << 20)
/* Nor, if they are larger than this, because the site log names them, after a run: some seconds, and ten of a browser.
 * The guard sees what they do until `k23 learn` or `k23 analyze` has analysed them. */
#define LATER_RUN_MAX_SIZE (96 << 20)

/* The executable of a program of which the store that was read has nothing, and which was not learned: of a script it
 * is the interpreter. free() is due; NULL: the store has something, there is no such program, or it is too large. */
char *first_run_of(const struct launch *launch);
/* Whether the store that was read has a file, by its key or its build-id. */
bool first_run_knows(const struct launch *launch, const char *path);
/* Analyses the executable, its ELF interpreter and the libraries that they name, as far as the store does not have
 * them, and puts them into the store. A failure is none: what is not analysed is not patched. */
void first_run_analyse(const struct launch *launch, const char *executable);

#endif
