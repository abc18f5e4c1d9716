/*
 * The runtime's data of each thread of the program, struct rt_thread, and the region that holds it. The runtime runs
 * only on stacks inside regions, which are aligned to their size, so it finds the struct from the stack pointer.
 *
 *	region: | guard page | runtime stack | signal stack | hooks' thread state | struct rt_thread |
 *
 * A thread has at most one call of the program in flight, because a signal handler of the program never runs during a
 * call (entry/signal.c). So nothing here needs to nest.
 */
#ifndef RT_BASE_THREAD_H
#define RT_BASE_THREAD_H

#include <linux/futex.h>

#include "rt/base/image.h"
#include "rt/base/sighand.h"
#include "rt/base/signals.h"
#include "rt/x86_64/arch.h"

/* Has room for the frames that can lie on top of each other, of 11 KiB each where a thread uses AMX: the guard's, one
 * for a SIGSYS and one for another signal that come while its handler works, and one for a fault. */
#define RT_SIGNAL_STACK_SIZE (56ul << 10)
#define RT_HOOK_STATE_SIZE 4096ul

/* Which code runs, for the message when it crashes: rt_runs_hook() of a hook's index, or one of these. */
enum rt_runs {
	/* During a call: the first hook that wants the call, or what this hook has called. The fast path enters that
	 * hook without writing a value here. Outside of calls: no code of k23. */
	RT_RUNS_FIRST = 0,
	RT_RUNS_RUNTIME = 0xffffffff,
};

/* ctx: any */
static inline uint32_t rt_runs_hook(uint32_t index)
{
	return index + 1;
}

/* A deferred signal, with the action that it had when it came. */
struct rt_noted {
	uint32_t sig; /* 0: it has been delivered, and its place is free */
	struct rt_sigaction action;
	siginfo_t info;
};

/* How many signals can be deferred at once: one, upon which all but faults are blocked; each of the five faults, upon
 * which the same fault is blocked; and SIGSYS. */
#define RT_NOTED 7

/* The program's own use of Syscall User Dispatch. */
struct rt_dispatch_request {
	uint64_t start, size, selector;
	uint32_t on;
};

struct rt_filters;
struct rt_thread;

/* What of the vector and x87 state functions keep (world/state.h). */
struct rt_control {
	uint32_t mxcsr;
	uint16_t x87;
};

/* A thread of a hosted hook's C library, which stands for a thread of the program: see rt/world/world.h. */
struct rt_world {
	struct core_regs regs;   /* at its system call */
	struct core_regs parked; /* where it goes on when it is to end */
	uint64_t sp;             /* the next function of the hook begins below */
	uint64_t base;           /* the same while no function of the hook is being called */
	uint64_t host_sp;        /* on the runtime's stack, while it runs */
	uint64_t fs, outer_fs;   /* bases of %fs: its own, and while it runs that of the program, or of `outer` */
	struct rt_world *outer;  /* while it runs: what runs on when it does no more */
	uint64_t stack;          /* its own, which begins with a guard page */
	uint64_t mapped_stack;   /* that it has mapped last, for a thread */
	uint32_t *own_tid[2];    /* where its thread id goes */
	uint32_t *clear_tid;     /* what is 0 when it has ended */
	struct rt_world *made;   /* a thread that it is about to make */
	/* Makes a process, instead of a fork() that it is about to make; and the result. */
	long (*make)(struct rt_thread *thread, void *argument);
	void *argument;
	long result;
	uint32_t index;          /* which world it is of */
	bool ending, ended;
	bool inside; /* it runs */
	bool held;   /* SIGSYS was blocked (signal/sigsys.h), and is again when it runs no more */
};

/* Locks in run state that the thread holds, or waits for: hook/run_lock.c. */
struct rt_owner_held {
	uint32_t index, turn; /* of the owner */
	uint32_t depth;	      /* how many locks it has; 0: there is no owner */
};

struct rt_held {
	struct rt_owner_held owners[BUNDLE_MAX_MEMORIES];
	uint32_t count;	  /* of owners that the thread has */
	uint64_t list;	  /* the program's robust list, and the first node in it */
	uint64_t first;
	int64_t distance; /* from a node of the list to its word */
	bool own;	  /* the kernel has this instead */
	struct robust_list_head own_list;
};

#define RT_NO_NR UINT64_MAX /* as the kernel has it after an rt_sigreturn */

