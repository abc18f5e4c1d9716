/*
 * execve and execveat: a helper (src/inject/) carries the bundle into the new image. Most calls that fail are
 * recognised before a helper is started. A call that fails later leaves nothing behind.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/time_types.h>

#include "abi/kernel.h"
#include "core/string.h"
#include "inject/carrier.h"
#include "inject/run_memory.h"
#include "rt/base/copy.h"
#include "rt/base/dumpable.h"
#include "rt/base/lock.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/owner.h"
#include "rt/base/run_memory.h"
#include "rt/hook/exec_callbacks.h"
#include "rt/signal/action.h"
#include "rt/signal/sigsys.h"
#include "rt/special/exe.h"
#include "rt/special/exec.h"
#include "rt/special/special.h"
#include "rt/special/tracing.h"
#include "rt/special/vectors.h"
#include "rt/tracer/ptraced.h"
#include "rt/world/kill.h"

/* In the helper's region, under its stack. */
struct exec {
	struct inj_exec inject; /* first: the helper knows only this */
	struct rt_thread *helper;
	struct rt_sighand *sighand; /* the caller's */
	bool shared;                /* not in the caller's own region */
	struct rt_thread *caller;
	bool frees_caller; /* after success, the caller's region; if not, its parent does */
	bool ends_threads; /* others wait until it has: world/kill.h */
	uint32_t claim;    /* the caller's */
	struct exec_values values;
};

/* The helper's first act. Its id becomes known here, so that no wait of the program shows it as a child. ctx:
 * helper */
static void begin_helper(struct inj_exec *inject)
{
	struct exec *exec = (struct exec *)inject;

	rt_owner_began(exec->helper->slot, rt_owner_begin(exec->helper), inject->block.helper);
	rt_dumpable_take_over(exec->helper, exec->caller, exec->claim);
	__atomic_store_n(&exec->sighand->helper, inject->block.helper, __ATOMIC_RELAXED);
}

/* The helper's last act. ctx: helper */
static void end_helper(struct inj_exec *inject)
{
	struct exec *exec = (struct exec *)inject;

	/* The memory lives on if the caller is a vfork child: its parent has the same. */
	rt_dumpable_abandon(exec->helper);
	if (!inject->failed) {
		/* Another process may share the sighand, and with it the lock. */
		if (exec->shared) {
			if (exec->frees_caller) /* else the parent does, as it discards the region */
				rt_sighand_leave(exec->caller);
			exec->sighand->helper = 0;
			rt_unlock(&exec->sighand->exec_lock);
		}
		if (exec->ends_threads)
			rt_kill_end();
		if (exec->frees_caller)
			rt_thread_free(exec->caller);
	}
	rt_thread_leaves();
	rt_thread_end(rt_thread_slot_state(exec->helper), __NR_exit, 0);
}

/* The result of a call that is to fail with an error: a seccomp filter of the program has its say before. It is
 * shown the call with a path that is no address, for which the kernel's own answer is EFAULT. ctx: entry */
static long refuse(struct rt_thread *thread, const struct k23_call *call, long error)
{
	struct k23_call asked = *call;

	asked.args[call->nr == __NR_execveat] = RT_NO_ADDRESS;
	return rt_gate_ask(thread, &asked, -EFAULT, error);
}

/* ctx: entry */
static void explain_refusal(const struct inj_check *check, const char *path)
{
	if (check->verdict == INJ_FOREIGN)
		rt_message("%s is not a 64-bit x86 program and cannot be interposed; "
			   "k23 run --foreign=allow lets such programs run without k23", path);
	else if (check->verdict == INJ_SECRET)
		rt_message("%s cannot be read by this user, and so not be interposed", path);
}

/* ctx: entry */
static void explain_permission(const struct inj_check *check, const char *path)
{
	if (rt.bundle->flags & BUNDLE_UNTRACED)
		rt_message("%s runs without k23: it %s", path, check->verdict == INJ_FOREIGN ?
			   "is not a 64-bit x86 program" : "cannot be read by this user");
}

