/*
 * The vDSO answers some calls without the kernel. A hook that wants one of them gets to see it: its function in
 * this process's copy of the vDSO is replaced by a system call. The others keep theirs.
 */
#ifndef RT_TEXT_VDSO_H
#define RT_TEXT_VDSO_H

#include <stdint.h>

/* Before the program runs. stack: as the program starts with it. ctx: boot */
void rt_vdso_patch(const uint64_t *stack);

#endif