struct rt_thread {
	struct core_regs regs; /* the program's, at the call in flight, or after an rt_sigreturn */
	/* How many signals are deferred. Written by the handler of the thread's signals, read by the gate. */
	uint32_t signals;
	uint32_t in_call;     /* a call of the program is in flight */
	uint64_t orig_nr;     /* the number of the call, after its result has replaced it in `regs`; or RT_NO_NR */
	uint64_t saved_mask;  /* the program's signal mask, while signals are deferred */

	struct k23_call call;
	uint32_t runs; /* enum rt_runs */
	const char *callback; /* what a hook is told, with signals blocked; NULL: nothing */
	uint64_t lent;        /* signals of faults that the program blocks, but not while a hook is told something */
	int32_t pid, tid;
	uint64_t stack_top; /* of the runtime stack */
	uint32_t gs_mark; /* RT_GS_MARKED: the thread may use the fast path (x86_64/base/gs.h) */
	uint64_t fast_return; /* where the program goes on after a call by the entries `direct` and `number` */
	uint64_t fast_nr;     /* the number of that call */
	struct rt_filters *filters; /* of the program, those that judge by the address of a call: base/filters.h */
	uint64_t missed;      /* after a call that is made again, because the guard's SIGSYS waits: the last one */

	uint64_t blocked; /* what the program blocks; of SIGSYS see `sigsys_blocked` */
	uint64_t kept_mask; /* the program's mask while `keeps_mask`: see base/mask.h */
	uint32_t keeps_mask;
	/* The kernel has made the call in flight, and the program is about to get signals again. An execve, whose new
	 * image is starting, is no call in flight any more, and has no result. */
	uint32_t made;
	int64_t made_result;
	/* The mask of a call that waits with a mask of its own, for the handler that ends the wait. */
	uint64_t temporary_mask;
	bool temporary;
	bool early;          /* the first of `noted` has come in the handler of SIGSYS: see entry/signal.c */
	bool sigsys_blocked; /* the program's view */
	bool sigsys_held;    /* really blocked, until the call in flight ends: see signal/sigsys.h */
	bool sigsys_awaited; /* in the set of the sigtimedwait in flight */
	bool sigsys_queued;  /* one that was kept is in the kernel's queue of the thread's signals */
	bool sigsys_queued_own; /* and that one is for the thread, not for its process */
	bool sigsys_due;     /* the thread that made `sigsys_pending` is sending it, too */
	bool leads;          /* `sighand` lies in this thread's region */
	bool children_elsewhere; /* its children are in another PID namespace than the thread */
	bool strict;         /* in seccomp's strict mode: only read, write, exit and sigreturn are left */
	bool alone;          /* made without CLONE_THREAD, and has made no thread */
	bool vforked;        /* a vfork child: its parent frees the region */
	bool tsc_faults;     /* rdtsc raises SIGSEGV, by PR_SET_TSC: hooks run without that */
	bool stepping;       /* single-steps over a call that is made where it stands: special/uprobe.c */
	bool counted;        /* `sighand->threads` counts this thread */
	bool exits;          /* is in a call that ends the thread, unless a seccomp filter is against it */

	uint64_t strict_cycles;      /* when strict mode began, which forbids rdtsc: time stands still for hooks */
	struct rt_sigstack sigstack; /* as the program set it */
	uint64_t fault[3];           /* err, trapno, cr2 of the program's last fault, which every signal frame shows */
	uint32_t dumpable_claim;     /* see dumpable.h */
	uint32_t mapped; /* 1 + the descriptor of a file that the call has mapped executable; 0: none */
	uint32_t dies_of;            /* a signal that the thread has queued to itself, with the default action */
	struct rt_dispatch_request dispatch;
	struct rt_sighand *sighand;
	struct rt_region_slot *slot;
	struct k23_syscall_info described;

	struct rt_held held;

	/* For a tracer (tracer/watch.h). */
	bool tracing;        /* in the middle of what is done with tracees: SIGCHLD has to wait */
	bool passed_by;      /* the call in flight was interrupted by a SIGCHLD of which the program is not to know */
	bool child_kept;     /* `child_info` is a SIGCHLD about which has still to be decided */
	bool child_due;      /* the thread has sent itself `child_decided`, which the program is to get */
	siginfo_t child_info, child_decided;

	/* While the thread changes the action of a signal: the signal, and its action before. */
	uint32_t changing;
	struct rt_sigaction changed;

	struct rt_noted noted[RT_NOTED]; /* deferred signals, of which the first has come first */
	uint64_t queued; /* signals that threads of the process have ever queued to this one, by rt_tgsigqueueinfo */

