/*
 * The tracees of this process: who they are, where their runtime is, and their memory.
 *
 * The table has a fixed size. A tracee for which there is no room is resumed with PTRACE_CONT after each guarded call,
 * cannot call execve, and its system call stops are not shown. A record belongs to the thread that traces.
 */
#ifndef RT_TRACER_TRACEE_H
#define RT_TRACER_TRACEE_H

#include <linux/signal.h>

#include "abi/bundle.h"
#include "abi/syscall.h"

enum tracee_flags {
	TRACEE_SEIZED = 1,
	TRACEE_MARKED = 2,     /* it knows that it is traced by one of us */
	TRACEE_CALLS = 4,      /* it makes stops for its system calls */
	TRACEE_IN_CALL = 8,    /* its entry stop was shown, its exit stop not yet */
	TRACEE_OWN_CALL = 16,  /* it is in a call of its runtime's */
	TRACEE_SIGRETURN = 32, /* which is the program's rt_sigreturn */
	TRACEE_EXECS = 64,     /* it calls execve; its options are ours meanwhile */
	TRACEE_EXEC_STOP = 128, /* the stop that the program was shown as that of execve is a rendezvous */
	TRACEE_SHOWN = 256,    /* it is in a stop that the program knows of */
	TRACEE_HOLDS = 512,    /* `held` came when the call was over, but not shown to be */
	TRACEE_SENT = 1024,    /* and was sent again */
	TRACEE_DISPATCHES = 2048, /* the program set the dispatch of one of its threads */
};

struct tracee {
	int32_t tid; /* 0: free */
	uint32_t flags;
	uint32_t request; /* with which the program resumed it last */
	uint32_t options; /* PTRACE_O_*, as the program set them */
	uint64_t bundle;  /* 0: not known, or none */
	uint64_t gate;
	uint32_t size;     /* of its code: what is behind are regions */
	int32_t exec_from; /* the thread that called execve, by the id it had */
	struct start_block block; /* for the image that its execve makes */
	siginfo_t held;
};

/* ctx: entry, for all of these */
struct tracee *tracee_find(int tid);
/* The record of a tracee, a fresh one if it is new; or NULL. */
struct tracee *tracee_adopt(int tid);
void tracee_drop(int tid);
/* A forked child traces nobody. */
void tracees_forked(void);
/* A new task without a record is given the options of a tracee whose new tasks are traced, too. */
void tracee_inherit(struct tracee *tracee);
/* The number of tracees that a tracee has itself, as its runtime counts them; more than 0 if it cannot be known. */
uint32_t tracee_count(const struct tracee *tracee);

/* Finds the runtime of a stopped tracee. */
void tracee_locate(struct tracee *tracee);
/* The address of its struct rt_thread; 0: not known, as in another PID namespace. */
uint64_t tracee_thread(const struct tracee *tracee);
/* Tells the tracee's runtime what to do for us: enum rt_ptraced. */
void tracee_mark(struct tracee *tracee, uint32_t ptraced);
/* A place in the tracee's gate. */
uint64_t tracee_in_gate(const struct tracee *tracee, const char *label);
/* Whether the tracee is in a stop for a call that its guard caught. */
bool tracee_at_guard(int tid);

/* The tracee's memory. 0 or -errno. */
long tracee_read(int tid, void *to, uint64_t from, size_t size) must_check;
long tracee_write(int tid, uint64_t to, const void *from, size_t size) must_check;

#endif
