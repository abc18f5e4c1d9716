#include "rt/tracer/stops.h"

#include <asm/errno.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>

#include "rt/base/chain.h"
#include "rt/base/gate.h"
#include "rt/tracer/exec.h"
#include "rt/tracer/ptraced.h"
#include "rt/tracer/step.h"
#include "rt/tracer/view.h"

/* The record of a task that has stopped. If the task is new and did not ask to be traced, the kernel gave it to this
 * tracer because of the options of the task's creator: the record gets these options. ctx: entry */
static struct tracee *meet_task(int tid, uint32_t stop)
{
	struct tracee *tracee = tracee_find(tid), *new;

	if (tracee)
		return tracee;
	new = tracee_adopt(tid);
	if (!new || (stop >> 8 == 0 && stop != SIGSTOP))
		return new;
	tracee_inherit(new);
	return new;
}

/* Makes a record for the new task of a fork, vfork or clone event, like that of its parent. The task may have stopped,
 * and so have a record, before the event is reported. ctx: entry */
static void follow_task(const struct tracee *parent)
{
	unsigned long tid = 0;
	struct tracee *child;

	if (failed(sys(ptrace, PTRACE_GETEVENTMSG, parent->tid, 0, &tid)))
		return;
	child = tracee_adopt((int)tid);
	if (!child)
		return;
	child->options = parent->options;
	child->flags |= parent->flags & (TRACEE_SEIZED | TRACEE_MARKED | TRACEE_CALLS);
	child->bundle = parent->bundle;
	child->gate = parent->gate;
	child->size = parent->size;
}

/* Whether the calls of the tracee's program are not made. ctx: entry; no locks */
static bool emulates(const struct tracee *tracee)
{
	return tracee->request == PTRACE_SYSEMU || tracee->request == PTRACE_SYSEMU_SINGLESTEP;
}

/* ctx: entry */
static uint32_t show_call_entry(struct tracee *tracee, uint32_t stop)
{
	tracee->flags &= ~(uint32_t)TRACEE_CAUGHT;
	tracee->flags |= TRACEE_IN_CALL | (emulates(tracee) ? TRACEE_SKIPS : 0);
	return stop;
}

/* ctx: entry */
static uint32_t show_call_exit(struct tracee *tracee, uint32_t stop)
{
	tracee->flags &= ~(uint32_t)TRACEE_IN_CALL;
	return tracee->request == PTRACE_SYSCALL ? stop : tracee_run_on(tracee, 0);
}

/* ctx: entry */
static void send_held(struct tracee *tracee)
{
	tracee->flags &= ~(uint32_t)TRACEE_HOLDS;
	tracee->flags |= TRACEE_SENT;
	sys(tkill, tracee->tid, tracee->held.si_signo);
}

/* The entry stop of a system call, of the tracee's program or runtime. Returns the stop to show, or 0. ctx: entry */
static uint32_t meet_call_entry(struct tracee *tracee, const struct tracee_view *view, uint32_t stop)
{
	uint32_t *flags = &tracee->flags;
	uint64_t ip = view->ip;

	if (view->kind == RT_STOP_ENTRY || view->fast == TRACEE_DIRECT ||
	    (view->in_gate && !(*flags & TRACEE_IN_CALL)))
		return show_call_entry(tracee, stop);
	if (view->kind || view->in_gate) {
		if (*flags & TRACEE_HOLDS && view->in_gate)
			send_held(tracee);
		return tracee_run_on(tracee, 0);
	}
	if (!tracee->bundle || ip - tracee->bundle >= tracee->size)
		return show_call_entry(tracee, stop);
	/* A runtime that makes no stops, as that of a tracee which is not dumpable, makes the program's last call by
	 * itself, and none of its own that ends a thread. */
	if (!(*flags & (TRACEE_CALLS | TRACEE_IN_CALL)) && (view->nr == __NR_exit || view->nr == __NR_exit_group))
		return show_call_entry(tracee, stop);
	*flags |= TRACEE_OWN_CALL;
	if (view->waits && *flags & TRACEE_HOLDS)
		send_held(tracee);
	if (ip == tracee_in_gate(tracee, rt_gate_sigreturn_ip) && *flags & TRACEE_IN_CALL)
		*flags |= TRACEE_SIGRETURN;
	return tracee_run_on(tracee, 0);
}

