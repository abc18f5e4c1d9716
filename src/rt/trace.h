/*
 * Programs that trace each other while both run under k23. Natively a tracer sees one entry and one exit stop for each
 * call of its tracee, and none of the signal that the guard is; trace.c is the tracee's side of making it so, and
 * special/tracee.c (stops) with special/ptrace.c (requests) the tracer's.
 *
 * The tracer's runtime finds the tracee's bundle, marks it (struct rt_image.traced), and goes by where a stop is:
 *
 *	the guard's SIGSYS	not shown: goes on with the request that the program used last
 *	a call of the runtime	not shown
 *	RT_STOP_ENTRY		the program's call begins: the system call entry stop that is shown
 *	RT_STOP_EXIT		it has ended: the exit stop that is shown
 *	a rendezvous		a tracee that calls execve, and its new image, talk to the tracer's runtime
 *
 * All of it relies on both having the same build of the runtime; the tracer checks.
 */
#ifndef RT_TRACE_H
#define RT_TRACE_H

#include "rt/rt.h"

/* struct rt_image.traced and struct start_block.traced */
enum rt_traced {
	RT_TRACED = 1,       /* there is, or was, a tracer of which the tracee thinks that it is under k23 */
	RT_TRACED_CALLS = 2, /* it wants to see system calls: make the stops */
	RT_TRACEME = 4,      /* start_block: ask to be traced by the parent, at the end of the start */
	RT_TRAPPED = 8,      /* start_block: then stop with SIGTRAP, as a tracee does after execve */
};

/* What rt_gate_stop has in %rdi. Its system call does not exist; it is there for the tracer to stop at. */
enum rt_stop {
	RT_STOP_ENTRY = 1,
	RT_STOP_EXIT = 2,
};

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

/* trace.c: the tracee's side */
long rt_rendezvous(struct rt_thread *thread, uint32_t kind, const struct start_block *block);
bool rt_is_rendezvous(const siginfo_t *info);
void rt_trace_started(struct rt_thread *thread, const struct start_block *start);

/* x86_64/gate.S */
void rt_gate_stop(long kind);
extern const char rt_gate_stop_ip[], rt_gate_sigreturn_ip[];

/* ctx: entry */
static inline void rt_trace_stop(struct rt_thread *thread, long kind)
{
	/* Strict seccomp lets nothing through that does not exist. */
	if (__builtin_expect(__atomic_load_n(&rt.traced, __ATOMIC_RELAXED) & RT_TRACED_CALLS, 0) && !thread->strict)
		rt_gate_stop(kind);
}

#endif
