/*
 * The kernel's structures of signals, and sets of signals.
 */
#ifndef RT_BASE_SIGNALS_H
#define RT_BASE_SIGNALS_H

#include <asm/sigcontext.h>
#include <linux/signal.h>
#include <asm/ucontext.h>
#include <stdint.h>

#include "abi/kernel.h"

#define RT_SIGNALS 64

#define SIGBIT(sig) (1ul << ((sig) - 1))

/* The signals that a fault raises. If they were blocked, a fault of the runtime or of a hook would kill without a
 * message. */
#define RT_FAULTS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGTRAP))
/* Those of memory that is not there. */
#define RT_MEMORY_FAULTS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS))
/* What is blocked while the runtime works. SIGSYS is not, because the guard needs it. */
#define RT_ALL_BLOCKED (~(RT_FAULTS | SIGBIT(SIGSYS)))

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
