/*
 * Signals. The kernel enters the runtime for each signal that the program handles (and for SIGSYS, and for faults
 * when there are hooks), on the runtime's signal stack, with every signal blocked. Where the thread was decides:
 *
 *	in program code		the program's handler is to run now: build the frame that the kernel would have
 *				built, and let rt_sigreturn go to the handler.
 *	in the gate, before the call, or going to make it again
 *				move to the gate's abort: the call is not made; then as next.
 *	in the runtime or a hook	note the signal, block all others, and go on: the call in flight ends, and
 *				rt_return delivers the signal with the program's registers. A call that
 *				was not made is made again by the program, after its handler.
 *	in rt_return		the call is over: deliver now, with the registers that it was about to load.
 *
 * So the program's handler never runs on top of an unfinished call, whatever it does (siglongjmp, exit, fork) leaves
 * nothing of the runtime behind, and it sees the registers and the mask that the kernel would have shown it.
 */
#include <asm/errno.h>

#include "core/string.h"
#include "rt/special/special.h"
#include "rt/trace.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

/* Blocks all that may be blocked while the runtime works; returns the mask there was. What the program itself has
 * blocked stays so. ctx: entry */
uint64_t rt_block_signals(void)
{
	uint64_t all = RT_ALL_BLOCKED, old = 0;

	sys(rt_sigprocmask, SIG_BLOCK, &all, &old, 8);
	return old;
}

/* Even those that a fault raises and SIGSYS. ctx: entry */
uint64_t rt_block_all_signals(void)
{
	uint64_t all = ~0ul, old = 0;

	sys(rt_sigprocmask, SIG_BLOCK, &all, &old, 8);
	return old;
}

/* ctx: entry */
void rt_restore_mask(uint64_t mask)
{
	mask &= ~SIGBIT(SIGSYS);
	sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
}

/* The end of what rt_block_signals, which returned `mask`, began. A signal that cannot be blocked may have come after
 * that, and have found the runtime's mask instead of the program's. ctx: entry */
void rt_unblock(struct rt_thread *thread, uint64_t mask)
{
	if (!thread->signal)
		rt_restore_mask(mask);
	if (thread->signal)
		thread->saved_mask &= mask;
}

/* Queues a signal to the calling thread itself, with its siginfo. */
static void queue(struct rt_thread *thread, int sig, siginfo_t *info)
{
	siginfo_t plain;

	if (!info) {
		memset(&plain, 0, sizeof(plain));
		plain.si_signo = sig;
		plain.si_code = SI_KERNEL;
		info = &plain;
	}
	/* At RLIMIT_SIGPENDING only what comes from kill(2) still gets through. */
	if (sys(rt_tgsigqueueinfo, thread->pid, thread->tid, sig, info) == -EAGAIN)
		sys(kill, thread->pid, sig);
}

/* Lets the kernel do what it does by default, with the program's registers: for most signals, death. ctx: sigsys */
void rt_kill_self(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_sigaction action = { .handler = (uint64_t)SIG_DFL };

	sys(rt_sigaction, sig, &action, 0, 8);
	queue(thread, sig, info);
	uc->uc_sigmask &= ~SIGBIT(sig);
}

/* The kernel's force_sigsegv: a signal frame could not be made. ctx: sigsys */
static void frame_failed(struct rt_thread *thread, int sig, struct ucontext *uc)
{
	siginfo_t info;

	if (sig == SIGSEGV || uc->uc_sigmask & SIGBIT(SIGSEGV) ||
	    thread->process->actions[SIGSEGV].handler <= (uint64_t)SIG_IGN) {
		rt_kill_self(thread, SIGSEGV, NULL, uc);
		return;
	}
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSEGV;
	info.si_code = SI_KERNEL;
	rt_deliver(thread, SIGSEGV, &info, uc, uc->uc_sigmask);
}

/* Makes `uc`, which holds the program's registers and its mask, go to the program's handler. handler_mask is
 * what the handler's mask is made from: the same mask, or that of the call which the signal ended. ctx: sigsys */
