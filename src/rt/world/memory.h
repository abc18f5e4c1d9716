/*
 * Where the world's memory lies.
 */
#ifndef RT_WORLD_MEMORY_H
#define RT_WORLD_MEMORY_H

#include "core/regs.h"

/* The world's mmap and mremap. Where the world leaves the address to the kernel, the memory lies far from all that the
 * kernel maps: there is no hole that the program has made, in order to map something there later. ctx: boot | entry */
long rt_world_mmap(const struct core_regs *regs);
long rt_world_mremap(const struct core_regs *regs);

#endif
