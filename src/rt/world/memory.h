/*
 * Where the world's memory lies.
 */
#ifndef RT_WORLD_MEMORY_H
#define RT_WORLD_MEMORY_H

#include <stdbool.h>

#include "core/regs.h"

/* The world's mmap and mremap. Where the world leaves the address to the kernel, the memory lies far from all that the
 * kernel maps: there is no hole that the program has made, in order to map something there later. ctx: boot | entry */
long rt_world_mmap(const struct core_regs *regs);
long rt_world_mremap(const struct core_regs *regs);

/* The world's mprotect, if it gives access to a thread's stack that was mapped without any, but for the guard page at
 * its begin. That page is then like the runtime's own, by which mappings of stacks become one. Returns whether it was
 * that. ctx: boot | entry */
bool rt_world_open_stack(uint64_t stack, const struct core_regs *regs);

#endif
