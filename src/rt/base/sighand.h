/*
 * What the threads that share signal handlers share: those of a thread group, and of CLONE_SIGHAND.
 */
#ifndef RT_BASE_SIGHAND_H
#define RT_BASE_SIGHAND_H

#include <stdbool.h>

#include "abi/bundle.h"
#include "abi/syscall.h"
#include "rt/base/signals.h"

struct rt_thread;

struct rt_sighand {
	struct rt_sigaction actions[RT_SIGNALS + 1]; /* as the program set them */
	/* The last handler of a signal that has none now: a thread may still be on its way into the runtime for it. */
	struct rt_sigaction handled[RT_SIGNALS + 1];
	uint32_t action_lock;
	uint32_t exec_lock;
	uint64_t known; /* signals whose action is in `actions` */
	int32_t helper;  /* the helper of an execve under way: nobody's child */
	uint32_t threads; /* threads that use this */
	/* A SIGSYS for the process, as in struct rt_thread. */
	uint32_t sigsys_pending;
	siginfo_t sigsys_info;
	bool sigsys_sent; /* one was: the kernel blocks SIGSYS for its handler, too */
	uint8_t seccomp;
	int32_t ptracer; /* PR_SET_PTRACER: who else may trace the process; 0: nobody, -1: anybody */
	uint8_t traceme; /* a vfork child asked to be traced: from its execve on */
	const struct bundle *next; /* for the next execve, when `k23 run` runs in here; else NULL */
};

/* A thread stops using its struct rt_sighand; not twice. Returns how many still do. ctx: entry | helper */
uint32_t rt_sighand_leave(struct rt_thread *thread);

#endif