void rt_deliver(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc, uint64_t handler_mask)
{
	struct rt_process *process = thread->process;
	struct rt_sigaction action;
	uint64_t mask = uc->uc_sigmask | (thread->sigsys_blocked ? SIGBIT(SIGSYS) : 0);

	rt_lock(&process->action_lock);
	action = process->actions[sig];
	if (action.flags & SA_RESETHAND && action.handler > (uint64_t)SIG_IGN)
		special_reset_action(thread, sig);
	rt_unlock(&process->action_lock);

	if (action.handler == (uint64_t)SIG_IGN)
		return;
	if (action.handler == (uint64_t)SIG_DFL) {
		rt_kill_self(thread, sig, info, uc);
		return;
	}
	if (failed(rt_frame_build(thread, &action, sig, info, uc, mask))) {
		frame_failed(thread, sig, uc);
		return;
	}
	if (!(action.flags & SA_NODEFER))
		action.mask |= SIGBIT(sig);
	if (action.mask & SIGBIT(SIGSYS))
		thread->sigsys_blocked = true;
	uc->uc_sigmask = (handler_mask | action.mask) & ~SIGBIT(SIGSYS);
}

/* The call in flight is over, and a signal waits: `uc` is that of the self-trap. ctx: sigsys */
void rt_deliver_deferred(struct rt_thread *thread, struct ucontext *uc)
{
	uint64_t handler_mask = thread->temporary ? thread->temporary_mask : thread->saved_mask;
	int sig = (int)thread->signal;

	rt_copy_regs(&uc->uc_mcontext, &thread->regs);
	uc->uc_sigmask = thread->saved_mask;
	thread->temporary = false;
	thread->signal = 0;
	rt_deliver(thread, sig, &thread->siginfo, uc, handler_mask);
}

/* ctx: sigsys */
static void defer(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	uint64_t ip = uc->uc_mcontext.rip;

	if (thread->signal) {
		/* Only one that is not blocked for the runtime's sake comes here: later. */
		queue(thread, sig, info);
		uc->uc_sigmask |= RT_ALL_BLOCKED | SIGBIT(sig);
		return;
	}
	if (ip - (uint64_t)rt_gate_begin < (uint64_t)(rt_gate_done - rt_gate_begin)) {
		uc->uc_mcontext.rip = (uint64_t)rt_gate_abort;
		/* The kernel goes on with an interrupted sleep by this call, which knows how much is left. */
		if (uc->uc_mcontext.rax == __NR_restart_syscall)
			thread->regs.rax = __NR_restart_syscall;
	} else if (ip - (uint64_t)rt_gate_i386_begin < (uint64_t)(rt_gate_i386_done - rt_gate_i386_begin)) {
		uc->uc_mcontext.rip = (uint64_t)rt_gate_i386_abort;
	}
	/* The wait of a call with a mask of its own ended by this signal; otherwise that mask is gone already. */
	if (ip != (uint64_t)rt_gate_done || (long)uc->uc_mcontext.rax != -EINTR)
		thread->temporary = false;
	thread->siginfo = *info;
	thread->saved_mask = uc->uc_sigmask;
	__atomic_store_n(&thread->signal, (uint32_t)sig, __ATOMIC_RELAXED);
	uc->uc_sigmask |= RT_ALL_BLOCKED;
}

/* A hook, or the runtime, did what faults. Says whose fault it is, and lets it happen again. ctx: sigsys */
static void crashed(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc)
{
	struct rt_sigaction action = { .handler = (uint64_t)SIG_DFL };
	uint64_t ip = uc->uc_mcontext.rip;
	const struct bundle_hook *hook = NULL;
	uint32_t running = thread->hook || !thread->in_call ? thread->hook : thread->call.next;

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		if (ip - rt.start >= rt.bundle->hooks[i].start && ip - rt.start < rt.bundle->hooks[i].end)
			hook = &rt.bundle->hooks[i];
	if (!hook && running - 1 < rt.bundle->hook_count)
		hook = &rt.bundle->hooks[running - 1];
	if (hook)
		rt_message("hook %s (%s) crashed with signal %d in system call %ld, at %s+0x%lx, address 0x%lx",
			   rt_hook((uint32_t)(hook - rt.bundle->hooks))->name,
			   (const char *)rt.start + hook->file, sig, thread->in_call ? thread->call.nr : -1l,
			   ip - rt.start < hook->end && ip - rt.start >= hook->start ? "hook" : "bundle",
			   ip - rt.start - (ip - rt.start < hook->end && ip - rt.start >= hook->start ? hook->start : 0),
			   (unsigned long)info->si_addr);
	else
		rt_message("the runtime crashed with signal %d in system call %ld, at bundle+0x%lx, address 0x%lx",
			   sig, thread->in_call ? thread->call.nr : -1l, ip - rt.start,
			   (unsigned long)info->si_addr);
	sys(rt_sigaction, sig, &action, 0, 8);
	if (sig == SIGTRAP)
		queue(thread, sig, NULL);
	uc->uc_sigmask &= ~SIGBIT(sig);
}

