/*
 * For programs that are writers as the hooks are, and that say what they find wrong: what the SDK and the command's
 * files need.
 */
#ifndef WRITER_H
#define WRITER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The SDK brings these for code without libc. Here the sanitizers should see what is copied. */
#define memcpy hook_memcpy
#define memmove hook_memmove
#define memset hook_memset
#define memcmp hook_memcmp
#include <k23/hook.h>
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#include "cli/cli.h"

static _Thread_local int this_tid, this_pid;
static int failures;

#define FAIL(...) (failures++ < 10 ? (void)fprintf(stderr, __VA_ARGS__) : (void)0)

void die(int status, const char *format, ...)
{
	fprintf(stderr, "%s\n", format);
	exit(status);
}

static long fake_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			 unsigned long a5, unsigned long a6)
{
	long r = syscall(nr, a1, a2, a3, a4, a5, a6);

	return r < 0 ? -errno : r;
}

static int fake_pid(void)
{
	return this_pid;
}

static int fake_tid(void)
{
	return this_tid;
}

static const struct k23_api fake = { .syscall = fake_syscall, .pid = fake_pid, .tid = fake_tid };

/* Seconds. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The bytes of a writer's records. */
static unsigned char byte_of(uint32_t writer, uint32_t number, uint32_t at)
{
	return (unsigned char)(writer * 31 + number * 7 + at * 13);
}

#endif
