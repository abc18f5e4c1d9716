/*
 * Code of the runtime that `k23 run` replaces on some machines: what takes its place is in arrays of the runtime, one
 * for each reason (rt/x86_64/alternative.h), from the symbol rt_NAME to rt_NAME_end.
 */
#ifndef ABI_ALTERNATIVE_H
#define ABI_ALTERNATIVE_H

#define ALTERNATIVE_SIZE 32

#ifndef __ASSEMBLER__

#include <stdint.h>

/* A few instructions, and where they go. */
struct alternative {
	int32_t distance; /* from this struct to the code that is replaced */
	uint8_t size;
	uint8_t code[ALTERNATIVE_SIZE - 5];
};

_Static_assert(sizeof(struct alternative) == ALTERNATIVE_SIZE, "written by a macro, too");

#endif

#endif
