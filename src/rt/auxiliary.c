/*
 * The auxiliary vector, on the stack that the kernel has made for the program.
 */
#include <linux/auxvec.h>

#include "rt/rt.h"

/* The entry of a type (its value is the second word), or NULL. stack: as the program starts with it. */
uint64_t *rt_auxiliary(const uint64_t *stack, uint64_t type)
{
	stack++;
	/* argv and envp, each ended by a zero. */
	for (int vectors = 2; vectors; vectors--)
		while (*stack++)
			;
	for (; stack[0] != AT_NULL; stack += 2)
		if (stack[0] == type)
			return (uint64_t *)stack;
	return NULL;
}
