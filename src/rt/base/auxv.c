#include "rt/base/auxv.h"

#include <linux/auxvec.h>
#include <stddef.h>

/* ctx: any */
uint64_t *rt_auxv_find(const uint64_t *stack, uint64_t type)
{
	stack++;
	/* Over argv and envp, each of which ends with a zero. */
	for (int vectors = 2; vectors; vectors--)
		while (*stack++)
			;
	for (; stack[0] != AT_NULL; stack += 2)
		if (stack[0] == type)
			return (uint64_t *)stack;
	return NULL;
}