/* The exit stop of a system call, of the tracee's program or runtime. Returns the stop to show, or 0. ctx: entry */
static uint32_t meet_call_exit(struct tracee *tracee, const struct tracee_view *view, uint32_t stop)
{
	uint32_t *flags = &tracee->flags, before = *flags;
	uint64_t ip = view->ip;
	bool ends = false;

	*flags &= ~(uint32_t)(TRACEE_OWN_CALL | TRACEE_SIGRETURN);
	if (before & TRACEE_OWN_CALL)
		ends = before & TRACEE_SIGRETURN;
	else if (view->kind)
		ends = view->kind == RT_STOP_EXIT;
	else if (view->fast == TRACEE_DIRECT)
		ends = true;
	else if (view->in_gate)
		/* The program will make the call again; or the runtime makes no exit stop of its own. */
		ends = view->restarts || !(*flags & TRACEE_CALLS);
	else if (tracee->bundle && (ip - tracee->bundle < tracee->size || view->nr == ~0ul))
		ends = false;
	else
		return show_call_exit(tracee, stop);
	if (!ends || !(before & TRACEE_IN_CALL))
		return tracee_run_on(tracee, 0);
	*flags |= TRACEE_PAST_CALL;
	return show_call_exit(tracee, stop);
}

/* A stop with SIGTRAP: of a system call, of a single step, or of the program's own. Returns the stop to show, or 0.
 * ctx: entry */
static uint32_t meet_trap(struct tracee *tracee, const siginfo_t *info, uint32_t stop)
{
	bool of_call = info->si_code == SIGTRAP || info->si_code == (SIGTRAP | 0x80);
	unsigned long message = 0;
	struct tracee_view view;

	if (failed(tracee_view(tracee, &view)))
		return stop;
	if (of_call)
		sys(ptrace, PTRACE_GETEVENTMSG, tracee->tid, 0, &message);
	if (of_call && tracee_request(tracee) == PTRACE_SYSCALL) {
		if (message == PTRACE_EVENTMSG_SYSCALL_ENTRY)
			return meet_call_entry(tracee, &view, stop);
		if (message == PTRACE_EVENTMSG_SYSCALL_EXIT)
			return meet_call_exit(tracee, &view, stop);
	}
	if (!tracee_steps(tracee))
		return stop;
	return tracee_stepped(tracee, &view, info, message == PTRACE_EVENTMSG_SYSCALL_ENTRY);
}

/* Whether the call of the tracee's program has not come to the kernel yet, or the kernel is done with it and only the
 * runtime has still to end it. A wait that a hook makes instead is the call as long as it waits. Not so for a wait of
 * a tracee that has tracees itself, whose runtime may wait again. ctx: entry */
static bool is_call_elsewhere(const struct tracee *tracee, const struct tracee_view *view)
{
	if (!view->in_gate && !view->waits)
		return view->in_call;
	if (view->restarts || view->result == -EINTR)
		return false;
	if (view->waits)
		return true;
	return (view->shown_nr != __NR_wait4 && view->shown_nr != __NR_waitid) || !tracee_count(tracee);
}

/* Whether the kernel is about to take the default action for a signal that the tracer was shown before: the runtime has
 * queued it again for that. A tracer may see the registers at the tracee's death, and the way through the runtime has
 * changed some of what was shown. Where this is not its death, the next one is another. ctx: entry */
static bool is_dying(const struct tracee *tracee, uint32_t sig)
{
	const uint32_t none = 0;
	uint64_t at = tracee_thread(tracee);
	uint32_t dies_of = 0;

	if (!at)
		return false;
	at += offsetof(struct rt_thread, dies_of);
	if (failed(tracee_read(tracee->tid, &dies_of, at, sizeof(dies_of))) || dies_of != sig ||
	    failed(tracee_write(tracee->tid, at, &none, sizeof(none))))
		return false;
	if (tracee->signalled.cs)
		sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &tracee->signalled);
	return true;
}

/* Whether a signal has come where natively none would stop the tracee: the entry stop of a call was shown, and the
 * exit stop not yet; or the call was made by a step, whose stop comes first. Natively such a signal ends the call if
 * that sleeps, and is a stop after the exit stop. A fault is that of the program or a hook, unless the call raises it.
 * A signal that ended the sleep of the call is shown at once, as it may be blocked after the call. ctx: entry */
static bool is_early(const struct tracee *tracee, const siginfo_t *info)
{
	bool shows = tracee->flags & TRACEE_IN_CALL && tracee->request == PTRACE_SYSCALL;
	bool steps_over = tracee_steps(tracee) && !(tracee->flags & TRACEE_PAST_CALL);
	struct tracee_view view;

	if ((!shows && !steps_over) || failed(tracee_view(tracee, &view)) || !is_call_elsewhere(tracee, &view) ||
	    (steps_over && !view.in_gate && !view.made))
		return false;
	return !(SIGBIT(info->si_signo) & RT_FAULTS) || info->si_code <= 0 || view.in_gate;
}

