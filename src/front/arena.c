/*
 * The memory of the front. The front lasts for less than a millisecond: what it allocates is zeros from the beginning,
 * and is given back when it becomes another program. A malloc() that expects more makes twenty system calls here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 16u

struct piece {
	_Alignas(ALIGNMENT) size_t size; /* of what follows */
};

static _Alignas(ALIGNMENT) char room[256u << 10];
static size_t used;

void *malloc(size_t size)
{
	size_t all = (size + sizeof(struct piece) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct piece *piece = (struct piece *)(room + used);

	if (all < size)
		return NULL;
	if (all > sizeof(room) - used) { /* as for a large store */
		piece = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (piece == MAP_FAILED)
			return NULL;
	} else {
		used += all;
	}
	piece->size = size;
	return piece + 1;
}

void *calloc(size_t count, size_t size)
{
	return size && count > SIZE_MAX / size ? NULL : malloc(count * size);
}

void *realloc(void *old, size_t size)
{
	void *piece = malloc(size);

	if (old && piece)
		memcpy(piece, old, ((struct piece *)old)[-1].size < size ? ((struct piece *)old)[-1].size : size);
	return piece;
}

void free(void *piece)
{
	(void)piece;
}
