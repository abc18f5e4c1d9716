#include "rt/tracer/step.h"

#include "rt/base/gate.h"
#include "rt/tracer/exec.h"
#include "rt/tracer/masks.h"

/* ctx: entry; no locks */
bool tracee_steps(const struct tracee *tracee)
{
	return tracee->request == PTRACE_SINGLESTEP || tracee->request == PTRACE_SINGLEBLOCK ||
	       tracee->request == PTRACE_SYSEMU_SINGLESTEP;
}

/* Whether there is a `syscall` instruction in the tracee. ctx: entry */
static bool is_syscall_at(const struct tracee *tracee, uint64_t address)
{
	uint8_t code[RT_SYSCALL_SIZE];

	return !failed(tracee_read(tracee->tid, code, address, sizeof(code))) && rt_is_syscall(code);
}

/* Whether a tracee is in a stop for a signal that has come in a call, or of the whole process, and the call is over: it
 * is shown behind the call, but the runtime has still to lead it there. ctx: entry */
static bool is_behind_call(const struct tracee *tracee)
{
	struct tracee_view view;

	if ((tracee->seen >= 128 && tracee->seen >> 8 != PTRACE_EVENT_STOP) || failed(tracee_view(tracee, &view)) ||
	    (view.result <= -512 && view.result >= -516))
		return false;
	return view.in_gate || view.made || view.kind == RT_STOP_EXIT ||
	       (view.fast == TRACEE_DIRECT && is_syscall_at(tracee, view.shown.rip - RT_SYSCALL_SIZE));
}

/* A step raises SIGTRAP as a fault would. If the program blocks that, the kernel gives it the default action, which
 * must not be because the runtime blocks it. ctx: entry */
static void unblock_trap(const struct tracee *tracee)
{
	uint64_t mask;

	if (tracee->flags & TRACEE_BLOCKS_TRAP ||
	    failed(sys(ptrace, PTRACE_GETSIGMASK, tracee->tid, sizeof(mask), &mask)) || !(mask & SIGBIT(SIGTRAP)))
		return;
	mask &= ~SIGBIT(SIGTRAP);
	sys(ptrace, PTRACE_SETSIGMASK, tracee->tid, sizeof(mask), &mask);
}

/* Whether the program blocks SIGTRAP when a step raises it, which is behind the call that the step leads over. ctx:
 * entry */
static bool blocks_trap(const struct tracee *tracee)
{
	struct tracee_masks masks;
	struct tracee_view view;
	uint64_t nr = ~0ul;

	if (failed(tracee_masks(tracee, &masks)) || failed(tracee_view(tracee, &view)))
		return false;
	if (tracee->flags & TRACEE_IN_CALL)
		nr = view.shown.orig_rax;
	else if (is_syscall_at(tracee, view.shown.rip))
		nr = view.shown.rax;
	return tracee_mask_behind(tracee, nr, &view.shown, masks.program) & SIGBIT(SIGTRAP);
}

/* ctx: entry */
void tracee_prepare_step(struct tracee *tracee, uint64_t request, int sig)
{
	struct tracee_view view;

	tracee->stepped_nr = ~0ul;
	tracee->flags &= ~(uint32_t)(TRACEE_BLOCKS_TRAP | TRACEE_TO_HANDLER);
	if (request == PTRACE_SYSCALL || request == PTRACE_CONT) {
		tracee->flags &= ~(uint32_t)TRACEE_PAST_CALL;
		return;
	}
	if (is_behind_call(tracee))
		tracee->flags |= TRACEE_PAST_CALL;
	/* A handler's first instruction is that of the step. The call behind which the signal has come is known. */
	if (sig && (uint32_t)sig == tracee->seen && tracee_handler(tracee, sig) > (uint64_t)SIG_IGN &&
	    !failed(tracee_view(tracee, &view))) {
		tracee->flags &= ~(uint32_t)TRACEE_PAST_CALL;
		tracee->flags |= TRACEE_TO_HANDLER;
		tracee->stepped_nr = view.shown_nr;
	}
	if (blocks_trap(tracee))
		tracee->flags |= TRACEE_BLOCKS_TRAP;
	unblock_trap(tracee);
}

/* Goes on with the step, inside the runtime. A call that the runtime makes there may block SIGTRAP, which a step over
 * it raises: the tracee is stopped behind it in another way. ctx: entry */
static uint32_t step_on(struct tracee *tracee, const struct tracee_view *view, bool enters)
{
	bool calls = enters || is_syscall_at(tracee, view->ip);

	if (!calls)
		unblock_trap(tracee);
	sys(ptrace, calls ? PTRACE_SYSCALL : tracee_request(tracee), tracee->tid, 0, 0);
	return 0;
}

