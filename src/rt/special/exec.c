/*
 * execve and execveat: the bundle goes along, by a helper (src/inject/). A call that will fail is mostly known to
 * before; one that fails all the same leaves nothing behind.
 */
#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/time_types.h>

#include "core/string.h"
#include "inject/inject.h"
#include "rt/base/copy.h"
#include "rt/base/dumpable.h"
#include "rt/base/lock.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/signal/sigsys.h"
#include "rt/special/exec.h"
#include "rt/special/special.h"
#include "rt/tracer/ptraced.h"

/* In the helper's region, under its stack. */
struct exec {
	struct inj_exec inject; /* first: the helper knows only this */
	struct rt_thread *helper;
	struct rt_sighand *sighand; /* the caller's */
	bool shared;                /* not in the caller's own region */
	struct rt_thread *caller;
	bool frees_caller; /* its region, after success: otherwise somebody else does */
	uint32_t claim;    /* the caller's */
	bool claimed;      /* by the helper */
};

/* The helper's first act: it is nobody's child, and no wait is to show it. ctx: helper */
static void begin_helper(struct inj_exec *inject)
{
	struct exec *exec = (struct exec *)inject;

	exec->claimed = rt_dumpable_take_over(exec->caller, exec->claim);
	__atomic_store_n(&exec->sighand->helper, inject->block.helper, __ATOMIC_RELAXED);
}

/* The helper's last act. ctx: helper */
static void end_helper(struct inj_exec *inject)
{
	struct exec *exec = (struct exec *)inject;

	/* A vfork child's memory is its parent's, too, and lives on. */
	if (exec->claimed)
		rt_dumpable_release(exec->claim);
	if (!inject->failed) {
		/* Another process may share the handlers, and so the lock. */
		if (exec->shared) {
			if (exec->frees_caller) /* else the parent does, as it discards the region */
				rt_sighand_leave(exec->caller);
			exec->sighand->helper = 0;
			rt_unlock(&exec->sighand->exec_lock);
		}
		if (exec->frees_caller)
			rt_thread_free(exec->caller);
	}
	rt_thread_end(rt_thread_slot_state(exec->helper), __NR_exit, 0);
}

/* ctx: entry */
static long refuse_program(const struct inj_check *check, const char *path)
{
	if (check->verdict == INJ_FOREIGN)
		rt_message("%s is not a 64-bit x86 program and cannot be interposed; "
			   "k23 run --foreign=allow lets such programs run without k23", path);
	else if (check->verdict == INJ_SECRET)
		rt_message("%s cannot be read by this user, and so not be interposed", path);
	return check->error;
}

/* What the new image's runtime has to know of the old one's. ctx: entry */
static void fill_block(struct start_block *block, const struct rt_thread *thread, uint64_t mask, long nr)
{
	const struct rt_sighand *sighand = thread->sighand;

	block->sigmask = mask;
	block->sigsys_blocked = thread->sigsys_blocked;
	block->sigsys_ignored = sighand->actions[SIGSYS].handler == (uint64_t)SIG_IGN;
	block->seccomp = sighand->seccomp;
	block->ptracer = sighand->ptracer;
	block->exec_nr = (uint16_t)nr;
	if (sighand->traceme)
		block->ptraced = RT_PTRACED | RT_PTRACED_TRACEME | RT_PTRACED_TRAPPED;
}

/* Nobody but its tracer can trace a traced process, so a helper cannot; but a tracer whose program is under k23, too,
 * does what a helper would (tracer/exec.h). Returns whether it has made the call, with its result in *result.
 * ctx: entry, signals blocked */
static bool carried_by_tracer(struct rt_thread *thread, struct k23_call *call, uint64_t mask, long *result)
{
	struct start_block block = { 0 };

	if (!(rt.ptraced & RT_PTRACED))
		return false;
	fill_block(&block, thread, mask, call->nr);
	if (failed(rt_rendezvous(thread, RT_EXEC_BEGINS, &block)))
		return false;
	*result = rt_gate_program(call, thread);
	rt_rendezvous(thread, RT_EXEC_FAILED, NULL);
	return true;
}

/* A SIGSYS that comes between the images waits for the runtime of the new one, which knows what the program wants done with
 * it. Unless a filter of the program may raise one for this very call. ctx: entry */
static void hold_sigsys(const struct rt_sighand *sighand, int how)
{
	const uint64_t sigsys = SIGBIT(SIGSYS);

	if (!sighand->seccomp)
		sys(rt_sigprocmask, how, &sigsys, 0, 8);
}

