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

#include "rt/base/entry_points.h"
#include "rt/base/filters.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/queue.h"
#include "rt/base/return.h"
#include "rt/entry/crash.h"
#include "rt/guard/guard.h"
#include "rt/signal/action.h"
#include "rt/signal/deliver.h"
#include "rt/signal/hand_over.h"
#include "rt/signal/heard.h"
#include "rt/signal/sigsys.h"
#include "rt/text/rollback.h"
#include "rt/tracer/ptraced.h"
#include "rt/tracer/watch.h"
#include "rt/world/world.h"
#include "rt/x86_64/base/gs.h"
#include "rt/x86_64/entry/faults.h"

/* ctx: any */
static bool is_between(uint64_t ip, const char *begin, const char *end)
{
	return ip - (uint64_t)begin < (uint64_t)(end - begin);
}

/* Whether code at an address is not the program's: it is the runtime's or a hook's, or a hosted hook has made or loaded
 * it, as a compiler at run time and dlopen do. ctx: sigsys */
static bool is_inside(const struct rt_thread *thread, uint64_t ip)
{
	return rt_in_image(ip) || thread->world;
}

/* Whether the thread is where a call of the program has just ended because a signal came. What close has begun is
 * done all the same, so it is not made again. ctx: sigsys */
static bool is_interrupted(const struct rt_thread *thread, const struct core_regs *regs)
{
	uint64_t ip = rt_regs_ip(regs);

	return (ip == (uint64_t)rt_gate_done || ip == (uint64_t)rt_gate_i386_done) &&
	       (long)rt_regs_result(regs) == -EINTR &&
	       (thread->call.arch != K23_ARCH_X86_64 || thread->call.nr != __NR_close);
}

/* A call that has not been made, or that the kernel is to make again, is not made. unmake: nor is one that the
 * signal has ended, of which the program is not to know. ctx: sigsys */
static void abort_call(struct rt_thread *thread, struct core_regs *regs, bool unmake)
{
	bool interrupted = unmake && is_interrupted(thread, regs);
	uint64_t ip = rt_regs_ip(regs);

	/* A hook's own wait is a call, too; nor is that over by a signal of which the program is not to know. */
	if (is_between(ip, rt_gate_wait_begin, rt_gate_wait_done) ||
	    (unmake && ip == (uint64_t)rt_gate_wait_done && (long)rt_regs_result(regs) == -EINTR)) {
		rt_regs_set_ip(regs, (uint64_t)rt_gate_wait_abort);
		return;
	}
	if (interrupted) {
		rt_regs_set_ip(regs, (uint64_t)(ip == (uint64_t)rt_gate_done ? rt_gate_abort : rt_gate_i386_abort));
	} else if (is_between(ip, rt_gate_begin, rt_gate_done) ||
		   is_between(ip, rt_gate_judged_begin, rt_gate_verdicts_end)) {
		rt_regs_set_ip(regs, (uint64_t)rt_gate_abort);
		/* The kernel goes on with an interrupted sleep by this call, which knows how much is left. */
		if (rt_regs_result(regs) == __NR_restart_syscall)
			rt_regs_set_nr(&thread->regs, __NR_restart_syscall);
	} else if (is_between(ip, rt_gate_i386_begin, rt_gate_i386_done)) {
		rt_regs_set_ip(regs, (uint64_t)rt_gate_i386_abort);
	}
}

/* The first signal of those that wait for the end of the call in flight. The wait of a call with a mask of its own has
 * ended by it; otherwise that mask is gone already. ctx: sigsys */
static void begin_deferring(struct rt_thread *thread, struct ucontext *uc, bool unseen)
{
	struct core_regs *regs = rt_context_regs(uc);
	uint64_t ip = rt_regs_ip(regs);

	abort_call(thread, regs, unseen);
	if (ip != (uint64_t)rt_gate_done || (long)rt_regs_result(regs) != -EINTR)
		thread->temporary = false;
	thread->saved_mask = uc->uc_sigmask;
}

/* Whether a signal has come in the handler of SIGSYS, which is not on the way of a call yet. ctx: sigsys */
static bool is_in_handler(const struct rt_thread *thread, const struct core_regs *regs)
{
	return rt_regs_sp(regs) - thread->stack_top < RT_SIGNAL_STACK_SIZE;
}