/* Whether the tracee is in a hosted hook, whose libraries may be anywhere. ctx: entry */
static bool is_in_world(const struct tracee *tracee)
{
	uint64_t thread = rt.bundle->world_count ? tracee_thread(tracee) : 0, world = 0;

	return thread &&
	       !failed(tracee_read(tracee->tid, &world, thread + offsetof(struct rt_thread, world), sizeof(world))) &&
	       world;
}

/* Says where a step has led. The kernel reports the end of a call as TRAP_BRKPT, the begin of a handler as SIGTRAP, and
 * other steps as TRAP_TRACE.
 * ctx: entry */
static void tell_place(const struct tracee *tracee, const siginfo_t *info, int code, const struct tracee_view *view)
{
	siginfo_t step = *info;

	step.si_code = code;
	step.si_addr = (void *)view->shown.rip;
	sys(ptrace, PTRACE_SETSIGINFO, tracee->tid, 0, &step);
}

/* Makes the registers real that the program has after the step, and of a call that it was the number. ctx: entry */
static bool load_shown(const struct tracee *tracee, const struct tracee_view *view)
{
	struct tracee_view loaded = *view;

	if (tracee->stepped_nr != ~0ul)
		loaded.shown.orig_rax = tracee->stepped_nr;
	return !failed(tracee_load_shown(tracee, &loaded));
}

/* A step raises SIGTRAP as a fault would: to ignore or block it does not help, the kernel gives it the default action.
 * A SIGTRAP that came in the call over which the step led is in the queue before, and there is one place for both.
 * ctx: entry */
static uint32_t show_step(struct tracee *tracee)
{
	tracee->flags &= ~(uint32_t)TRACEE_IN_CALL;
	if (tracee->flags & TRACEE_HOLDS && tracee->held.si_signo == SIGTRAP) {
		tracee->flags &= ~(uint32_t)TRACEE_HOLDS;
		sys(ptrace, PTRACE_SETSIGINFO, tracee->tid, 0, &tracee->held);
	}
	if (tracee->flags & TRACEE_BLOCKS_TRAP || tracee_handler(tracee, SIGTRAP) == (uint64_t)SIG_IGN)
		tracee_default(tracee, SIGTRAP);
	return SIGTRAP;
}

/* ctx: entry */
uint32_t tracee_stepped(struct tracee *tracee, const struct tracee_view *view, const siginfo_t *info, bool enters)
{
	bool in_world = is_in_world(tracee), outside = view->ip - tracee->bundle >= tracee->size && !in_world;
	bool behind = outside || view->returns, into = tracee->flags & TRACEE_TO_HANDLER;
	enum tracee_fast fast = in_world ? TRACEE_NOT_FAST : view->fast;

	if (!(tracee->flags & TRACEE_TO_HANDLER) && (view->in_gate || fast == TRACEE_DIRECT) &&
	    view->real.orig_rax != ~0ul)
		tracee->stepped_nr = view->shown_nr;
	if (!tracee->bundle)
		return show_step(tracee);
	if (fast == TRACEE_STUB)
		return tracee_run_on(tracee, 0);
	if (tracee->flags & TRACEE_PAST_CALL && behind && (outside || load_shown(tracee, view))) {
		/* It has only led back to the program, of which it is to do one instruction. */
		tracee->flags &= ~(uint32_t)TRACEE_PAST_CALL;
		tracee->stepped_nr = ~0ul;
		return tracee_run_on(tracee, 0);
	}
	if (fast == TRACEE_STUB_DONE) {
		/* The tracee goes on at the site's own `syscall`, which the guard catches. */
		(void)!load_shown(tracee, view);
		tell_place(tracee, info, info->si_code, view);
		return show_step(tracee);
	}
	/* After a step over iretq the kernel would take the trap flag that it set itself for the program's: so the
	 * registers are loaded by ptrace instead. */
	if (!behind || (!outside && !load_shown(tracee, view)))
		return step_on(tracee, view, enters);
	/* An instruction of the program, which may have raised SIGTRAP itself. */
	if (outside &&
	    (info->si_code == SI_KERNEL || (info->si_code == TRAP_TRACE && tracee->stepped_nr == ~0ul && !into)))
		return show_step(tracee);
	/* After a call that was not made the step is that of the next instruction. */
	if (tracee->request == PTRACE_SYSEMU_SINGLESTEP && tracee->flags & TRACEE_IN_CALL) {
		tracee->flags &= ~(uint32_t)TRACEE_IN_CALL;
		tracee->stepped_nr = ~0ul;
		return tracee_run_on(tracee, 0);
	}
	if (outside)
		(void)!load_shown(tracee, view);
	tell_place(tracee, info, into ? SIGTRAP : TRAP_BRKPT, view);
	return show_step(tracee);
}