/* Lets a program run without k23. ctx: entry */
static long execute_untraced(struct rt_thread *thread, const struct k23_call *call, enum gap gap, const char *path)
{
	uint64_t values[BUNDLE_MAX_HOOKS] = { 0 }, mask = rt_mask_block();
	const char *interpreter;
	long r;

	rt_callbacks_exec_begin(path, values, &interpreter); /* nobody will ask for these */
	rt_mask_unblock(thread, mask);
	rt_run_memories_gap(gap, 1, path);
	r = rt_gate_program(call, thread);
	rt_run_memories_gap(gap, -1, NULL);
	mask = rt_mask_block();
	rt_callbacks_exec_failed(path, values, r);
	rt_mask_unblock(thread, mask);
	return r;
}

/* Whether a program that cannot be interposed may run all the same. ctx: entry */
static bool may_run(const struct inj_check *check)
{
	return (check->verdict == INJ_FOREIGN && rt.bundle->flags & (BUNDLE_FOREIGN | BUNDLE_UNTRACED)) ||
	       (check->verdict == INJ_SECRET && rt.bundle->flags & BUNDLE_UNTRACED);
}

/* What the new image's runtime has to know of the old one's. ctx: entry */
static void fill_block(struct start_block *block, const struct rt_thread *thread, uint64_t mask)
{
	const struct rt_sighand *sighand = thread->sighand;

	block->sigmask = mask;
	block->sigsys_blocked = thread->sigsys_blocked;
	block->own_sigsys = thread->sigsys_queued && thread->sigsys_queued_own;
	block->sigsys_ignored = sighand->actions[SIGSYS].handler == (uint64_t)SIG_IGN;
	block->seccomp = sighand->seccomp;
	block->bundle = sighand->seccomp ? (uint64_t)rt.bundle : 0;
	block->filters = (uint64_t)thread->filters;
	block->disarmed = (thread->sigstack.flags & SS_DISABLE) != 0;
	block->autodisarm = ((uint32_t)thread->sigstack.flags & SS_AUTODISARM) != 0;
	block->frozen = rt.frozen;
	block->ptracer = sighand->ptracer;
	block->children_elsewhere = thread->children_elsewhere;
	if (sighand->traceme)
		block->ptraced = RT_PTRACED | RT_PTRACED_TRACEME | RT_PTRACED_TRAPPED;
}

/* The bundle of the next image. ctx: entry */
static const struct bundle *next_bundle(const struct rt_sighand *sighand)
{
	return sighand->next ? sighand->next : rt.bundle;
}

/* Where the run memories of the next image's bundle are. ctx: entry */
static const uint64_t *next_memories(const struct rt_sighand *sighand)
{
	return sighand->next ? NULL : rt.memories;
}

/* An execve, with what is known about it. */
struct attempt {
	struct k23_call *call; /* the kernel's call */
	int dirfd;
	const char *path, *file; /* the program as it is called, and where it is */
	const char *interpreter; /* that a hook has chosen; or NULL */
	unsigned flags;
	uint64_t mask; /* of signals, as the program has it */
	bool impossible; /* to interpose the program */
	struct exec_values *values; /* that hooks carry; NULL: none */
};

/* A process has one tracer at most, so a helper cannot attach to a tracee. If the tracer is under k23, too, its
 * runtime does what a helper does (tracer/exec.h). Returns whether the call has been made that way; *result is its
 * result. ctx: entry, signals blocked */
static bool carried_by_tracer(struct rt_thread *thread, const struct attempt *attempt, long *result)
{
	struct start_block block = { 0 };
	bool carried;

	if (!(rt.ptraced & RT_PTRACED) || attempt->interpreter)
		return false;
	fill_block(&block, thread, attempt->mask);
	block.values = (uint64_t)attempt->values;
	inj_fetch_memories(rt.bundle, rt.memories, 0, &block);
	carried = !failed(rt_rendezvous(thread, RT_EXEC_BEGINS, &block));
	if (carried) {
		*result = rt_gate_program(attempt->call, thread);
		rt_rendezvous(thread, RT_EXEC_FAILED, NULL);
	}
	inj_close_memories(&block);
	return carried;
}

