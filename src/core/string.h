/*
 * Memory functions, which compilers call on their own, and strings, for code that has no libc. ctx: any
 */
#ifndef CORE_STRING_H
#define CORE_STRING_H

#include <stdbool.h>
#include <stddef.h>

/* In the command line tool these are libc's, so they cannot be hidden. */
#pragma GCC visibility push(default)
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
#pragma GCC visibility pop
size_t core_strlen(const char *s);
bool core_equal(const char *a, const char *b);

#endif
