/*
 * Names and arguments of the system calls.
 */
#ifndef CORE_DESCRIBE_H
#define CORE_DESCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include <k23/types.h>

/* Fills *info for a number of arch (K23_ARCH_*). False, and *info untouched, when no call has it. */
bool core_describe(uint32_t arch, long nr, struct k23_syscall_info *info);

/* The number of a call, or -1 when arch has none of that name. */
long core_syscall_number(uint32_t arch, const char *name);

#endif
