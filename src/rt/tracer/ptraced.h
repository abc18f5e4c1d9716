/*
 * Programs that trace each other while both run under k23. Natively a tracer sees one entry and one exit stop for each
 * call of its tracee, and none of the signal that the guard is; ptraced.c is the tracee's side of making it so, and
 * stops.c, view.c, exec.c with special/ptrace.c (requests) the tracer's.
 *
 * The tracer's runtime finds the tracee's bundle, marks it (struct rt_image.ptraced), and goes by where a stop is:
 *
 *	the guard's SIGSYS	not shown: goes on with the request that the program used last
 *	a call of the runtime	not shown
 *	RT_STOP_ENTRY		the program's call begins: the system call entry stop that is shown
 *	RT_STOP_EXIT		it has ended: the exit stop that is shown
 *	a rendezvous		a tracee that calls execve, and its new image, talk to the tracer's runtime
 *
 * All of it relies on both having the same build of the runtime; the tracer checks.
 */
#ifndef RT_TRACER_PTRACED_H
#define RT_TRACER_PTRACED_H

#include "rt/base/gate.h"

#define RT_RENDEZVOUS_MAGIC 0x73756f767a646e72ul

enum rt_rendezvous_kind {
	RT_EXEC_BEGINS = 1, /* answer 0: the tracer will plant the bundle, with `block` */
	RT_EXEC_FAILED,
	RT_EXEC_STARTED, /* the new image's runtime is ready */
};

/* A SIGSYS that the tracee queues to itself carries the address of this, which lies on its runtime stack. */
struct rt_rendezvous {
	uint64_t magic;
	uint32_t kind;
	int32_t answer; /* -EPERM unless the tracer changes it */
	struct start_block block;
};

/* To the tracer's runtime, which swallows the signal. Without a tracer, or with one that is not under k23, the signal
 * arrives and is dropped by rt_signal, and the answer is -EPERM. ctx: boot | entry */
long rt_rendezvous(struct rt_thread *thread, uint32_t kind, const struct start_block *block);
/* Whether this is a rendezvous to which nobody came. ctx: sigsys */
bool rt_is_rendezvous(const siginfo_t *info);
/* The last thing before a program starts whose execve was traced: its tracer sees the stops that belong to it, with the
 * program's registers. ctx: boot */
void rt_ptraced_started(struct rt_thread *thread, const struct start_block *start);

/* ctx: boot | entry */
static inline void rt_ptraced_stop(struct rt_thread *thread, long kind)
{
	/* Strict seccomp lets nothing through that does not exist. */
	if (__builtin_expect(__atomic_load_n(&rt.ptraced, __ATOMIC_RELAXED) & RT_PTRACED_CALLS, 0) && !thread->strict)
		rt_gate_stop(kind);
}

#endif
