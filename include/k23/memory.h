/*
 * k23/memory.h - memcpy and the like, as in <string.h>, for code without a C library; hosted hooks have their own.
 * Compilers emit calls to these functions on their own, even with -ffreestanding.
 *
 * Each file that includes this header defines them, and the linker keeps one copy. They use no vector register, and are
 * made of what no compiler turns into a call of the function itself: string instructions, which take a while to begin,
 * and for a few bytes moves that are written out.
 */
#ifndef K23_MEMORY_H
#define K23_MEMORY_H

#if __STDC_HOSTED__
#include <string.h>
#else

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
/* As <string.h> says, which may be included before, or after. */
#define K23_MEMORY __attribute__((weak))
#define K23_NOEXCEPT noexcept(true)
extern "C" {
#else
#define K23_MEMORY __attribute__((visibility("hidden"), weak))
#define K23_NOEXCEPT
#endif

K23_MEMORY void *memcpy(void *to, const void *from, size_t size) K23_NOEXCEPT;
K23_MEMORY void *memmove(void *to, const void *from, size_t size) K23_NOEXCEPT;
K23_MEMORY void *memset(void *to, int byte, size_t size) K23_NOEXCEPT;
K23_MEMORY int memcmp(const void *a, const void *b, size_t size) K23_NOEXCEPT;

/* Copies an object of a type from and to the first and the last bytes, which may be the same. */
#define K23_MOVE_ENDS(type)                                                                                  \
	do {                                                                                                 \
		typedef type __attribute__((may_alias, aligned(1))) word_;                                   \
		const word_ *last_ = (const word_ *)((const char *)from + size - sizeof(word_));             \
		word_ a_ = *(const word_ *)from, b_ = *last_;                                                \
		*(word_ *)to = a_;                                                                           \
		*(word_ *)((char *)to + size - sizeof(word_)) = b_;                                          \
	} while (0)

void *memcpy(void *to, const void *from, size_t size) K23_NOEXCEPT
{
	void *start = to;

	if (size <= 16) {
		if (size >= sizeof(uint64_t))
			K23_MOVE_ENDS(uint64_t);
		else if (size >= sizeof(uint32_t))
			K23_MOVE_ENDS(uint32_t);
		else if (size >= sizeof(uint16_t))
			K23_MOVE_ENDS(uint16_t);
		else if (size)
			*(char *)to = *(const char *)from;
		return start;
	}
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t size) K23_NOEXCEPT
{
	volatile char *t = (volatile char *)to;
	const char *f = (const char *)from;

	if ((uintptr_t)t - (uintptr_t)f >= size)
		return memcpy(to, from, size);
	while (size--)
		t[size] = f[size];
	return to;
}

void *memset(void *to, int byte, size_t size) K23_NOEXCEPT
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t size) K23_NOEXCEPT
{
	const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif
#endif
