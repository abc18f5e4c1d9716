/*
 * k23/memory.h - memcpy and the like, as in <string.h>, for code without a C library. Compilers emit calls to these
 * functions on their own, even with -ffreestanding.
 *
 * Each file that includes this header defines them, and the linker keeps one copy. They are made of string
 * instructions, which use no vector register, and which no compiler turns into a call of the function itself.
 */
#ifndef K23_MEMORY_H
#define K23_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define K23_MEMORY __attribute__((visibility("hidden"), weak))

K23_MEMORY void *memcpy(void *to, const void *from, size_t size);
K23_MEMORY void *memmove(void *to, const void *from, size_t size);
K23_MEMORY void *memset(void *to, int byte, size_t size);
K23_MEMORY int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t size)
{
	volatile char *t = to;
	const char *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= size)
		return memcpy(to, from, size);
	while (size--)
		t[size] = f[size];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

#endif
