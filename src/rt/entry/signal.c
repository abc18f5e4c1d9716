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
#include "rt/entry/signal.h"

#include <asm/errno.h>

#include "rt/base/chain.h"
#include "rt/base/entry_points.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/peek.h"
#include "rt/base/return.h"
#include "rt/guard/guard.h"
#include "rt/signal/deliver.h"
#include "rt/text/rollback.h"
#include "rt/tracer/ptraced.h"

/* ctx: sigsys */
static void defer(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	struct core_regs *regs = rt_context_regs(uc);
	uint64_t ip = rt_regs_ip(regs);

	if (thread->signal) {
		/* Only one that is not blocked for the runtime's sake comes here: later. */
		rt_deliver_queue(thread, sig, info);
		uc->uc_sigmask |= RT_ALL_BLOCKED | SIGBIT(sig);
		return;
	}
	if (ip - (uint64_t)rt_gate_begin < (uint64_t)(rt_gate_done - rt_gate_begin)) {
		rt_regs_set_ip(regs, (uint64_t)rt_gate_abort);
		/* The kernel goes on with an interrupted sleep by this call, which knows how much is left. */
		if (rt_regs_result(regs) == __NR_restart_syscall)
			rt_regs_set_nr(&thread->regs, __NR_restart_syscall);
	} else if (ip - (uint64_t)rt_gate_i386_begin < (uint64_t)(rt_gate_i386_done - rt_gate_i386_begin)) {
		rt_regs_set_ip(regs, (uint64_t)rt_gate_i386_abort);
	}
	/* The wait of a call with a mask of its own ended by this signal; otherwise that mask is gone already. */
	if (ip != (uint64_t)rt_gate_done || (long)rt_regs_result(regs) != -EINTR)
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
	uint64_t ip = rt_regs_ip(rt_context_regs(uc));
	const struct bundle_hook *hook = NULL;
	uint32_t running = thread->runs || !thread->in_call ? thread->runs : thread->call.next;

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		if (ip - rt.start >= rt.bundle->hooks[i].start && ip - rt.start < rt.bundle->hooks[i].end)
			hook = &rt.bundle->hooks[i];
	if (!hook && running - 1 < rt.bundle->hook_count)
		hook = &rt.bundle->hooks[running - 1];
	if (hook)
		rt_message("hook %s (%s) crashed with signal %d in system call %ld, at %s+0x%lx, address 0x%lx",
			   rt_chain_hook((uint32_t)(hook - rt.bundle->hooks))->name,
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
		rt_deliver_queue(thread, sig, NULL);
	uc->uc_sigmask &= ~SIGBIT(sig);
}

/* SIGSYS from a process, or from a seccomp filter of the program. It is never really blocked or ignored, so what
 * the program asked for in this respect is done here. Returns whether the signal goes on. ctx: sigsys */
static bool sigsys_arrives(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc)
{
	struct rt_sighand *process = thread->sighand;
	uint64_t handler = process->actions[SIGSYS].handler;

	if (info->si_code == SYS_SECCOMP) {
		if (thread->in_call)
			info->si_call_addr = (void *)thread->call.ip;
		if (thread->sigsys_blocked || handler <= (uint64_t)SIG_IGN) {
			rt_deliver_default(thread, SIGSYS, info, uc);
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
		rt_deliver_default(thread, SIGSYS, info, uc);
		return false;
	}
	return true;
}

/* A system call outside the gate. Returns whether the thread, whose registers are saved then, is to enter the
 * dispatcher. A signal may come meanwhile: it is noted, as everywhere in the runtime. ctx: sigsys, program's mask */
static bool caught(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc)
{
	uint64_t ip = (uint64_t)info->si_call_addr;

	if (ip == (uint64_t)rt_selftrap_done) {
		rt_deliver_deferred(thread, uc);
		return false;
	}
	if (rt_in_image(ip))
		rt_panic("a hook makes system calls without k23_syscall", (long)ip);
	if (!rt_guard_review(thread, info, uc))
		return false;
	rt_copy_regs(&thread->regs, &uc->uc_mcontext);
	thread->call.arch = info->si_arch;
	thread->call.way = K23_BY_GUARD;
	return true;
}

/* ctx: sigsys */
struct rt_thread *rt_signal(int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_thread *thread = rt_self();
	struct core_regs *regs = rt_context_regs(uc);
	uint64_t ip = rt_regs_ip(regs);
	enum rt_rollback rollback;

	if (sig == SIGSYS && rt_guard_owns(info, ip))
		return caught(thread, info, uc) ? thread : NULL;
	if (ip - (uint64_t)rt_peek_begin < (uint64_t)(rt_peek_end - rt_peek_begin) && SIGBIT(sig) & RT_FAULTS &&
	    info->si_code > 0) {
		rt_regs_set_ip(regs, (uint64_t)rt_peek_fault);
		return NULL;
	}
	rollback = rt_rollback(thread, sig, info, uc);
	if (rollback == RT_GO_ON)
		return NULL;
	ip = rt_regs_ip(regs);
	if (sig == SIGSYS) {
		if (rollback == RT_ROLLED && info->si_code == SYS_SECCOMP)
			info->si_call_addr = (void *)ip;
		if (!rt_in_image(ip) || rt_returning(ip))
			rt_deliver_give_back(thread, uc);
		else
			rt_mask_block();
		if (!sigsys_arrives(thread, info, uc))
			return NULL;
	}
	/* A fault at rt_gate_done is the kernel's answer to a call of the program (uretprobe's, for one). */
	if (!rt_in_image(ip)) {
		rt_deliver(thread, sig, info, uc, uc->uc_sigmask);
	} else if (SIGBIT(sig) & RT_FAULTS && info->si_code > 0 && ip != (uint64_t)rt_gate_done) {
		crashed(thread, sig, info, uc);
	} else if (rt_returning(ip) && !thread->signal) {
		rt_copy_regs(&uc->uc_mcontext, &thread->regs);
		rt_deliver(thread, sig, info, uc, uc->uc_sigmask);
	} else {
		defer(thread, sig, info, uc);
	}
	return NULL;
}
