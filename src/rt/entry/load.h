/*
 * Loading a program in its own process, as the kernel would have loaded it: see abi/carrier.h.
 */
#ifndef RT_ENTRY_LOAD_H
#define RT_ENTRY_LOAD_H

#include "abi/bundle.h"

/* stack: as the kernel has made it for the carrier. Writes what a helper would tell the image to `start`, and returns
 * the bundle. The process is killed where the kernel would do so, as after an execve that fails too late. ctx: boot */
struct bundle *rt_load(uint64_t *stack, struct start_block *start);

#endif
