/* A library that makes calls before, between and after everything else. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int early_calls;
int early_calls;

static long call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

static void line(const char *text)
{
	call(SYS_write, 1, (long)text, (long)strlen(text));
}

__attribute__((constructor)) static void loaded(void)
{
	line("constructor\n");
	early_calls += call(SYS_getppid, 0, 0, 0) == getppid();
	early_calls += call(500, 0, 0, 0) == -38;
}

__attribute__((destructor)) static void unloaded(void)
{
	line("destructor\n");
	call(500, 0, 0, 0);
}

/* Chosen while the library is relocated: the resolver makes a call, too. */
static int answer(void)
{
	return 42;
}

__attribute__((used)) static int (*resolve(void))(void)
{
	line("resolver\n");
	return answer;
}

int early_answer(void) __attribute__((ifunc("resolve")));