	/* A SIGSYS for the thread, kept by signal/sigsys.c: the process's id if there is one. */
	uint32_t sigsys_pending;
	siginfo_t sigsys_info;
	siginfo_t sigsys_queued_info; /* what the thread has queued to itself, if sigsys_queued */

	/* Of hosted hooks: */
	bool own;               /* this is no thread of the program, but one of a hook's own: special/own_thread.h */
	struct rt_world *world; /* that runs; NULL: none does */
	struct rt_world worlds[BUNDLE_MAX_WORLDS]; /* that stand for the thread */
	struct rt_state *program_state; /* the program's (world/state.h), while one is entered */
	bool state_loaded;      /* it was loaded for a call */
	struct rt_control control_left; /* by that */
	/* Without FSGSBASE, in a call that one forwards: the base of %fs that it has left; 0: it is the program's. */
	uint64_t fs_left;
	uint64_t program_fs; /* if fs_left is set */
	bool shares_memory;  /* made without CLONE_THREAD, but with CLONE_VM */
	bool ends_threads;   /* by exit_group, and others wait until it has: world/kill.h */

	struct rt_sighand own_sighand;
};

/* The size of what follows the stacks in a region. */
#define RT_REGION_TAIL ((sizeof(struct rt_thread) + RT_HOOK_STATE_SIZE + 63) & ~63ul)

/* 1 + the index of the hook that runs, if the thread knows; otherwise another number. ctx: any */
static inline uint32_t rt_runs_now(const struct rt_thread *thread)
{
	return thread->runs || !thread->in_call ? thread->runs : thread->call.next;
}

/* ctx: any */
static inline struct rt_thread *rt_region_thread(uintptr_t address)
{
	return (struct rt_thread *)((address & ~(RT_REGION_SIZE - 1)) + RT_REGION_SIZE) - 1;
}

/* The calling thread, which is on a stack of its region. ctx: any */
static inline struct rt_thread *rt_self(void)
{
	return rt_region_thread((uintptr_t)__builtin_frame_address(0));
}

/* Whether a seccomp filter trapped the last call (SECCOMP_RET_TRAP), which leaves the number as its result.
 * ctx: entry */
static inline bool rt_trapped(const struct rt_thread *thread)
{
	for (uint32_t i = 0; i < thread->signals; i++)
		if (thread->noted[i].sig == SIGSYS && rt_sigsys_is(&thread->noted[i].info, SYS_SECCOMP))
			return true;
	return false;
}

/* Whether the program blocks SIGSYS, by the mask of the call in flight if that has one. ctx: any */
static inline bool rt_sigsys_blocked(const struct rt_thread *thread)
{
	return thread->temporary ? thread->temporary_mask & SIGBIT(SIGSYS) : thread->sigsys_blocked;
}

/* Sets up the regions in the bundle, in a new image. ctx: boot */
long rt_threads_start(void) must_check;
/* Makes a page of a stack inaccessible. ctx: boot | entry */
long rt_guard_page(uintptr_t page) must_check;
/* Takes a region. Returns its zeroed struct rt_thread, or NULL when memory is short. ctx: boot | entry; no locks */
struct rt_thread *rt_thread_new(void);
/* Frees a region. ctx: entry | helper */
void rt_thread_free(struct rt_thread *thread);
/* Takes a region whose owner was killed, as it was left: the caller ends the threads of hosted hooks that are there,
 * and frees it. NULL: there is none. ctx: entry; no locks */
struct rt_thread *rt_thread_left(void);
/* In the child of a fork: frees all regions but that of its only thread. ctx: entry */
void rt_threads_forked(struct rt_thread *self);
/* Whether any byte of a range belongs to regions or to what describes them. ctx: entry; no locks */
bool rt_threads_own(uintptr_t start, uintptr_t end);
/* Whether a signal has been noted for the end of the thread's call (signal/deliver.h). ctx: entry | sigsys */
bool rt_thread_has_noted(const struct rt_thread *thread, int sig);
/* A thread that matches, or NULL. The thread may end at any moment, and its region become another's.
 * ctx: any; no locks */
struct rt_thread *rt_thread_find(bool (*matches)(const struct rt_thread *thread, const void *key), const void *key);
/* The calling thread is about to free its region by rt_thread_end. Of memory that waits for the next threads, some may
 * be given back. ctx: entry | helper; no locks */
void rt_thread_leaves(void);
/* The word that rt_thread_end writes to, to free the region. ctx: any */
uint32_t *rt_thread_slot_state(struct rt_thread *thread);

#endif