/* A SIGSYS that comes between two images has to wait for the new image's runtime, which knows the program's mask
 * and action. With a filter of the program, SIGSYS stays unblocked: the filter may raise it for this call. ctx:
 * entry */
static void hold_sigsys(const struct rt_sighand *sighand, int how)
{
	const uint64_t sigsys = SIGBIT(SIGSYS);

	if (!sighand->seccomp)
		sys(rt_sigprocmask, how, &sigsys, 0, 8);
}

/* A wait in another thread has reaped the helper. That thread must compare the id before it is forgotten here.
 * ctx: entry */
static void await_waiter(struct rt_sighand *sighand)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 1000000 };
	int32_t helper;

	/* Not for ever: waits by int $0x80 are not looked at. */
	for (int i = 0; i < 200 && (helper = __atomic_load_n(&sighand->helper, __ATOMIC_RELAXED)); i++)
		sys(futex, &sighand->helper, FUTEX_WAIT_PRIVATE, helper, &moment);
}

/* execve clears the word of set_tid_address, and wakes who waits for that, if other processes have the memory, as the
 * helper does: if it is the only one, the kernel is to forget the word meanwhile. Returns the address, or 0.
 * ctx: entry */
static uint64_t forget_tid_address(const struct rt_thread *thread)
{
	uint64_t address = 0;

	if (thread->vforked || failed(sys(prctl, PR_GET_TID_ADDRESS, &address)) || !address)
		return 0;
	if (rt_memory_is_shared(thread))
		return 0;
	sys(set_tid_address, 0);
	return address;
}

/* Whether the new image would have more capabilities than this one, and would not get them under a tracer that does not
 * have them all: a process of root's, from which some were taken. ctx: entry */
static bool gains_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t effective, permitted;

	if (sys(getuid) != 0 && sys(geteuid) != 0)
		return false;
	if (failed(sys(capget, &header, data)))
		return false;
	effective = data[0].effective | (uint64_t)data[1].effective << 32;
	permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	if (effective & 1ul << CAP_SYS_PTRACE)
		return false;
	for (unsigned long i = 0; i < 64; i++)
		if (!(permitted & 1ul << i) && sys(prctl, PR_CAPBSET_READ, i) == 1)
			return true;
	return false;
}

/* By a helper. Returns whether the call was made; if so, *result is its result, and otherwise why there is no helper.
 * ctx: entry; locked */
static bool carried_by_helper(struct rt_thread *thread, const struct attempt *attempt, long *result)
{
	struct rt_sighand *sighand = thread->sighand;
	struct rt_thread *helper = rt_thread_new();
	uint64_t tid_address;
	struct exec *exec;
	bool made;
	long r;

	*result = -ENOMEM;
	if (!helper)
		return false;
	exec = (struct exec *)((helper->stack_top - sizeof(*exec)) & ~63ul);
	memset(exec, 0, sizeof(*exec));
	exec->helper = helper;
	helper->alone = helper->slot->mortal = true;
	helper->sighand = sighand;
	exec->caller = thread;
	exec->frees_caller = !thread->vforked;
	exec->sighand = sighand;
	exec->shared = !thread->leads;
	exec->inject.bundle = next_bundle(sighand);
	exec->inject.memories = next_memories(sighand);
	exec->inject.caller = thread->tid;
	exec->inject.begin = begin_helper;
	exec->inject.end = end_helper;
	fill_block(&exec->inject.block, thread, attempt->mask);
	/* The caller's stack may be gone when the helper reads them: that of a vfork child is its parent's to free. */
	if (attempt->values) {
		exec->values = *attempt->values;
		exec->inject.block.values = (uint64_t)&exec->values;
	}
	rt_dumpable_need(thread);
	exec->claim = thread->dumpable_claim;
	r = inj_begin(&exec->inject, (uint64_t)exec);
	made = !failed(r);
	if (r == -EPERM)
		rt_note_tracer();
	if (!made) {
		if (exec->inject.helper)
			await_waiter(sighand);
		/* A helper that cannot attach ends without its last act. */
		rt_dumpable_abandon(helper);
		rt_thread_free(helper);
	} else {
		tid_address = forget_tid_address(thread);
		exec->ends_threads = rt_kill_threads_begin(thread);
		hold_sigsys(sighand, SIG_BLOCK);
		r = rt_gate_program(attempt->call, thread);
		hold_sigsys(sighand, SIG_UNBLOCK);
		if (exec->ends_threads)
			rt_kill_end();
		if (tid_address)
			sys(set_tid_address, tid_address);
		if (!inj_cancel(&exec->inject))
			await_waiter(sighand);
	}
	sighand->helper = 0;
	/* What the helper did not take over, or not give back. */
	rt_dumpable_abandon(thread);
	*result = r;
	return made;
}

