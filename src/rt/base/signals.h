/*
 * The kernel's structures of signals, and sets of signals.
 */
#ifndef RT_BASE_SIGNALS_H
#define RT_BASE_SIGNALS_H

#include <asm/sigcontext.h>
#include <linux/signal.h>
#include <asm/ucontext.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/kernel.h"

#define RT_SIGNALS 64

#define SIGBIT(sig) (1ul << ((sig) - 1))

/* The signals that a fault raises. If they were blocked, a fault of the runtime or of a hook would kill without a
 * message. */
#define RT_FAULTS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGTRAP))
/* Those of memory that is not there. */
#define RT_MEMORY_FAULTS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS))
/* What is blocked while the runtime works, and what is not: the guard needs SIGSYS. */
#define RT_NOT_BLOCKED (RT_FAULTS | SIGBIT(SIGSYS))
#define RT_ALL_BLOCKED (~RT_NOT_BLOCKED)

/* Whether a SIGSYS is one that the kernel forces on a thread for a call that it has made, with this si_code:
 * SYS_SECCOMP or SYS_USER_DISPATCH. As an exit signal it has the same numbers, CLD_EXITED and CLD_KILLED, but then
 * there is nothing where the architecture would be. ctx: any */
static inline bool rt_sigsys_is(const siginfo_t *info, int code)
{
	return info->si_code == code && info->si_arch;
}

/* ctx: any */
static inline bool rt_sigsys_is_forced(const siginfo_t *info)
{
	return rt_sigsys_is(info, SYS_SECCOMP) || rt_sigsys_is(info, SYS_USER_DISPATCH);
}

/* The kernel's struct sigaction: what the call rt_sigaction takes. */
struct rt_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* The kernel's stack_t. */
struct rt_sigstack {
	uint64_t base;
	int32_t flags;
	uint32_t pad;
	uint64_t size;
};

#endif
