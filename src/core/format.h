/*
 * snprintf for code that has no libc. ctx: any
 */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* %d %i %u %x %X %o %c %s %p %%; flags - 0 + space #; width and, for %s and integers, precision (* too); lengths
 * hh h l ll z t j. Returns the length of the whole text; writes at most size bytes, a NUL included if size > 0. */
long core_format(char *to, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* The same, with the arguments themselves. */
long core_print(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