/* By a carrier. ctx: entry; locked */
static long carry_vectors(struct rt_thread *thread, const struct attempt *attempt)
{
	const struct k23_call *call = attempt->call;
	struct rt_sighand *sighand = thread->sighand;
	struct inj_exec exec = { .bundle = next_bundle(sighand) };
	struct inj_program program = {
		.dirfd = attempt->dirfd,
		.path = attempt->path,
		.file = attempt->file,
		.interpreter = attempt->interpreter,
		.flags = attempt->flags,
	};
	const bool shared = thread->alone && !thread->leads;
	int argv = call->nr == __NR_execve ? 1 : 2;
	struct rt_vectors vectors;
	long r = rt_vectors_copy(&vectors, call->args[argv], call->args[argv + 1], sizeof(uint64_t));

	if (failed(r))
		return r;
	program.argv = vectors.argv;
	program.envp = vectors.envp;
	fill_block(&exec.block, thread, attempt->mask);
	exec.block.values = (uint64_t)attempt->values;
	hold_sigsys(sighand, SIG_BLOCK);
	/* No helper unlocks it for the processes that this one shares the lock with (CLONE_SIGHAND). */
	if (shared)
		rt_unlock(&sighand->exec_lock);
	inj_fetch_memories(exec.bundle, next_memories(sighand), 0, &exec.block);
	r = inj_carry(&exec, &program);
	inj_close_memories(&exec.block);
	if (shared)
		rt_lock(&sighand->exec_lock);
	hold_sigsys(sighand, SIG_UNBLOCK);
	rt_vectors_free(&vectors);
	return r;
}

/* Without a helper, for which there was `error`. ctx: entry; locked */
static long carry_alone(struct rt_thread *thread, struct attempt *attempt, long error)
{
	/* What the kernel makes is another execve. */
	long r = refuse(thread, attempt->call, 0);

	if (failed(r))
		return r;
	r = carry_vectors(thread, attempt);
	if (inj_is_program_error(r))
		return r;
	attempt->impossible = true;
	rt_message("%s %s: its helper failed (%ld), and so did a start without one (%ld)", attempt->path,
		   rt.bundle->flags & BUNDLE_UNTRACED ? "runs without k23" : "cannot be started", error, r);
	return error;
}

/* A helper would be the first process of the children's namespace; the kernel would execute the carrier once more, or
 * take another ELF interpreter; or the new image would get less than natively. ctx: entry */
static bool may_have_helper(const struct rt_thread *thread, const struct attempt *attempt)
{
	return !thread->children_elsewhere && attempt->file == attempt->path && !attempt->interpreter &&
	       !gains_capabilities();
}

/* Tells hooks of the execve. The hooks of a k23 that the image will have besides these, if the program is one, come
 * first there. ctx: entry, signals blocked */