/* A stop for a signal. One that is early is held back until the call begins, or its exit stop is shown. Returns the
 * stop to show, or 0. ctx: entry */
static uint32_t meet_signal(struct tracee *tracee, const siginfo_t *info, uint32_t stop)
{
	uint32_t *flags = &tracee->flags;
	bool again = *flags & TRACEE_SENT && info->si_signo == tracee->held.si_signo;

	if (!again && is_dying(tracee, stop))
		return tracee_run_on(tracee, (int)stop);
	if ((again || !(*flags & (TRACEE_HOLDS | TRACEE_SENT))) && is_early(tracee, info)) {
		if (!again)
			tracee->held = *info;
		*flags &= ~(uint32_t)TRACEE_SENT;
		*flags |= TRACEE_HOLDS;
		return tracee_run_on(tracee, 0);
	}
	if (again) {
		*flags &= ~(uint32_t)TRACEE_SENT;
		sys(ptrace, PTRACE_SETSIGINFO, tracee->tid, 0, &tracee->held);
	}
	return stop;
}

/* Whether the tracee is in a call that its runtime treats itself, which has to know of a filter's trap before its end.
 * ctx: entry */
static bool is_in_special_call(const struct tracee *tracee)
{
	struct tracee_view view;

	return failed(tracee_view(tracee, &view)) || rt_chain_special(view.shown_nr);
}

/* Whether the tracee's program uses Syscall User Dispatch itself, and a call is one that this takes. ctx: entry */
static bool is_for_program(const struct tracee *tracee, uint64_t ip)
{
	uint64_t thread = tracee_thread(tracee);
	struct rt_dispatch_request dispatch;
	uint8_t selector = SYSCALL_DISPATCH_FILTER_BLOCK;

	if (!thread || failed(tracee_read(tracee->tid, &dispatch, thread + offsetof(struct rt_thread, dispatch),
					  sizeof(dispatch))))
		return false;
	/* That of a hosted hook is not the program's, as rt_signal finds, too. */
	if (!dispatch.on || ip - dispatch.start < dispatch.size || ip - tracee->bundle < tracee->size)
		return false;
	return !dispatch.selector || failed(tracee_read(tracee->tid, &selector, dispatch.selector, 1)) ||
	       selector != SYSCALL_DISPATCH_FILTER_ALLOW;
}

/* Whether the program of the tracee blocks SIGSYS, of which the kernel knows nothing. While the kernel blocks it, it
 * is a call of the program that lets one through. ctx: entry */
static bool blocks_sigsys(const struct tracee *tracee)
{
	uint64_t address = tracee_thread(tracee);
	struct rt_thread thread;

	if (!address ||
	    failed(tracee_read(tracee->tid, &thread, address, offsetof(struct rt_thread, sigsys_queued))))
		return false;
	return !thread.sigsys_held && rt_sigsys_blocked(&thread);
}

/* The kernel has given the tracee a SIGSYS that a thread of it has announced (signal/sigsys.h): from now on it is the
 * tracer's, who may change or drop it. ctx: entry */
static void withdraw_announced(const struct tracee *tracee, const siginfo_t *info)
{
	uint64_t at = tracee_thread(tracee);
	const uint32_t none = 0;
	struct rt_thread thread;

	if (info->si_code != SI_TKILL || !at ||
	    failed(tracee_read(tracee->tid, &thread, at, offsetof(struct rt_thread, sigsys_info))) ||
	    !thread.sigsys_due || (uint32_t)info->si_pid != thread.sigsys_pending)
		return;
	(void)!tracee_write(tracee->tid, at + offsetof(struct rt_thread, sigsys_due), &none, sizeof(thread.sigsys_due));
	(void)!tracee_write(tracee->tid, at + offsetof(struct rt_thread, sigsys_pending), &none, sizeof(none));
}

