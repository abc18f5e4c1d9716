/*
 * Making the vDSO's calls visible to hooks. The functions of the vDSO answer some calls without the kernel. If a hook
 * wants such a call, the call's function in this process's copy of the vDSO is replaced by a system call. The other
 * functions stay.
 */
#ifndef RT_TEXT_VDSO_H
#define RT_TEXT_VDSO_H

#include <stdint.h>

/* Replaces the functions, before the program runs. stack: the stack pointer that the program starts with. ctx: boot */
void rt_vdso_patch(const uint64_t *stack);

#endif
