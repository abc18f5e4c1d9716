/*
 * The tracee's side of ptrace between two programs that both run under k23. Natively a tracer sees an entry stop and an
 * exit stop for each call of its tracee. Under k23 it would also see stops for the guard's SIGSYS and for the calls of
 * the runtime. So the runtime in the tracer hides those, and the runtime in the tracee makes the two stops for each
 * call of its program. The tracer's side is in stops.c, view.c and exec.c, and its requests are in special/ptrace.c.
 *
 * The runtime in the tracer finds the tracee's bundle, and writes to struct rt_image.ptraced there that the process is
 * traced. What becomes of a stop depends on where the tracee is:
 *
 *	the guard's SIGSYS	not shown: the tracee is resumed with the request that the tracer's program used last
 *	a call of the runtime	not shown: likewise
 *	RT_STOP_ENTRY		a call of the tracee's program begins: shown as the entry stop
 *	RT_STOP_EXIT		a call of the tracee's program has ended: shown as the exit stop, if the tracer's
 *				program wants one
 *	a rendezvous		the tracee, in an execve, asks the runtime in the tracer: not shown, but for the last,
 *				which is the exec stop if the tracer's program wants one
 *
 * Both processes must have the same build of the runtime, which the runtime in the tracer checks.
 */
#ifndef RT_TRACER_PTRACED_H
#define RT_TRACER_PTRACED_H

#include <asm/errno.h>

#include "rt/base/gate.h"

#define RT_RENDEZVOUS_MAGIC 0x73756f767a646e72ul

enum rt_rendezvous_kind {
	RT_EXEC_BEGINS = 1, /* answer 0: the tracer will put the bundle into the new image, with `block` */
	RT_EXEC_FAILED,     /* there is no new image */
	RT_EXEC_STARTED,    /* the new image's runtime is ready */
};

/* What the tracee asks, on its runtime stack. A SIGSYS that the tracee queues to itself carries the address of this
 * struct to the tracer. */
struct rt_rendezvous {
	uint64_t magic;
	uint32_t kind;
	int32_t answer; /* -EPERM unless the tracer changes it */
	struct start_block block;
};

/* Asks the runtime in the tracer, which takes the signal away. Returns its answer, 0 or -errno. Without a tracer, or
 * with one that is not under k23, the signal arrives, the handler of signals drops it, and the answer is -EPERM.
 * ctx: boot | entry */
long rt_rendezvous(struct rt_thread *thread, uint32_t kind, const struct start_block *block);
/* Whether a signal is a rendezvous that no tracer has taken away. ctx: sigsys */
bool rt_is_rendezvous(const siginfo_t *info);
/* Makes the stops that the tracer of an execve expects at its end, with the program's registers. Called last, before
 * the program starts. ctx: boot */
void rt_ptraced_started(struct rt_thread *thread, const struct start_block *start);

/* Makes a stop for the tracer, if there is one that wants to see calls. kind: enum rt_stop. ctx: boot | entry */
static inline struct rt_stopped rt_ptraced_stop(struct rt_thread *thread, long kind)
{
	/* The stop is a system call, for which strict seccomp would kill the thread. */
	if (__builtin_expect(__atomic_load_n(&rt.ptraced, __ATOMIC_RELAXED) & RT_PTRACED_CALLS, 0) && !thread->strict)
		return rt_gate_stop(kind);
	return (struct rt_stopped){ .result = -ENOSYS };
}

#endif
