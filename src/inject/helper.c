/*
 * The helper of one execve, and the caller's side of starting and ending it: see inject.h.
 */
#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/signal.h>
#include <linux/time_types.h>
#include <linux/wait.h>

#include "core/describe.h"
#include "core/error_name.h"
#include "core/format.h"
#include "core/string.h"
#include "inject/inject.h"
#include "inject/remote.h"
#include "inject/run_memory.h"

#define EVENT(status) ((status) >> 16)
#define STOP_SIGNAL(status) ((int)((status) >> 8 & 0xff))

/* Lets the caller go on, which waits for this. error: why the helper cannot trace the caller, or 0. ctx: helper */
static void tell_caller(struct inj_exec *exec, long error)
{
	exec->error = (int32_t)error;
	__atomic_store_n(&exec->ready, 1, __ATOMIC_RELEASE);
	sys(futex, &exec->ready, FUTEX_WAKE_PRIVATE, 1);
}

/* Waits for the exec stop of the caller, which runs meanwhile. Returns 0, and the pid that the caller has there: that
 * of its thread group. Returns 1 when the execve failed or the caller is gone, and there is nothing left to do.
 * ctx: helper */
static long await_exec(struct inj_exec *exec, int *pid)
{
	for (;;) {
		int status = 0, sig;
		long r = sys(wait4, -1, &status, __WALL, 0);
		unsigned event = EVENT((unsigned)status);

		if (r == -EINTR)
			continue;
		if (failed(r))
			return 1;
		if ((status & 0xff) != 0x7f)
			continue; /* the caller died: the next wait fails */
		*pid = (int)r;
		sig = STOP_SIGNAL(status);
		if (event == PTRACE_EVENT_EXEC)
			return 0;
		if (event == PTRACE_EVENT_STOP) {
			/* PTRACE_LISTEN lets a stop of the whole process last. */
			sys(ptrace, sig == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, r, 0, 0);
			continue;
		}
		if (sig == SIGTRAP && __atomic_load_n(&exec->failed, __ATOMIC_ACQUIRE)) {
			sys(ptrace, PTRACE_DETACH, r, 0, 0);
			return 1;
		}
		sys(ptrace, PTRACE_CONT, r, 0, sig);
	}
}

/* For run memory, as many descriptors as may be: the limit is the helper's own. ctx: helper */
static void raise_limit(void)
{
	struct rlimit64 limit;

	if (failed(sys(prlimit64, 0, RLIMIT_NOFILE, 0, &limit)))
		return;
	limit.rlim_cur = limit.rlim_max;
	sys(prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
}

/* Lets the process go on from the exec stop to the end of execve: only then has the kernel written the result of execve
 * to rax, and registers may be set. ctx: helper */
static long finish_execve(int pid, int *held)
{
	return inj_resume(pid, PTRACE_SYSCALL, INJ_SYSCALL_STOP, held);
}

/* Says on standard error what becomes of the process, and why. call: the number of the call that failed. ctx: helper */
static void report(const char *done, long error, long call)
{
	struct k23_syscall_info info;
	const char *name = core_error_name(error);
	char text[160];

	if (error == -ENOEXEC) {
		core_print(text, sizeof(text),
			   "k23: %s a program that is not for 64-bit x86 and cannot be interposed "
			   "(--foreign=allow lets it run)\n", done);
	} else {
		info.name = "?";
		core_describe(K23_ARCH_X86_64, call, &info);
		core_print(text, sizeof(text),
			   "k23: %s a program into which the runtime could not be put: %s fails with %s\n", done,
			   info.name, name ? name : "?");
	}
	sys(write, 2, text, core_strlen(text));
}

/* The process runs without k23. ctx: helper */
static void note_untraced(const struct inj_exec *exec, int pid, enum gap gap)
{
	char link[32], path[K23_PATH_MAX];
	long length;

	core_print(link, sizeof(link), "/proc/%d/exe", pid);
	length = sys(readlink, link, path, sizeof(path) - 1);
	path[failed(length) ? 0 : length] = '\0';
	inj_note_gap(exec->bundle, exec->memories, gap, failed(length) ? NULL : path);
}

/* Makes all permitted capabilities effective, in the helper's own credentials. A caller with different real and
 * effective ids may be traced only with a capability, which may be permitted without being effective; and the memory of
 * the new image, where the caller has a file system id of its own, is only for a tracer that had it from the beginning.
 * ctx: helper */
static void raise_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (failed(sys(capget, &header, data)) ||
	    (data[0].effective == data[0].permitted && data[1].effective == data[1].permitted))
		return;
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	sys(capset, &header, data);
}

/* Where the system wants it (Yama), the caller has to name its tracer, for which it needs the helper's id, and the
 * helper may run first. ctx: helper */
