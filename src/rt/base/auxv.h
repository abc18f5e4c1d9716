/*
 * The auxiliary vector, on the stack that the kernel has made for the program.
 */
#ifndef RT_BASE_AUXV_H
#define RT_BASE_AUXV_H

#include <stdint.h>

/* The entry of a type (its value is the second word), or NULL. stack: as the program starts with it. ctx: any */
uint64_t *rt_auxv_find(const uint64_t *stack, uint64_t type);

#endif
