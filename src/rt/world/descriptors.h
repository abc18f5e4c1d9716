/*
 * Descriptors of hosted hooks: those that the world's C library opens are hidden from the program (base/hidden_fds.h).
 */
#ifndef RT_WORLD_DESCRIPTORS_H
#define RT_WORLD_DESCRIPTORS_H

#include <stdbool.h>

#include "core/regs.h"

/* Makes a system call of the world, which may be one that opens, closes or duplicates. ctx: boot | entry */
long rt_world_make(const struct core_regs *regs);
/* Whether a call gives the program a descriptor, with the lowest number that is free. ctx: boot | entry */
bool rt_world_opens(long nr, long command);

#endif
