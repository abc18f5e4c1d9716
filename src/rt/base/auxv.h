/*
 * Finding entries of the auxiliary vector, on the stack that the kernel has made for the program.
 */
#ifndef RT_BASE_AUXV_H
#define RT_BASE_AUXV_H

#include <stdint.h>

/* The entry of a type, whose second word is the value; NULL if there is none. stack: the stack pointer that the program
 * starts with. ctx: any */
uint64_t *rt_auxv_find(const uint64_t *stack, uint64_t type);

#endif