/* Notes a signal. unseen: the program blocks or ignores it. The signals that faults raise are not blocked while the
 * runtime works, but one that has been noted is: a second one waits in the kernel. ctx: sigsys */
static void defer(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc, bool unseen)
{
	struct core_regs *regs = rt_context_regs(uc);
	struct rt_sigaction action = { 0 };
	bool first = !thread->signals, noted;

	if (sig != SIGSYS)
		action = rt_action_take(thread, sig, rt_regs_ip(regs), uc);
	noted = rt_deliver_note(thread, sig, info, &action);
	if (!noted && sig == SIGSYS)
		rt_sigsys_keep(thread, info);
	else if (!noted)
		rt_queue_signal(thread, sig, info);
	if (first && is_in_handler(thread, regs)) {
		thread->early = true;
		thread->saved_mask = uc->uc_sigmask; /* where the call is, sigsys() finds out */
	} else if (first) {
		begin_deferring(thread, uc, unseen);
	}
	uc->uc_sigmask |= RT_ALL_BLOCKED;
	if (SIGBIT(sig) & RT_FAULTS)
		uc->uc_sigmask |= SIGBIT(sig);
}

/* A signal that the program blocks, although it is let through while a hook is told something: it waits as before, for
 * the thread or for the process. By its own id a thread may queue what kill sent, too. ctx: sigsys */
static void keep_blocked(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	uc->uc_sigmask |= SIGBIT(sig);
	if (info->si_code == SI_TKILL)
		rt_queue_signal(thread, sig, info);
	else
		sys(rt_sigqueueinfo, thread->tid, sig, info);
}

/* Behind a system call instruction of the gate nothing can fault. ctx: sigsys */
static bool is_behind_call(uint64_t ip)
{
	const uint8_t *before = (const uint8_t *)ip - RT_SYSCALL_SIZE;

	return is_between(ip, rt_gate_page + RT_SYSCALL_SIZE, rt_gate_page_end) &&
	       (rt_is_syscall(before) || rt_is_int80(before));
}

/* Whether a signal that has come in the runtime or a hook is a fault of theirs. ctx: sigsys */
static bool is_crash(int sig, const siginfo_t *info, const struct ucontext *uc, uint64_t ip)
{
	return SIGBIT(sig) & RT_FAULTS && !is_behind_call(ip) && rt_is_fault(sig, info, uc);
}

/* Whether a SIGSYS that the program lets through is there. What is kept is taken for it; but behind one that is noted
 * it stays where it is kept, for the thread or for the process. ctx: sigsys */
static bool is_there(struct rt_thread *thread, siginfo_t *info)
{
	return rt_thread_has_noted(thread, SIGSYS) || rt_sigsys_resolve(thread, info);
}

/* SIGSYS from a process, or from a seccomp filter of the program. It is not blocked or ignored by the kernel, so what
 * the program asked for in this respect is done here; but if that is the process's end, when the call in flight is
 * over. Returns whether the signal goes on; then *unseen says whether the program blocks or ignores it. ctx: sigsys */