/* A stop for SIGSYS: the guard's, a rendezvous, or the program's. Returns the stop to show, or 0. ctx: entry */
static uint32_t meet_sigsys(struct tracee *tracee, const siginfo_t *info)
{
	if (!tracee->bundle)
		return SIGSYS;
	if (rt_sigsys_is(info, SYS_USER_DISPATCH) &&
	    (!is_for_program(tracee, (uint64_t)info->si_call_addr) || is_dying(tracee, SIGSYS))) {
		if (tracee->request == PTRACE_SYSEMU_SINGLESTEP)
			tracee->flags |= TRACEE_CAUGHT;
		return tracee_run_on(tracee, SIGSYS);
	}
	if (rt_sigsys_is(info, SYS_USER_DISPATCH) ||
	    (rt_sigsys_is(info, SYS_SECCOMP) && is_in_special_call(tracee)))
		return SIGSYS;
	if (info->si_code == SI_QUEUE && !(tracee->flags & TRACEE_SENT)) {
		uint32_t stop = tracee_meets(tracee, info);

		if (stop != SIGSYS)
			return stop;
	}
	/* A filter's is forced, also where it was held back and is sent again. One that a process sent is no stop while
	 * it is blocked: the tracee's runtime keeps it. */
	if (!rt_sigsys_is(info, SYS_SECCOMP) && !(tracee->flags & TRACEE_SENT) && blocks_sigsys(tracee))
		return tracee_run_on(tracee, SIGSYS);
	withdraw_announced(tracee, info);
	return meet_signal(tracee, info, SIGSYS);
}

/* ctx: entry; no locks */
bool tracee_in_signal_stop(const struct tracee *tracee)
{
	siginfo_t info;

	return tracee->seen < 128 && !failed(sys(ptrace, PTRACE_GETSIGINFO, tracee->tid, 0, &info)) &&
	       (info.si_signo != SIGTRAP || (info.si_code & ~0x80) != SIGTRAP);
}

/* ctx: entry */
int tracee_release(struct tracee *tracee, uint64_t request, int sig)
{
	int held = tracee->held.si_signo;
	struct tracee_view view;

	if (tracee->flags & TRACEE_EXEC_STOP)
		sig = 0;
	tracee->signalled.cs = 0;
	if (sig && !failed(tracee_view(tracee, &view)))
		tracee->signalled = view.shown;
	if (!(tracee->flags & TRACEE_HOLDS) || (tracee->flags & TRACEE_IN_CALL && request == PTRACE_SYSCALL))
		return sig;
	if (sig || tracee->flags & TRACEE_IN_CALL || tracee_in_signal_stop(tracee)) {
		send_held(tracee);
		return sig;
	}
	tracee->flags &= ~(uint32_t)TRACEE_HOLDS;
	tracee->flags |= TRACEE_SENT;
	return held;
}

/* ctx: entry */
static uint32_t classify_stop(struct tracee *tracee, const siginfo_t *info, uint32_t stop)
{
	switch (stop >> 8) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		follow_task(tracee);
		return stop;
	case PTRACE_EVENT_EXEC:
		return tracee_execs(tracee, stop);
	case PTRACE_EVENT_SECCOMP:
		tracee->flags |= TRACEE_IN_CALL;
		return stop;
	case 0:
		if (stop == SIGSYS)
			return meet_sigsys(tracee, info);
		/* One that was held back is the kernel's when it comes again. */
		if (stop == SIGTRAP && info->si_code == SI_KERNEL && tracee->flags & TRACEE_SENT)
			return meet_signal(tracee, info, stop);
		if (stop == (SIGTRAP | 0x80) || (stop == SIGTRAP && info->si_code > 0))
			return meet_trap(tracee, info, stop);
		return meet_signal(tracee, info, stop);
	default:
		return stop;
	}
}

/* ctx: entry */
uint32_t tracee_stopped(int tid, uint32_t stop, bool looked)
{
	struct tracee *tracee;
	siginfo_t info;
	long r = sys(ptrace, PTRACE_GETSIGINFO, tid, 0, &info);

	/* An error: the task is not traced, or another thread of this process traces it. But EINVAL: the stop is one of
	 * the whole process, which has no siginfo. */
	if (failed(r) && r != -EINVAL)
		return stop;
	tracee = meet_task(tid, stop);
	if (!tracee) {
		if (r != 0 || stop != SIGSYS || !rt_sigsys_is(&info, SYS_USER_DISPATCH))
			return stop;
		sys(ptrace, PTRACE_CONT, tid, 0, SIGSYS);
		return 0;
	}
	if (tracee->flags & TRACEE_SEEN) {
		tracee->flags &= ~(uint32_t)(looked ? 0 : TRACEE_SEEN);
		return tracee->seen;
	}
	tracee->flags &= ~(uint32_t)(TRACEE_SHOWN | TRACEE_TOLD);
	if (stop >> 8 != PTRACE_EVENT_EXEC)
		tracee_locate(tracee);
	if (!(tracee->flags & TRACEE_MARKED))
		tracee_mark(tracee, RT_PTRACED);
	if (r == 0)
		stop = classify_stop(tracee, &info, stop);
	if (stop)
		tracee->flags |= TRACEE_SHOWN | (looked ? TRACEE_SEEN : 0);
	tracee->seen = stop;
	return stop;
}