static void await_name(struct inj_exec *exec)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 20000000 };

	while (!__atomic_load_n(&exec->named, __ATOMIC_ACQUIRE) && sys(getppid) == exec->process)
		sys(futex, &exec->named, FUTEX_WAIT_PRIVATE, 0, &moment);
}

/* ctx: helper */
static long seize_caller(struct inj_exec *exec)
{
	const unsigned options = PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	long r;

	raise_capabilities();
	r = sys(ptrace, PTRACE_SEIZE, exec->caller, 0, options);
	if (r != -EPERM)
		return r;
	await_name(exec);
	return sys(ptrace, PTRACE_SEIZE, exec->caller, 0, options);
}

/* Whether a SIGCONT is pending for the process. If so it came after the stop signal: a stop signal removes an earlier
 * SIGCONT. ctx: helper */
static bool has_sigcont(int pid)
{
	for (uint32_t shared = 0; shared < 2; shared++) {
		struct ptrace_peeksiginfo_args args = { .flags = shared, .nr = 1 };
		int32_t info[32];

		for (; sys(ptrace, PTRACE_PEEKSIGINFO, pid, &args, info) == 1; args.off++)
			if (info[0] == SIGCONT)
				return true;
	}
	return false;
}

/* Whether the process is still there: it may have been killed meanwhile. ctx: helper */
static bool is_alive(int pid)
{
	struct core_user_regs regs;

	return sys(ptrace, PTRACE_GETREGS, pid, 0, &regs) != -ESRCH;
}

/* Puts the bundle into the new image, or lets it run without. Returns -errno if neither can be. ctx: helper */
static long put_bundle(struct inj_exec *exec, int pid, int *held, long *call)
{
	uint32_t flags = exec->bundle->flags;
	struct core_user_regs start;
	long r = finish_execve(pid, held);

	if (exec->bundle->memory_count)
		raise_limit();
	inj_fetch_memories(exec->bundle, exec->memories, exec->block.helper, &exec->block);
	if (failed(r))
		return r;
	r = sys(ptrace, PTRACE_GETREGS, pid, 0, &start);
	if (!failed(r))
		r = inj_plant(pid, exec->bundle, &exec->block, held, call);
	if (!failed(r))
		return 0;
	if (r == -ENOEXEC && flags & (BUNDLE_FOREIGN | BUNDLE_UNTRACED)) {
		note_untraced(exec, pid, GAP_FOREIGN);
		return 0;
	}
	if (!(flags & BUNDLE_UNTRACED) || failed(sys(ptrace, PTRACE_SETREGS, pid, 0, &start)))
		return r;
	report("let run", r, *call);
	note_untraced(exec, pid, GAP_UNTRACED);
	return 0;
}

/* ctx: helper */
void inj_helper(struct inj_exec *exec)
{
	long r, call = __NR_ptrace;
	int pid = 0, held = 0;

	/* A signal that stops the caller's process group must not stop the helper. */
	sys(setpgid, 0, 0);
	exec->block.helper = (int32_t)sys(getpid);
	if (exec->begin)
		exec->begin(exec);
	/* From here on the helper shares only the memory with the caller. It closes the descriptors, or the end of a
	 * pipe might stay open because of the helper. Standard error is kept for report(). */
	r = sys(close_range, 3, ~0u, CLOSE_RANGE_UNSHARE);
	if (!failed(r))
		r = sys(close_range, 0, 1, 0);
	if (!failed(r))
		r = seize_caller(exec);
	tell_caller(exec, failed(r) ? r : 0);
	/* The caller goes on without a helper, and may use this stack as soon as it has reaped the helper. */
	while (failed(r))
		sys(exit, 0);
	__atomic_store_n(&exec->waits, 1, __ATOMIC_RELAXED);
	if (await_exec(exec, &pid) == 0) {
		r = put_bundle(exec, pid, &held, &call);
		if (failed(r) && is_alive(pid)) {
			report("killed", r, call);
			sys(kill, pid, SIGKILL);
		}
		if (held == SIGSTOP && has_sigcont(pid))
			held = 0;
		sys(ptrace, PTRACE_DETACH, pid, 0, held);
	}
	exec->end(exec);
	__builtin_unreachable();
}

/* Binds the helper, which sleeps, to the caller's processor. The two take turns from here on. On one processor each
 * turn is a context switch; on two it wakes up an idle processor, which takes many times as long. ctx: entry */
static void bind_helper(int32_t helper)
{
	uint64_t mask[128] = { 0 };
	uint32_t cpu;

	if (!failed(sys(getcpu, &cpu, 0, 0)) && cpu < sizeof(mask) * 8) {
		mask[cpu / 64] = 1ul << cpu % 64;
		sys(sched_setaffinity, helper, sizeof(mask), mask);
	}
}

/* What clone refuses with EAGAIN, though execve would not be refused, for as long as it takes to clone: the policy
 * SCHED_DEADLINE is not for children, and the soft limit of processes may be reached. ctx: entry */