static bool sigsys_arrives(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc, bool in_program,
			   bool *unseen)
{
	struct rt_sighand *sighand = thread->sighand;
	uint64_t handler = sighand->actions[SIGSYS].handler;
	bool waits = !in_program && !thread->strict;

	*unseen = false;
	if (rt_sigsys_is(info, SYS_SECCOMP)) {
		if (rt_in_image((uint64_t)info->si_call_addr))
			info->si_call_addr = (void *)thread->call.ip;
		if (!waits && (thread->sigsys_blocked || handler <= (uint64_t)SIG_IGN)) {
			rt_deliver_default(thread, SIGSYS, info, uc);
			return false;
		}
		return true;
	}
	if (rt_is_rendezvous(info))
		return false;
	*unseen = rt_sigsys_blocked(thread) || !is_there(thread, info) || handler == (uint64_t)SIG_IGN;
	/* The first process of a PID namespace takes none that it does not handle. */
	if (!*unseen && handler == (uint64_t)SIG_DFL && (!waits || thread->pid == 1)) {
		rt_deliver_default(thread, SIGSYS, info, uc);
		*unseen = true;
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
	if (thread->world && (rt_in_world(ip) || !rt_in_image(ip))) {
		rt_world_caught(thread, uc);
		/* From here on none may come that the handler's end would let another follow. */
		rt_mask_block_all();
		thread->early = false;
		if (thread->signals)
			uc->uc_sigmask |= RT_ALL_BLOCKED;
		return false;
	}
	if (rt_in_image(ip))
		rt_panic("a hook makes system calls without k23_syscall", (long)ip);
	if (!rt_guard_review(thread, info, uc))
		return false;
	/* One is kept for the thread that it lets through: as if it had come before the call. */
	if (rt_sigsys_kept(thread) && !thread->sigsys_blocked) {
		rt_mask_block_all();
		rt_regs_again(rt_context_regs(uc), rt_regs_result(rt_context_regs(uc)));
		rt_deliver_noted(thread, uc, uc->uc_sigmask);
		return false;
	}
	rt_copy_regs(&thread->regs, &uc->uc_mcontext);
	thread->call.arch = info->si_arch;
	thread->call.way = K23_BY_GUARD;
	if (thread->strict) {
		/* Of all ways to put the mask back, rt_sigreturn is the one that strict seccomp allows. */
		rt_regs_enter(rt_context_regs(uc), (uint64_t)rt_guard_entered, (uint64_t)thread,
			      rt_regs_sp(rt_context_regs(uc))); /* it takes its own */
		return false;
	}
	rt_sigsys_hold(thread, false);
	if (!thread->sigsys_held)
		rt_sigsys_unblock(thread);
	return true;
}

/* SIGSYS that is not the guard's. It may come with the program's mask in force, so that others may have been noted
 * meanwhile. ended: it came at the end of a call by the direct entry, which failed with EINTR. ctx: sigsys, signals
 * blocked */
static void sigsys(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc, bool ended)
{
	struct core_regs *regs = rt_context_regs(uc);
	uint64_t ip = rt_regs_ip(regs);
	bool in_program = !is_inside(thread, ip) || (rt_returning(ip) && !thread->signals), unseen;

	/* The kernel drops the trap of rt_return where another SIGSYS already waits for the thread: once more. */
	if (ip == (uint64_t)rt_selftrap_done)
		rt_regs_set_ip(regs, ip - RT_SYSCALL_SIZE);
	if (!sigsys_arrives(thread, info, uc, in_program, &unseen)) {
		/* nothing is left to do */
	} else if (!in_program) {
		/* Another has come in this handler: but it is here that both have met the thread, this one first. */
		bool second = thread->early && !thread->world;

		thread->early = false;
		if (second)
			begin_deferring(thread, uc, false);
		/* A call that is not to know of it goes on, unless it has ended, or is to find the signal that is
		 * kept. A hosted hook runs with SIGSYS unblocked. */
		if (thread->world && rt_sigsys_blocked(thread)) {
			rt_sigsys_keep(thread, info);
			/* This one never comes to the program. */
			if (thread->own)
				rt_sigsys_settle(thread);
		} else if (!unseen || rt_sigsys_blocked(thread) || is_interrupted(thread, regs))
			defer(thread, SIGSYS, info, uc, unseen);
		if (second)
			rt_deliver_sigsys_first(thread);
	} else {
		if (rt_in_image(ip))
			rt_context_go_on(uc, &thread->regs);
		if (unseen && ended)
			rt_regs_again(regs, thread->fast_nr);
		if (rt_sigsys_blocked(thread)) {
			rt_sigsys_keep(thread, info);
		} else if (!unseen) {
			struct rt_sigaction action = rt_action_force(thread, SIGSYS);

			rt_deliver(thread, SIGSYS, info, &action, uc, uc->uc_sigmask);
		}
	}
	if (in_program)
		rt_deliver_noted(thread, uc, uc->uc_sigmask);
	else if (thread->signals)
		uc->uc_sigmask |= RT_ALL_BLOCKED;
}

/* Makes the program make a call once more that the guard should have caught: another SIGSYS came in place of the
 * guard's, or one, which may be the guard's, waits for this handler to end. ctx: sigsys, signals blocked */
static void make_missed(struct rt_thread *thread, int sig, struct core_regs *regs)
{
	uint64_t pending = 0;

	if ((rt_in_image(rt_regs_ip(regs)) && !rt_in_world(rt_regs_ip(regs))) || !rt_guard_missed(thread, regs))
		return;
	if (sig != SIGSYS)
		sys(rt_sigpending, &pending, 8);
	if (sig != SIGSYS && !(pending & SIGBIT(SIGSYS)))
		return;
	if (sig != SIGSYS)
		thread->missed = rt_regs_ip(regs);
	rt_regs_set_ip(regs, rt_regs_ip(regs) - RT_SYSCALL_SIZE);
}

/* A call has been made where it stands: see special/uprobe.c. ctx: sigsys */
static void stepped(struct rt_thread *thread, struct ucontext *uc)
{
	long r = rt_guard_arm();

	if (failed(r))
		rt_panic("cannot guard a thread any more", r);
	thread->stepping = false;
	rt_regs_step(rt_context_regs(uc), false);
	uc->uc_sigmask = thread->saved_mask & ~SIGBIT(SIGSYS);
}

/* Whether filters of the program did not judge a call, because it was made by the direct entry. ctx: sigsys */
static bool is_not_judged(const siginfo_t *info)
{
	return rt_sigsys_is(info, SYS_SECCOMP) && info->si_errno == RT_FILTERS_NOT_JUDGED;
}

/* Where the thread is. Behind all gates for verdicts (base/filters.h) it goes on as at rt_gate_done. ctx: sigsys */
static uint64_t find_place(struct core_regs *regs)
{
	uint64_t ip = rt_regs_ip(regs);

	if (is_between(ip, rt_gate_verdicts, rt_gate_verdicts_end) &&
	    ip == rt_filters_gate_done(rt_filters_gate_of(ip))) {
		ip = (uint64_t)rt_gate_done;
		rt_regs_set_ip(regs, ip);
	}
	return ip;
}

/* SIGCHLD in a tracer. Returns whether the program is to get it. If not, a call that it has interrupted goes on: the
 * one of the direct entry at once. ended: that has failed with EINTR. ctx: sigsys, signals blocked */
static bool child_signal(struct rt_thread *thread, siginfo_t *info, struct core_regs *regs, bool ended)
{
	bool done = rt_regs_ip(regs) == (uint64_t)rt_gate_done;
	bool waits = thread->call.nr == __NR_wait4 || thread->call.nr == __NR_waitid;

	if (rt_watch_signal(thread, info, done && waits && !failed((long)rt_regs_result(regs))))
		return true;
	if (done)
		thread->passed_by = true;
	if (ended)
		rt_regs_again(regs, thread->fast_nr);
	return false;
}

/* What was sent to the process has come to a thread of a hook's own, which does not block the signals of faults:
 * another one is to have it. ctx: sigsys, signals blocked */
static void pass_on(const struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc)
{
	uc->uc_sigmask |= SIGBIT(sig);
	sys(rt_sigqueueinfo, thread->tid, sig, info);
}

/* Whether a signal of those that the program leaves to the kernel, and that has come in the runtime or a hook, is to
 * end the process there: a hook may be stuck. Not where hooks are to be told of it, and not in the program's half of
 * the gate: the call is over soon, and then the core file has the program's registers. ctx: sigsys */
static bool ends_here(const struct ucontext *uc, uint64_t ip)
{
	return rt_signal_is_heard(uc) && !rt.tell && !is_between(ip, rt_gate_own_end, rt_gate_page_end);
}

/* Whether the thread blocks a signal that has come. Where SIGSYS is raised, the kernel takes what has a positive
 * si_code in the order of its queue, and so a signal of faults that the thread has queued to itself, blocked or not.
 * Of a fault itself, a thread dies that blocks the signal. ctx: sigsys */
static bool comes_blocked(const struct rt_thread *thread, int sig, const siginfo_t *info, const struct ucontext *uc)
{
	bool awaited = thread->temporary && !(thread->temporary_mask & SIGBIT(sig));

	return SIGBIT(sig) & RT_FAULTS && info->si_code > 0 && uc->uc_sigmask & SIGBIT(sig) && !awaited &&
	       !thread->strict;
}

/* See rt_signal. ctx: sigsys */
static struct rt_thread *arrives(int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_thread *thread = rt_self();
	struct core_regs *regs = rt_context_regs(uc);
	uint64_t ip;
	enum rt_rollback rollback;
	bool returning, ended, cut_short;

	if (sig == SIGSYS)
		rt_guard_undo_restart(info, regs);
	else
		info->si_code = rt_handed_over_code(info->si_code);
	ip = find_place(regs);
	if (sig == SIGSYS && rt_guard_owns(info, ip))
		return caught(thread, info, uc) ? thread : NULL;
	/* One of the guard's has waited for the handler of another signal, and make_missed has seen to its call. */
	if (sig == SIGSYS && thread->missed && rt_sigsys_is(info, SYS_USER_DISPATCH) &&
	    (uint64_t)info->si_call_addr == thread->missed)
		return NULL;
	if (sig == SIGSYS) {
		rt_mask_block_all();
		if (!rt_sigsys_is_forced(info))
			rt_sigsys_comes(thread, info);
	}
	if (thread->own && sig != SIGSYS && info->si_code <= 0) {
		pass_on(thread, sig, info, uc);
		return NULL;
	}
	if (comes_blocked(thread, sig, info, uc)) {
		/* Behind the SIGSYS, which is next. */
		rt_queue_signal(thread, sig, info);
		return NULL;
	}
	if (SIGBIT(sig) & RT_FAULTS && (rt_peek_faulted(sig, info, regs) || rt_tsc_faulted(sig, info, regs) ||
				      rt_gs_faulted(thread, sig, info, uc)))
		return NULL;
	if (sig == SIGTRAP && thread->stepping) {
		stepped(thread, uc);
		return NULL;
	}
	cut_short = is_behind_call(ip) && (long)rt_regs_result(regs) == -EINTR;
	ended = cut_short && ip == (uint64_t)rt_gate_direct_done &&
		thread->fast_nr != __NR_close;
	if (sig == SIGCHLD && rt_watch_concerns(thread, info) && !child_signal(thread, info, regs, ended))
		return NULL;
	rollback = rt_rollback(thread, sig, info, uc);
	if (rollback == RT_GO_ON)
		return NULL;
	if (rollback == RT_ROLLED)
		rt_regs_go_on(regs);
	else
		make_missed(thread, sig, regs);
	ip = rt_regs_ip(regs);
	if (sig == SIGSYS && rollback == RT_ROLLED && is_not_judged(info)) {
		/* Once more, by the guard. */
		rt_gs_give_up();
		rt_regs_again(regs, rt_regs_result(regs));
		return NULL;
	}
	if (sig == SIGSYS) {
		if (rollback == RT_ROLLED && rt_sigsys_is(info, SYS_SECCOMP))
			info->si_call_addr = (void *)ip;
		sigsys(thread, info, uc, ended);
		return NULL;
	}
	returning = rt_returning(ip) && !thread->signals;
	if (SIGBIT(sig) & RT_FAULTS && rt_hook_strayed(thread, sig, info, uc)) {
		rt_crashed(thread, sig, info, uc);
	} else if (!cut_short && rt_hand_over(thread, sig, info)) {
		/* nothing is left to do */
	} else if (!is_inside(thread, ip) || returning) {
		struct rt_sigaction action = rt_action_take(thread, sig, ip, uc);

		if (returning)
			rt_context_go_on(uc, &thread->regs);
		else
			rt_fault_note(thread, sig, info, uc);
		rt_deliver(thread, sig, info, &action, uc, uc->uc_sigmask);
		/* A SIGSYS may have come while a hosted hook was told. */
		if (__builtin_expect(rt.tells_apart, 0))
			rt_deliver_noted(thread, uc, uc->uc_sigmask);
	} else if (is_crash(sig, info, uc, ip)) {
		rt_crashed(thread, sig, info, uc);
	} else if (ends_here(uc, ip)) {
		rt_deliver_default(thread, sig, info, uc);
	} else if (thread->lent & SIGBIT(sig)) {
		keep_blocked(thread, sig, info, uc);
	} else {
		defer(thread, sig, info, uc, false);
	}
	return NULL;
}

/* ctx: sigsys */
struct rt_thread *rt_signal(int sig, siginfo_t *info, struct ucontext *uc)
{
	struct rt_thread *caught = arrives(sig, info, uc);

	if (!caught)
		rt_guard_keep_mark(rt_self(), rt_context_regs(uc));
	return caught;
}
