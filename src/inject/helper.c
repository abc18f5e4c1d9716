/*
 * The helper of one execve: see inject.h.
 */
#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/time_types.h>
#include <linux/wait.h>

#include "core/string.h"
#include "inject/inject.h"
#include "inject/remote.h"

#define EVENT(status) ((status) >> 16)
#define STOP_SIGNAL(status) ((int)((status) >> 8 & 0xff))

/* ctx: helper */
static void announce(struct inj_exec *exec, long error)
{
	exec->error = (int32_t)error;
	__atomic_store_n(&exec->ready, 1, __ATOMIC_RELEASE);
	sys(futex, &exec->ready, FUTEX_WAKE_PRIVATE, 1);
}

/* Waits, with the caller running, for its exec stop. Returns 0 with its pid, which is then that of its thread
 * group; 1 when the execve failed or the caller is gone, so that there is nothing left to do. ctx: helper */
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
			continue; /* it died; the next wait says that nobody is left */
		*pid = (int)r;
		sig = STOP_SIGNAL(status);
		if (event == PTRACE_EVENT_EXEC)
			return 0;
		if (event == PTRACE_EVENT_STOP) {
			/* A stop of the whole process stays one. */
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

/* From the exec stop on to where the kernel has written execve's result, so that registers may be set.
 * ctx: helper */
static long finish_execve(int pid, int *held)
{
	return inj_resume(pid, PTRACE_SYSCALL, SYSCALL_STOP, held);
}

/* ctx: helper */
static void complain(long error)
{
	static const char foreign[] =
		"k23: killed a program that is not for 64-bit x86 and cannot be interposed "
		"(--foreign=allow lets it run)\n";
	static const char other[] = "k23: killed a program into which the runtime could not be put\n";

	if (error == -ENOEXEC)
		sys(write, 2, foreign, sizeof(foreign) - 1);
	else
		sys(write, 2, other, sizeof(other) - 1);
}

/* A caller with different real and effective ids may be traced only with a capability, which it may have in its
 * permitted set alone. These are the helper's own credentials. ctx: helper */
static void raise_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (failed(sys(capget, &header, data)))
		return;
	data[0].effective = data[0].permitted;
	data[1].effective = data[1].permitted;
	sys(capset, &header, data);
}

/* ctx: helper */
static long seize(const struct inj_exec *exec)
{
	return sys(ptrace, PTRACE_SEIZE, exec->caller, 0,
		   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
}

/* Whether a SIGCONT waits for the process. One that came before a stop signal is gone with that. ctx: helper */
static bool continued(int pid)
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

/* Nobody has killed it meanwhile. ctx: helper */
static bool is_there(int pid)
{
	struct core_user_regs regs;

	return sys(ptrace, PTRACE_GETREGS, pid, 0, &regs) != -ESRCH;
}

/* ctx: helper */
void inj_helper(struct inj_exec *exec)
{
	int pid = 0, held = 0;
	long r;

	/* Whoever stops the caller's process group means the program. */
	sys(setpgid, 0, 0);
	exec->block.helper = (int32_t)sys(getpid);
	if (exec->begin)
		exec->begin(exec);
	/* Shares nothing of the caller's but memory: an end of a pipe must not stay open because of us. Standard
	 * error is kept for the one message below. */
	r = sys(close_range, 3, ~0u, CLOSE_RANGE_UNSHARE);
	if (!failed(r))
		r = sys(close_range, 0, 1, 0);
	if (!failed(r))
		r = seize(exec);
	if (r == -EPERM) {
		raise_capabilities();
		r = seize(exec);
	}
	announce(exec, failed(r) ? r : 0);
	/* The caller goes on without us, and may use the memory as soon as it has reaped us. */
	while (failed(r))
		sys(exit, 0);
	__atomic_store_n(&exec->waits, 1, __ATOMIC_RELAXED);
	if (await_exec(exec, &pid) == 0) {
		r = finish_execve(pid, &held);
		if (!failed(r))
			r = inj_plant(pid, exec->bundle, &exec->block, &held);
		if (r == -ENOEXEC && exec->bundle->flags & BUNDLE_FOREIGN)
			r = 0;
		if (failed(r) && is_there(pid)) {
			complain(r);
			sys(kill, pid, SIGKILL);
		}
		if (held == SIGSTOP && continued(pid))
			held = 0;
		sys(ptrace, PTRACE_DETACH, pid, 0, held);
	}
	exec->end(exec);
	__builtin_unreachable();
}

/* Caller and helper take turns from here on: on one processor that is a context switch each time, on two a wakeup of an idle
 * one, which takes many times as long. The helper sleeps, and wakes up where the caller is now. ctx: entry */
static void keep_near(int32_t helper)
{
	uint64_t mask[128] = { 0 };
	uint32_t cpu;

	if (!failed(sys(getcpu, &cpu, 0, 0)) && cpu < sizeof(mask) * 8) {
		mask[cpu / 64] = 1ul << cpu % 64;
		sys(sched_setaffinity, helper, sizeof(mask), mask);
	}
}

/* ctx: entry */
long inj_begin(struct inj_exec *exec, uint64_t stack_top)
{
	static const struct __kernel_timespec patience = { .tv_nsec = 20000000 };
	long pid;

	exec->ready = exec->waits = exec->failed = 0;
	/* CLONE_FILES only until the helper's first call, which unshares without copying a descriptor. */
	pid = inj_clone(CLONE_VM | CLONE_FILES, stack_top, exec);
	if (failed(pid))
		return pid;
	exec->helper = (int32_t)pid;
	sys(prctl, PR_SET_PTRACER, pid);
	/* It may have been stopped with the caller, who was the only one to be continued. */
	while (!__atomic_load_n(&exec->ready, __ATOMIC_ACQUIRE))
		if (sys(futex, &exec->ready, FUTEX_WAIT_PRIVATE, 0, &patience) == -ETIMEDOUT)
			sys(kill, pid, SIGCONT);
	/* If it was preempted by the caller whom it woke, it is still running for the kernel, which would then move the caller
	 * away to an idle processor in execve. */
	for (int i = 0; i < 3 && !exec->error && !__atomic_load_n(&exec->waits, __ATOMIC_RELAXED); i++)
		sys(sched_yield);
	if (exec->error) {
		long error = exec->error;

		while (sys(wait4, pid, 0, __WALL, 0) == -EINTR)
			;
		return error;
	}
	keep_near(exec->helper);
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
	/* Stops the caller in front of its tracer, which lets go and swallows the signal. If the program has one of its
	 * own pending, that does it, and is put back. */
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