/* SIGSYS from a process, or from a seccomp filter of the program. It is never really blocked or ignored, so what
 * the program asked for in this respect is done here. Returns whether the signal goes on. ctx: sigsys */
static bool sigsys_arrives(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc)
{
	struct rt_process *process = thread->process;
	uint64_t handler = process->actions[SIGSYS].handler;

	if (info->si_code == SYS_SECCOMP) {
		if (thread->in_call)
			info->si_call_addr = (void *)thread->call.ip;
		if (thread->sigsys_blocked || handler <= (uint64_t)SIG_IGN) {
			rt_kill_self(thread, SIGSYS, info, uc);
			return false;
		}
		return true;
	}
	if (handler == (uint64_t)SIG_IGN || rt_is_rendezvous(info))
		return false;
	if (thread->sigsys_blocked) {
		process->sigsys_pending = 1;
		return false;
	}
	if (handler == (uint64_t)SIG_DFL) {
		rt_kill_self(thread, SIGSYS, info, uc);
		return false;
	}
	return true;
}

/* SIGSYS comes with the program's mask in force. Before it is delivered: block the other signals, and give one that was
 * noted meanwhile back to the kernel, which delivers it when the mask allows. `uc` is the program's. ctx: sigsys */
void rt_give_back(struct rt_thread *thread, struct ucontext *uc)
{
	rt_block_signals();
	if (thread->signal) {
		queue(thread, (int)thread->signal, &thread->siginfo);
		thread->signal = 0;
		uc->uc_sigmask = thread->saved_mask;
	}
}

static bool returning(uint64_t ip)
{
	return ip - (uint64_t)rt_return_begin < (uint64_t)(rt_return_end - rt_return_begin);
}

/* From rt_signal_entry. Returns a thread that is to enter the dispatcher, or NULL: rt_sigreturn goes to `uc`.
 * ctx: sigsys */
struct rt_thread *rt_signal(int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_thread *thread = rt_self();
	uint64_t ip = uc->uc_mcontext.rip;
	enum rt_rollback rollback;

	if (sig == SIGSYS && info->si_code == SYS_USER_DISPATCH && (uint64_t)info->si_call_addr == ip)
		return rt_guard_trap(thread, info, uc) ? thread : NULL;
	if (ip - (uint64_t)rt_peek_begin < (uint64_t)(rt_peek_end - rt_peek_begin) && SIGBIT(sig) & RT_FAULTS &&
	    info->si_code > 0) {
		uc->uc_mcontext.rip = (uint64_t)rt_peek_fault;
		return NULL;
	}
	rollback = rt_roll_back(thread, sig, info, uc);
	if (rollback == RT_GO_ON)
		return NULL;
	ip = uc->uc_mcontext.rip;
	if (sig == SIGSYS) {
		if (rollback == RT_ROLLED && info->si_code == SYS_SECCOMP)
			info->si_call_addr = (void *)ip;
		if (!rt_in_image(ip) || returning(ip))
			rt_give_back(thread, uc);
		else
			rt_block_signals();
		if (!sigsys_arrives(thread, info, uc))
			return NULL;
	}
	/* A fault at rt_gate_done is the kernel's answer to a call of the program (uretprobe's, for one). */
	if (!rt_in_image(ip)) {
		rt_deliver(thread, sig, info, uc, uc->uc_sigmask);
	} else if (SIGBIT(sig) & RT_FAULTS && info->si_code > 0 && ip != (uint64_t)rt_gate_done) {
		crashed(thread, sig, info, uc);
	} else if (returning(ip) && !thread->signal) {
		rt_copy_regs(&uc->uc_mcontext, &thread->regs);
		rt_deliver(thread, sig, info, uc, uc->uc_sigmask);
	} else {
		defer(thread, sig, info, uc);
	}
	return NULL;
}