/* Another thread's wait got hold of the helper, and is to find out that it was one before its id is forgotten.
 * ctx: entry */
static void await_waiter(struct rt_sighand *sighand)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 1000000 };
	int32_t helper;

	/* Not for ever: waits by int $0x80 are not looked at. */
	for (int i = 0; i < 200 && (helper = __atomic_load_n(&sighand->helper, __ATOMIC_RELAXED)); i++)
		sys(futex, &sighand->helper, FUTEX_WAIT_PRIVATE, helper, &moment);
}

/* call: the kernel's call. ctx: entry; locked */
static long carry(struct rt_thread *thread, struct k23_call *call, const char *path)
{
	struct rt_sighand *sighand = thread->sighand;
	uint64_t mask = rt_mask_block();
	struct rt_thread *helper;
	struct exec *exec;
	long r;

	if (thread->signals) {
		rt_mask_unblock(thread, mask);
		return -K23_ERESTART;
	}
	/* What is kept goes along in the kernel. */
	rt_sigsys_hold(thread, false);
	if (carried_by_tracer(thread, call, mask, &r)) {
		rt_mask_unblock(thread, mask);
		return r;
	}
	helper = rt_thread_new();
	if (!helper) {
		rt_mask_unblock(thread, mask);
		return -ENOMEM;
	}
	exec = (struct exec *)((helper->stack_top - sizeof(*exec)) & ~63ul);
	memset(exec, 0, sizeof(*exec));
	exec->helper = helper;
	exec->caller = thread;
	exec->frees_caller = !thread->vforked;
	exec->sighand = sighand;
	exec->shared = !thread->leads;
	exec->inject.bundle = sighand->next ? sighand->next : rt.bundle;
	exec->inject.caller = thread->tid;
	exec->inject.begin = begin_helper;
	exec->inject.end = end_helper;
	fill_block(&exec->inject.block, thread, mask, call->nr);
	rt_dumpable_need(thread);
	exec->claim = thread->dumpable_claim;
	r = inj_begin(&exec->inject, (uint64_t)exec);
	if (failed(r)) {
		/* A helper that could not attach has ended without its last act. */
		if (exec->claimed)
			rt_dumpable_release(exec->claim);
		rt_thread_free(helper);
		rt_message("%s cannot be started: its helper failed (%ld)%s", path, r,
			   r == -EPERM ? "; is the process traced?" : "");
	} else {
		hold_sigsys(sighand, SIG_BLOCK);
		r = rt_gate_program(call, thread);
		hold_sigsys(sighand, SIG_UNBLOCK);
		if (!inj_cancel(&exec->inject))
			await_waiter(sighand);
	}
	sighand->helper = 0;
	/* What the helper did not take over, or not give back. */
	rt_dumpable_abandon(thread);
	rt_mask_unblock(thread, mask);
	return r;
}

/* ctx: entry */
long rt_exec(struct rt_thread *thread, struct k23_call *call, int dirfd, uint64_t name, unsigned flags)
{
	char path[K23_PATH_MAX];
	struct inj_check check;
	long r = rt_copy_string(path, sizeof(path), name);

	if (failed(r))
		return r;
	check = inj_check(dirfd, path, flags);
	if (check.verdict == INJ_FOREIGN && rt.bundle->flags & BUNDLE_FOREIGN)
		return rt_gate_program(call, thread);
	if (check.verdict != INJ_TRY)
		return refuse_program(&check, path);
	if (thread->children_elsewhere) {
		rt_message("%s cannot be started between unshare or setns for a PID namespace and the first fork: "
			   "its helper would be the namespace's first process", path);
		return -EAGAIN;
	}
	if (rt.frozen && rt.bundle->hook_count) {
		rt_message("%s cannot be started with hooks after PR_SET_MDWE: they have to be written before they are "
			   "executable", path);
		return -EPERM;
	}
	/* The kernel ends all other threads when one of them gets through; one after the other. */
	rt_lock(&thread->sighand->exec_lock);
	r = carry(thread, call, path);
	rt_unlock(&thread->sighand->exec_lock);
	return r;
}

/* ctx: entry */
long special_execve(struct rt_thread *thread, struct k23_call *call)
{
	return rt_exec(thread, call, AT_FDCWD, call->args[0], 0);
}

/* ctx: entry */
long special_execveat(struct rt_thread *thread, struct k23_call *call)
{
	return rt_exec(thread, call, (int)call->args[0], call->args[1], (unsigned)call->args[4]);
}
