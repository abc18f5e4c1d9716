/*
 * The memory functions that compilers call on their own, and the strings that k23's libc-free code needs.
 */
#ifndef CORE_STRING_H
#define CORE_STRING_H

#include <stdbool.h>
#include <stddef.h>

/* The command line tool has them from libc: not hidden. */
#pragma GCC visibility push(default)
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
#pragma GCC visibility pop
size_t core_strlen(const char *s);
bool core_equal(const char *a, const char *b);

#endif
