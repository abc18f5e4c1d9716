/*
 * The run memories of this image (abi/run_memory.h).
 */
#ifndef RT_BASE_RUN_MEMORY_H
#define RT_BASE_RUN_MEMORY_H

#include "abi/gaps.h"
#include "rt/base/image.h"

/* Notes where they are. memory: of struct start_block. ctx: boot */
void rt_run_memories_find(uint64_t memory);
/* Whether any of a range is theirs. ctx: entry */
bool rt_run_memories_own(uint64_t start, uint64_t end);
/* Counts a gap (core/gaps.h), in all of them. ctx: any */
void rt_run_memories_gap(enum gap gap, int64_t count, const char *path);
/* The same, for the program that this process runs. ctx: entry */
void rt_run_memories_gap_here(enum gap gap, int64_t count);
/* The files that have been looked through (rt/text/vsyscall.h), as the first of the memories knows them. key: tells the
 * file; 0: nobody knows which it is. ctx: boot | entry
 *
 * Whether files are to be looked through. */
bool rt_run_memories_want_files(void);
/* Whether the file has been. */
bool rt_run_memories_has_file(uint64_t key);
/* It has been. Returns false if another process was first. */
bool rt_run_memories_add_file(uint64_t key);
/* k23_run_memory(). ctx: boot | entry */
long rt_run_memory_get(uint64_t cookie, void **address, size_t *size);
/* Run state (abi/run_state.h). ctx: boot | entry | sigsys
 *
 * What a run memory shares. */
void *rt_run_memory_contents(uint32_t index);
/* The part of a hook, or NULL. */
void *rt_run_memory_state(uint32_t index);
/* The process whose working directory is the run's file system for a hook, or 0. */
int rt_run_memory_directory(uint32_t index);
/* The index of the run memory that has an address in the part of a hook, or -errno. */
long rt_run_memory_with(const void *address);
/* Says so if this image has not got it. ctx: boot */
void rt_run_memory_explain(void);

#endif
