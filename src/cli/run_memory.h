/*
 * Run memory (abi/run_memory.h): creating it, and its keeper, a thread of this process.
 */
#ifndef CLI_RUN_MEMORY_H
#define CLI_RUN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "abi/run_memory.h"

/* How large run memory with room for `size` bytes is. */
size_t run_memory_size(size_t size);

/* Creates run memory with room for `size` bytes, zeroed, and starts its keeper. Once in a process. file: -1, or an open
 * file of zeros that is as large as the memory, and is to be it. NULL: it cannot be had here, and *problem says why, as
 * a clause. */
struct run_memory *run_memory_create(size_t size, int file, const char **problem);

/* A problem. */
#define RUN_MEMORY_NO_DESCRIPTOR "there is no descriptor left"

/* A file in memory for run_memory_keep(), as large as a run memory with room for `size` bytes; -1: there is none, and
 * *problem says why. */
int run_memory_file(size_t size, const char **problem);
/* The same as run_memory_create, in such a file. reopen: each process gets a descriptor with a lock (flock) of its own,
 * for which /proc has to be mounted. */
struct run_memory *run_memory_keep(size_t size, int file, bool reopen, const char **problem);
/* A descriptor of the file for another process, which has such a lock; or -1. */
int run_memory_reopen(int file);

static inline void *run_memory_contents(struct run_memory *memory)
{
	return (char *)memory + RUN_MEMORY_CONTENTS;
}

/* Whether other processes have it. If not, none will, and it is this process's own from now on. */
bool run_memory_is_shared(struct run_memory *memory);

/* From now on the kernel marks a word of this thread's id, in memory that is shared, when this thread ends, in whatever
 * way it ends. Once in a thread. Returns whether the kernel can. */
bool run_memory_announce(uint32_t *word);

#endif