static long create_helper(struct inj_exec *exec, uint64_t stack_top)
{
	/* CLONE_FILES only until the helper's close_range, which unshares the table without copying a descriptor. */
	const unsigned long flags = CLONE_VM | CLONE_FILES;
	struct sched_attr attr = { .size = sizeof(attr) };
	struct rlimit64 limit, raised;
	bool deadline, limited;
	long pid = inj_clone(flags, stack_top, exec);

	if (pid != -EAGAIN)
		return pid;
	deadline = !failed(sys(sched_getattr, 0, &attr, sizeof(attr), 0)) && attr.sched_policy == SCHED_DEADLINE &&
		   !(attr.sched_flags & SCHED_FLAG_RESET_ON_FORK);
	attr.sched_flags ^= SCHED_FLAG_RESET_ON_FORK;
	if (deadline)
		deadline = !failed(sys(sched_setattr, 0, &attr, 0));
	limited = !failed(sys(prlimit64, 0, RLIMIT_NPROC, 0, &limit)) && limit.rlim_cur < limit.rlim_max;
	raised = (struct rlimit64){ limit.rlim_max, limit.rlim_max };
	if (limited)
		sys(prlimit64, 0, RLIMIT_NPROC, &raised, 0);
	pid = inj_clone(flags, stack_top, exec);
	if (limited)
		sys(prlimit64, 0, RLIMIT_NPROC, &limit, 0);
	attr.sched_flags ^= SCHED_FLAG_RESET_ON_FORK;
	if (deadline)
		sys(sched_setattr, 0, &attr, 0);
	return pid;
}

/* Waits until the helper is ready. Returns 0; or the result of the wait that found that it was killed before, as by a
 * seccomp filter that forbids ptrace. ctx: entry */
static long await_ready(struct inj_exec *exec, long pid)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 20000000 };
	long r;

	while (!__atomic_load_n(&exec->ready, __ATOMIC_ACQUIRE)) {
		if (sys(futex, &exec->ready, FUTEX_WAIT_PRIVATE, 0, &moment) != -ETIMEDOUT)
			continue;
		r = sys(wait4, pid, 0, __WALL | WNOHANG, 0);
		if (r == pid || r == -ECHILD)
			return r;
		/* The helper may have been stopped together with the caller, and SIGCONT may have been sent to the
		 * caller alone. */
		sys(kill, pid, SIGCONT);
	}
	return 0;
}

/* ctx: entry */
long inj_begin(struct inj_exec *exec, uint64_t stack_top)
{
	long pid, r;

	exec->process = (int32_t)sys(getpid);
	exec->named = exec->ready = exec->waits = exec->failed = 0;
	exec->error = 0;
	pid = create_helper(exec, stack_top);
	if (failed(pid))
		return pid;
	exec->helper = (int32_t)pid;
	sys(prctl, PR_SET_PTRACER, pid);
	__atomic_store_n(&exec->named, 1, __ATOMIC_RELEASE);
	sys(futex, &exec->named, FUTEX_WAKE_PRIVATE, 1);
	r = await_ready(exec, pid);
	if (r && !exec->error)
		exec->error = -EPERM;
	/* The helper may have been preempted by the caller, which it woke up. The kernel would then take this processor
	 * for busy in execve, and move the caller to an idle one. So the caller first lets the helper come to its
	 * wait. */
	for (int i = 0; i < 3 && !exec->error && !__atomic_load_n(&exec->waits, __ATOMIC_RELAXED); i++)
		sys(sched_yield);
	if (exec->error) {
		while (!r || r == -EINTR)
			r = sys(wait4, pid, 0, __WALL, 0);
		if (r == pid)
			exec->helper = 0;
		return exec->error;
	}
	bind_helper(exec->helper);
	return 0;
}

/* ctx: entry */
bool inj_cancel(struct inj_exec *exec)
{
	const uint64_t trap = 1ul << (SIGTRAP - 1);
	int32_t helper = exec->helper;
	uint64_t pending = 0, mask = 0;
	long r;

	__atomic_store_n(&exec->failed, 1, __ATOMIC_RELEASE);
	/* A SIGTRAP stops the caller for its tracer, the helper, which detaches without passing the signal on. If the
	 * program has a SIGTRAP of its own pending, that one does it, and is sent again afterwards. */
	sys(rt_sigpending, &pending, 8);
	sys(rt_sigprocmask, SIG_UNBLOCK, &trap, &mask, 8);
	if (!(pending & trap))
		sys(tgkill, sys(getpid), sys(gettid), SIGTRAP);
	do
		r = sys(wait4, helper, 0, __WALL, 0);
	while (r == -EINTR);
	sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
	if (pending & trap)
		sys(tgkill, sys(getpid), sys(gettid), SIGTRAP);
	sys(prctl, PR_SET_PTRACER, exec->block.ptracer);
	return r == helper;
}
