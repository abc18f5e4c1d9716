/*
 * The file system of a run (k23_run_directory()): one in memory, mounted nowhere, which the run's keeper has as its
 * working directory. The kernel ends it with the keeper, whatever ends that.
 */
#ifndef CLI_RUN_DIRECTORY_H
#define CLI_RUN_DIRECTORY_H

#include <stdbool.h>

/* Makes it the working directory of this process, which keeps a descriptor for it. Returns whether; otherwise *problem
 * says why not, as a clause. */
bool run_directory_enter(const char **problem);

#endif
