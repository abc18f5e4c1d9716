/*
 * Names and arguments of the system calls. ctx: any
 */
#ifndef CORE_DESCRIBE_H
#define CORE_DESCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include <k23/types.h>

/* Fills in *info for a number of `arch` (K23_ARCH_*). When no call has this number: false, and *info is as it was. */
bool core_describe(uint32_t arch, long nr, struct k23_syscall_info *info);

/* The number of the call of a name, or -1 when `arch` has no such call. */
long core_syscall_number(uint32_t arch, const char *name);

#endif
