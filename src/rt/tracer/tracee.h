/*
 * The records of this process's tracees, and access to their runtimes and their memory.
 *
 * The table has a fixed size. A tracee for which there is no room is resumed with PTRACE_CONT after each call that its
 * guard caught, cannot call execve, and its system call stops are not shown. Only the thread that traces a tracee uses
 * its record.
 */
#ifndef RT_TRACER_TRACEE_H
#define RT_TRACER_TRACEE_H

#include <linux/ptrace.h>
#include <linux/signal.h>
#include <stdbool.h>

#include "abi/bundle.h"
#include "abi/syscall.h"
#include "core/regs.h"

enum tracee_flags {
	TRACEE_SEIZED = 1,
	TRACEE_MARKED = 2,     /* its runtime was told that its tracer is under k23 */
	TRACEE_CALLS = 4,      /* its runtime makes stops for the program's calls */
	TRACEE_IN_CALL = 8,    /* the entry stop of a call was shown, the exit stop not yet */
	TRACEE_OWN_CALL = 16,  /* it is in a call of its runtime's own */
	TRACEE_SIGRETURN = 32, /* that call is the end of the program's rt_sigreturn */
	TRACEE_EXECS = 64,     /* it calls execve; its ptrace options are the runtime's meanwhile */
	TRACEE_EXEC_STOP = 128, /* it is in a rendezvous, which the tracer's program was shown as the exec stop */
	TRACEE_SHOWN = 256,    /* it is in a stop that the tracer's program was shown */
	TRACEE_HOLDS = 512,    /* `held` is held back until the exit stop of the call is shown */
	TRACEE_SENT = 1024,    /* `held` was sent again, and is still to arrive */
	TRACEE_DISPATCHES = 2048, /* the tracer's program set the dispatch of one of its threads */
	TRACEE_SKIPS = 4096,      /* it is in the entry stop of a call that will not be made (PTRACE_SYSEMU) */
	TRACEE_CAUGHT = 8192,     /* PTRACE_SYSEMU_SINGLESTEP has met a call, whose entry stop is still to come */
	TRACEE_SEEN = 16384,      /* it is in the stop `seen`, which no wait has reported yet */
	TRACEE_TOLD = 32768,      /* the tracer's program got SIGCHLD for the stop that it is in */
	TRACEE_PAST_CALL = 65536, /* the exit stop of a call was shown: a step now is that of the next instruction */
	TRACEE_BLOCKS_TRAP = 131072, /* its program blocked SIGTRAP when it was resumed */
	TRACEE_TO_HANDLER = 262144,  /* it was resumed with a signal that has a handler, which a step leads to */
};

struct tracee {
	int32_t tid; /* 0: free */
	uint32_t flags;
	uint32_t request; /* with which the tracer's program resumed it last */
	uint32_t options; /* PTRACE_O_*, as the program set them */
	uint32_t seen;    /* a stop that the program is to see */
	int32_t owner;    /* the thread that traces it */
	uint64_t bundle;  /* where in the tracee its bundle is; 0: not known, or none */
	uint64_t gate;     /* where in the tracee its gate is */
	uint32_t size;     /* of the bundle up to the regions: all code is in there */
	uint64_t stepped_nr; /* of the call that its step has made, as far as is known; ~0: none */
	struct core_user_regs signalled; /* of its program when it was resumed with a signal; cs 0: not known */
	int32_t exec_from; /* the id that the thread had when it called execve */
	struct start_block block; /* for the image that its execve makes */
	siginfo_t held;
};

/* Whether the tracer's program is to see calls of a tracee that it resumes with this request. ctx: entry */
static inline bool tracee_shows_calls(uint64_t request)
{
	return request == PTRACE_SYSCALL || request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;
}

/* ctx: entry, for all of these */
struct tracee *tracee_find(int tid);
/* The record of a tracee, a new one if it has none; NULL: there is no room. */
struct tracee *tracee_adopt(int tid);
/* The next record after one, or the first; NULL: there is none. */
struct tracee *tracee_next(const struct tracee *tracee);
/* Frees the record of a tracee. */
void tracee_drop(int tid);
/* Frees all records, in the child of a fork, which traces no process. */
void tracees_forked(void);
/* Gives a new task the options of any tracee whose new tasks are traced, too: one of those created it. */
void tracee_inherit(struct tracee *tracee);
/* The number of tracees that a tracee has itself, as its runtime counts them; 1 if that cannot be read. */
uint32_t tracee_count(const struct tracee *tracee);

/* Finds the bundle of a stopped tracee, and notes it in the record. */
void tracee_locate(struct tracee *tracee);
/* The address of a tracee's struct rt_thread; 0: not known, as in another PID namespace. */
uint64_t tracee_thread(const struct tracee *tracee);
/* The handler of a signal as the tracee's program has set it; SIG_DFL if that is not known. */
uint64_t tracee_handler(const struct tracee *tracee, int sig);
/* The kernel has given a signal of the tracee the default action. */
void tracee_default(const struct tracee *tracee, int sig);
/* Tells the tracee's runtime what its tracer needs. ptraced: enum rt_ptraced. */
void tracee_mark(struct tracee *tracee, uint32_t ptraced);
/* The address in the tracee of a label of the runtime. */
uint64_t tracee_in_gate(const struct tracee *tracee, const char *label);
/* With which request the kernel is to do what the tracer's program has asked for. */
uint32_t tracee_request(const struct tracee *tracee);
/* Whether the tracee is in a stop for a call that its guard caught. */
bool tracee_at_guard(int tid);

/* Copy from and to the tracee's memory. 0 or -errno. */
long tracee_read(int tid, void *to, uint64_t from, size_t size) must_check;
long tracee_write(int tid, uint64_t to, const void *from, size_t size) must_check;

#endif
