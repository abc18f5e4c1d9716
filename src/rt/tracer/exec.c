#include "rt/tracer/exec.h"

#include <asm/errno.h>
#include <linux/mman.h>
#include <linux/ptrace.h>

#include "inject/remote.h"
#include "rt/base/image.h"
#include "rt/base/message.h"
#include "rt/base/run_memory.h"
#include "rt/tracer/ptraced.h"

/* ctx: entry */
uint32_t tracee_run_on(const struct tracee *tracee, int sig)
{
	sys(ptrace, tracee_request(tracee), tracee->tid, 0, sig);
	return 0;
}

/* ctx: entry; no locks */
static void drop(uint64_t *kept)
{
	if (*kept)
		sys(munmap, *kept, *(const uint32_t *)*kept);
	*kept = 0;
}

/* ctx: entry; no locks */
static void drop_kept(struct tracee *tracee)
{
	drop(&tracee->block.filters);
	drop(&tracee->block.values);
}

/* ctx: entry */
static void set_options(const struct tracee *tracee, uint32_t options)
{
	sys(ptrace, PTRACE_SETOPTIONS, tracee->tid, 0, options);
}

/* What the tracee's new image has to know is in memory that the execve takes away: filters (base/filters.h), or what
 * hooks carry. It begins with its size. ctx: entry; no locks */
static long keep(const struct tracee *tracee, uint64_t *kept)
{
	uint64_t there = *kept;
	uint32_t size;
	long here, r;

	*kept = 0;
	if (!there)
		return 0;
	r = tracee_read(tracee->tid, &size, there, sizeof(size));
	if (failed(r))
		return r;
	here = sys(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(here))
		return here;
	r = tracee_read(tracee->tid, (void *)here, there, size);
	if (failed(r))
		sys(munmap, here, size);
	else
		*kept = (uint64_t)here;
	return r;
}

/* Agrees to carry the bundle through an execve of the tracee, if its bundle is the same as this process's: there is no
 * other to put into the new image. Returns 0 or -errno. ctx: entry */
static long accept_exec(struct tracee *tracee, const struct rt_rendezvous *box)
{
	struct bundle head;
	uint64_t there;
	long r;

	if (failed(tracee_read(tracee->tid, &head, tracee->bundle, offsetof(struct bundle, segments))) ||
	    head.unique != rt.bundle->unique)
		return -EPERM;
	tracee->block = box->block;
	there = tracee->block.values;
	tracee->block.values = 0;
	r = keep(tracee, &tracee->block.filters);
	if (failed(r))
		return r;
	tracee->block.values = there;
	r = keep(tracee, &tracee->block.values);
	if (failed(r)) {
		drop_kept(tracee);
		return r;
	}
	tracee->exec_from = tracee->tid;
	/* If this process ended before the new image is ready, the image would run without k23: the tracee is killed
	 * then. */
	set_options(tracee, tracee->options | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	tracee->flags |= TRACEE_EXECS;
	return 0;
}

/* ctx: entry */
uint32_t tracee_meets(struct tracee *tracee, const siginfo_t *info)
{
	struct rt_rendezvous box;
	uint64_t answer = (uint64_t)info->si_ptr + offsetof(struct rt_rendezvous, answer);

	if (failed(tracee_read(tracee->tid, &box, (uint64_t)info->si_ptr, sizeof(box))) ||
	    box.magic != RT_RENDEZVOUS_MAGIC)
		return SIGSYS;
	box.answer = 0;
	if (box.kind == RT_EXEC_BEGINS) {
		box.answer = (int32_t)accept_exec(tracee, &box);
	} else {
		set_options(tracee, tracee->options);
		tracee->flags &= ~(uint32_t)TRACEE_EXECS;
		drop_kept(tracee);
	}
	if (failed(tracee_write(tracee->tid, answer, &box.answer, sizeof(box.answer))))
		return SIGSYS;
	if (box.kind != RT_EXEC_STARTED || !(tracee->options & PTRACE_O_TRACEEXEC))
		return tracee_run_on(tracee, 0);
	tracee->flags |= TRACEE_EXEC_STOP;
	return SIGTRAP | PTRACE_EVENT_EXEC << 8;
}

/* Puts the bundle into the tracee's new image, and lets that start. The start block says which stops the tracer wants.
 * ctx: entry */
static long plant_bundle(struct tracee *tracee)
{
	struct start_block *block = &tracee->block;
	long call = __NR_ptrace;
	int held = 0;
	long r = inj_resume(tracee->tid, PTRACE_SYSCALL, INJ_SYSCALL_STOP, &held);

	block->helper = 0;
	block->ptraced = RT_PTRACED | (tracee_shows_calls(tracee->request) ? RT_PTRACED_CALLS : 0);
	if (!(tracee->flags & TRACEE_SEIZED) && !(tracee->options & PTRACE_O_TRACEEXEC))
		block->ptraced |= RT_PTRACED_TRAPPED;
	tracee->flags &= ~(uint32_t)TRACEE_CALLS;
	tracee->flags |= TRACEE_MARKED | (block->ptraced & RT_PTRACED_CALLS ? TRACEE_CALLS : 0);
	if (!failed(r))
		r = inj_plant(tracee->tid, rt.bundle, block, &held, &call);
	drop_kept(tracee);
	if (failed(r))
		return r;
	tracee->bundle = (uint64_t)r;
	tracee->gate = tracee->bundle + rt.bundle->gate;
	tracee->size = rt.bundle->regions;
	return sys(ptrace, PTRACE_CONT, tracee->tid, 0, held);
}

/* The old image and its bundle are gone. The thread that called execve now has the id of the process's first thread.
 * ctx: entry */
uint32_t tracee_execs(struct tracee *tracee, uint32_t stop)
{
	unsigned long from = 0;
	struct tracee *caller = NULL;
	int tid = tracee->tid;
	long r;

	if (!failed(sys(ptrace, PTRACE_GETEVENTMSG, tid, 0, &from)) && (int)from != tid)
		caller = tracee_find((int)from);
	if (caller) {
		*tracee = *caller;
		tracee->tid = tid;
		tracee_drop((int)from);
	}
	tracee->bundle = 0;
	tracee->flags &= ~(uint32_t)(TRACEE_MARKED | TRACEE_OWN_CALL | TRACEE_SIGRETURN);
	if (!(tracee->flags & TRACEE_EXECS))
		return stop;
	r = plant_bundle(tracee);
	if (!failed(r) || r == -ESRCH)
		return 0;
	tracee->flags &= ~(uint32_t)TRACEE_EXECS;
	set_options(tracee, tracee->options);
	if (r == -ENOEXEC && rt.bundle->flags & (BUNDLE_FOREIGN | BUNDLE_UNTRACED)) {
		rt_run_memories_gap(GAP_FOREIGN, 1, NULL);
		return tracee->options & PTRACE_O_TRACEEXEC ? stop : tracee_run_on(tracee, 0);
	}
	rt_message("killed a traced program into which the runtime could not be put (%ld)", r);
	sys(kill, tid, 9);
	return 0;
}
