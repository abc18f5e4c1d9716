/* Output for programs without a C library. */
#ifndef TINY_H
#define TINY_H

#include <asm/unistd.h>

static inline long tiny_call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

/* "name value\n" in hex, as one write. */
static inline void tiny_show(const char *name, unsigned long value)
{
	char line[80];
	int n = 0, shift;

	while (name[n] && n < 50) {
		line[n] = name[n];
		n++;
	}
	line[n++] = ' ';
	for (shift = 60; shift > 0 && !(value >> shift); shift -= 4)
		;
	for (; shift >= 0; shift -= 4)
		line[n++] = "0123456789abcdef"[value >> shift & 15];
	line[n++] = '\n';
	tiny_call(__NR_write, 1, (long)line, n);
}

#endif