static void tell_begin(const struct rt_thread *thread, struct attempt *attempt, struct exec_values *values)
{
	const uint32_t count = rt.bundle->hook_count, first = next_bundle(thread->sighand)->hook_count - count;

	memset(values, 0, sizeof(*values));
	values->size = sizeof(*values);
	if (rt_callbacks_exec_begin(attempt->path, values->values + first, &attempt->interpreter))
		attempt->values = values;
}

/* ctx: entry, signals blocked */
static void tell_failed(const struct rt_thread *thread, const struct attempt *attempt, const struct exec_values *values,
			long error)
{
	const uint32_t count = rt.bundle->hook_count, first = next_bundle(thread->sighand)->hook_count - count;

	rt_callbacks_exec_failed(attempt->path, values->values + first, error);
}

/* ctx: entry; locked */
static long carry(struct rt_thread *thread, struct attempt *attempt)
{
	struct exec_values values;
	long r = -EAGAIN;

	attempt->mask = rt_mask_block();
	if (thread->signals) {
		rt_mask_unblock(thread, attempt->mask);
		return -K23_ERESTART;
	}
	tell_begin(thread, attempt, &values);
	if (!carried_by_tracer(thread, attempt, &r)) {
		/* A SIGSYS that is kept goes along in the kernel. */
		rt_sigsys_hold(thread, false);
		if (!may_have_helper(thread, attempt) || !carried_by_helper(thread, attempt, &r))
			r = carry_alone(thread, attempt, r);
	}
	tell_failed(thread, attempt, &values, r);
	rt_mask_unblock(thread, attempt->mask);
	return r;
}

/* What the kernel finds before it looks into the program's file, or 0: it opens the file, and copies the arguments.
 * Newer kernels say. ctx: entry */
static long early_error(const struct attempt *attempt)
{
	const uint64_t *vectors = &attempt->call->args[attempt->call->nr == __NR_execve ? 1 : 2];
	struct rt_vectors copies;
	long r = sys(execveat, attempt->dirfd, attempt->file, vectors[0], vectors[1],
		     attempt->flags | KERNEL_AT_EXECVE_CHECK);

	if (r != -EINVAL)
		return r;
	r = rt_vectors_copy(&copies, vectors[0], vectors[1], sizeof(uint64_t));
	if (!failed(r))
		rt_vectors_free(&copies);
	return r;
}

/* ctx: entry */
long rt_exec(struct rt_thread *thread, struct k23_call *call, int dirfd, uint64_t name, unsigned flags)
{
	char path[K23_PATH_MAX];
	struct attempt attempt = { .call = call, .dirfd = dirfd, .path = path, .file = path, .flags = flags };
	struct inj_check check;
	const char *exe;
	long r = rt_copy_string(path, sizeof(path), name);

	if (failed(r))
		return refuse(thread, call, r);
	if (flags & KERNEL_AT_EXECVE_CHECK)
		return rt_gate_program(call, thread);
	exe = rt_exe_behind(thread, path);
	if (exe)
		attempt.file = exe;
	check = inj_check(dirfd, attempt.file, flags);
	if (may_run(&check)) {
		explain_permission(&check, path);
		return execute_untraced(thread, call, check.verdict == INJ_FOREIGN ? GAP_FOREIGN : GAP_UNTRACED, path);
	}
	if (check.verdict != INJ_TRY) {
		long early = check.late ? early_error(&attempt) : 0;

		r = refuse(thread, call, early ? early : check.error);
		if (r == check.error && !early)
			explain_refusal(&check, path);
		return r;
	}
	/* One execve at a time: the kernel ends all other threads when one of them succeeds. */
	rt_lock(&thread->sighand->exec_lock);
	rt_actions_exec(thread, false);
	r = carry(thread, &attempt);
	rt_actions_exec(thread, true);
	rt_unlock(&thread->sighand->exec_lock);
	if (attempt.impossible && rt.bundle->flags & BUNDLE_UNTRACED)
		r = execute_untraced(thread, call, GAP_UNTRACED, path);
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
