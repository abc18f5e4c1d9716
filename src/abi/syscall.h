/*
 * The system calls that k23's freestanding code makes itself, and the convention for errors: a long in [-4095, -1].
 *
 * raw_syscall has two definitions. The runtime's is in the gate, and the command line tool's is an ordinary system
 * call.
 *
 * ctx: any, for all here.
 */
#ifndef ABI_SYSCALL_H
#define ABI_SYSCALL_H

#include <asm/unistd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

long raw_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
		 unsigned long a5, unsigned long a6);

#define SYS_ARGUMENT(x) ((unsigned long)(x))
#define SYS_N(nr, a, b, c, d, e, f, ...)                                                                     \
	raw_syscall(nr, SYS_ARGUMENT(a), SYS_ARGUMENT(b), SYS_ARGUMENT(c), SYS_ARGUMENT(d), SYS_ARGUMENT(e), \
		    SYS_ARGUMENT(f))
/* sys(futex, &word, FUTEX_WAKE, 1): missing arguments are 0. */
#define sys(name, ...) SYS_N(__NR_##name __VA_OPT__(, ) __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

static inline bool failed(long result)
{
	return (unsigned long)result > -4096ul;
}

#define must_check __attribute__((warn_unused_result))

#endif
