/*
 * Run state (abi/run_state.h): creating its run memory, and the process that is its keeper.
 */
#ifndef CLI_RUN_STATE_H
#define CLI_RUN_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/run_memory.h"

/* Creates the memory, with room for `size` bytes in the parts of hooks, and starts its keeper, which ends when no
 * process has the memory any more. This process has it from now on, until an execve. directory: the keeper has a file
 * system, too. NULL: it cannot be had here, and *problem says why, as a clause. */
const struct run_memory *run_state_create(size_t size, bool directory, const char **problem);

#endif
