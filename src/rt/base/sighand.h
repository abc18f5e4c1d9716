/*
 * What threads with the same signal handlers share: the threads of a process, and processes made with CLONE_SIGHAND.
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
	/* The last handler of a signal that has none now: the kernel may have taken the signal before the change. */
	struct rt_sigaction handled[RT_SIGNALS + 1];
	uint64_t action_lock;
	uint64_t exec_lock;
	uint64_t known; /* signals whose action is in `actions` */
	int32_t helper;  /* the helper of an execve under way, which waits must not show as a child */
	uint32_t threads; /* how many threads share this */
	/* A SIGSYS for the process, as in struct rt_thread. */
	uint32_t sigsys_pending;
	siginfo_t sigsys_info;
	uint8_t seccomp;
	int32_t ptracer; /* PR_SET_PTRACER as the program set it: 0: no process, -1: any process */
	uint8_t traceme; /* a vfork child called PTRACE_TRACEME: it is traced from its execve on */
	const struct bundle *next; /* for the next execve (NESTED_CARRY of abi/nested.h); NULL: the process's own */
};

/* Takes a thread out of `threads`; does nothing if it is out already. Returns how many are left. ctx: entry | helper */
uint32_t rt_sighand_leave(struct rt_thread *thread);

#endif
