/*
 * Programs and libraries that may call into the vsyscall page (core/vsyscall.h) are counted as gaps (abi/gaps.h). A
 * file is looked through once in a run.
 */
#ifndef RT_TEXT_VSYSCALL_H
#define RT_TEXT_VSYSCALL_H

#include <stdint.h>

/* Looks through the executable and its ELF interpreter. stack: the stack pointer that the program starts with.
 * ctx: boot */
void rt_vsyscall_start(const uint64_t *stack);
/* Looks through a file that the program has just mapped executable. ctx: entry */
void rt_vsyscall_mapped(int fd);

#endif
