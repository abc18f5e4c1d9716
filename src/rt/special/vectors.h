/*
 * Copies of the vectors of an execve, argv and envp, which the program may have in any form.
 */
#ifndef RT_SPECIAL_VECTORS_H
#define RT_SPECIAL_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "abi/syscall.h"

struct rt_vectors {
	char **argv, **envp; /* with room around them, as a carrier needs (inject/carrier.h) */
	uint64_t memory;
	size_t size;
};

/* Copies the vectors, whose pointers are `width` bytes wide, 4 or 8. Returns 0 or -errno. ctx: entry */
long rt_vectors_copy(struct rt_vectors *vectors, uint64_t argv, uint64_t envp, size_t width) must_check;
void rt_vectors_free(const struct rt_vectors *vectors);

#endif
