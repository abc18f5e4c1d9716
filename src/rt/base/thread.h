/*
 * A struct rt_thread for each thread of the program, found from the stack pointer: the runtime runs on stacks inside a
 * region that is aligned to its size.
 *
 *	region: | guard page | runtime stack | signal stack | hooks' thread state | struct rt_thread |
 *
 * A thread has at most one call of the program in flight: a signal handler of the program never runs while one
 * is (entry/signal.c), so nothing here needs to nest.
 */
#ifndef RT_BASE_THREAD_H
#define RT_BASE_THREAD_H

#include "rt/base/image.h"
#include "rt/base/sighand.h"
#include "rt/base/signals.h"
#include "rt/x86_64/arch.h"

/* Has room for some fifty frames of a burst of SIGSYS, until the first handler can block it: see rt_action_defer_sigsys. */
#define RT_SIGNAL_STACK_SIZE (176ul << 10)
#define RT_HOOK_STATE_SIZE 4096ul

/* Which code runs, for the message when it crashes: a hook, by rt_runs_hook() of its index, or one of these. */
enum rt_runs {
	/* The fast path goes to the first hook that wants the call without a note of it: that hook, or what it has called.
	 * Outside of calls, nothing of k23 that may crash. */
	RT_RUNS_FIRST = 0,
	RT_RUNS_RUNTIME = 0xffffffff,
};

/* ctx: any */
static inline uint32_t rt_runs_hook(uint32_t index)
{
	return index + 1;
}

/* A signal that was taken from the kernel for the program, with the action that it had then. */
struct rt_noted {
	uint32_t sig;
	uint64_t suspect_ip; /* the signal may be a fault of the runtime's or a hook's, here: then it comes again; 0: it is none */
	struct rt_sigaction action;
	siginfo_t info;
};

/* One, behind which all but faults are blocked; those, of which each is blocked behind itself; and SIGSYS. */
#define RT_NOTED 7

/* The program's own use of Syscall User Dispatch. */
struct rt_dispatch_request {
	uint64_t start, size, selector;
	uint32_t on;
};

struct rt_thread {
	struct core_regs regs; /* the program's, at the call in flight */
	/* How many signals are to be delivered when the call in flight ends. Written by the thread's own signal entry, read by
	 * the gate. */
	uint32_t signals;
	uint32_t in_call;     /* a call of the program is in flight */
	uint64_t orig_nr;     /* the call's number, when its result has taken that's place in `regs` */
	uint64_t saved_mask;  /* the signal mask to go back to with `signals` */

	struct k23_call call;
	uint32_t runs; /* enum rt_runs */
	int32_t pid, tid;
	uint64_t stack_top; /* of the runtime's stack */
	uint64_t fast_return; /* where the call that the fast path makes without the dispatcher goes on */
	uint64_t fast_nr;     /* its number */

	/* A call that sets the signal mask while it waits: the mask, for the handler that ends it. */
	uint64_t temporary_mask;
	bool temporary;
	bool sigsys_blocked; /* the program's view */
	bool sigsys_held;    /* really blocked, until the call in flight ends: see signal/sigsys.h */
	bool sigsys_awaited; /* in the set of the sigtimedwait in flight */
	bool leads;          /* `sighand` lies in this thread's region */
	bool children_elsewhere; /* in another PID namespace than itself */
	bool strict;         /* in seccomp's strict mode: only read, write, exit and sigreturn are left */
	bool alone;          /* made without CLONE_THREAD, and has made no thread */
	bool vforked;        /* a vfork child: its parent frees the region */
	bool counted;        /* among the threads that use `sighand` */

	struct rt_sigstack sigstack; /* as the program set it */
	uint64_t fault[3];           /* err, trapno, cr2 of its last fault, which every signal frame shows */
	uint32_t dumpable_claim;     /* see dumpable.h */
	struct rt_dispatch_request dispatch;
	struct rt_sighand *sighand;
	struct rt_region_slot *slot;
	struct k23_syscall_info described;

	/* While the action of a signal changes: which one, and what it was. */
	uint32_t changing;
	struct rt_sigaction changed;

	struct rt_noted noted[RT_NOTED]; /* in the order in which they came */

	/* A SIGSYS for the thread that the program blocks, kept by signal/sigsys.c: the process's id if there is one. */
	uint32_t sigsys_pending;
	siginfo_t sigsys_info;

	struct rt_sighand own_sighand;
};

/* What lies in a region behind its stacks. */
#define RT_REGION_TAIL ((sizeof(struct rt_thread) + RT_HOOK_STATE_SIZE + 63) & ~63ul)

/* ctx: any */
static inline struct rt_thread *rt_region_thread(uintptr_t address)
{
	return (struct rt_thread *)((address & ~(RT_REGION_SIZE - 1)) + RT_REGION_SIZE) - 1;
}

/* The calling thread, on a stack of its region. ctx: any */
static inline struct rt_thread *rt_self(void)
{
	return rt_region_thread((uintptr_t)__builtin_frame_address(0));
}

/* A seccomp filter took the last call: its result is its number. ctx: entry */
static inline bool rt_trapped(const struct rt_thread *thread)
{
	for (uint32_t i = 0; i < thread->signals; i++)
		if (thread->noted[i].sig == SIGSYS && thread->noted[i].info.si_code == SYS_SECCOMP)
			return true;
	return false;
}

/* Those in the bundle, in a new image. ctx: boot */
long rt_threads_start(void) must_check;
/* A zeroed struct rt_thread in a region of its own, or NULL when memory is short. ctx: boot | entry; no locks */
struct rt_thread *rt_thread_new(void);
/* ctx: entry | helper */
void rt_thread_free(struct rt_thread *thread);
/* In the child of fork, which has one thread. ctx: entry */
void rt_threads_forked(struct rt_thread *self);
/* Whether any byte of a range is in a region. ctx: entry; no locks */
bool rt_threads_own(uintptr_t start, uintptr_t end);
/* A thread that is of interest to `self`, or NULL. It may end at any moment, and its region be another's. ctx: any; no locks */
struct rt_thread *rt_thread_find(const struct rt_thread *self,
				 bool (*matches)(const struct rt_thread *self, const struct rt_thread *thread));
/* For rt_thread_end. ctx: any */
uint32_t *rt_thread_slot_state(struct rt_thread *thread);

#endif
