/*
 * Signals, for the hook `inject`. A tracer can let a call begin with a signal pending. Inside of the program the signal
 * is there at once; so the hook finds out whether the call would wait, and be interrupted.
 */
#ifndef HOOKS_INJECT_SIGNAL_H
#define HOOKS_INJECT_SIGNAL_H

#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "inject_count.h"

/* For what a call waits. */
enum wait { WAITS_TO_READ, WAITS_TO_WRITE, WAITS_FOR_EVENTS, WAITS_FOR_CHILD, WAITS_FOR_LOCK, WAITS_FOR_FUTEX, WAITS };

static const struct {
	uint16_t nr;
	uint8_t how;	  /* enum wait */
	uint8_t restarts; /* the kernel makes the call again after a handler that wants that (SA_RESTART) */
} waits[] = {
	{ SYS_read, WAITS_TO_READ, 1 },
	{ SYS_readv, WAITS_TO_READ, 1 },
	{ SYS_recvfrom, WAITS_TO_READ, 1 },
	{ SYS_recvmsg, WAITS_TO_READ, 1 },
	{ SYS_recvmmsg, WAITS_TO_READ, 1 },
	{ SYS_accept, WAITS_TO_READ, 1 },
	{ SYS_accept4, WAITS_TO_READ, 1 },
	{ SYS_write, WAITS_TO_WRITE, 1 },
	{ SYS_writev, WAITS_TO_WRITE, 1 },
	{ SYS_sendto, WAITS_TO_WRITE, 1 },
	{ SYS_sendmsg, WAITS_TO_WRITE, 1 },
	{ SYS_poll, WAITS_FOR_EVENTS, 0 },
	{ SYS_ppoll, WAITS_FOR_EVENTS, 0 },
	{ SYS_wait4, WAITS_FOR_CHILD, 1 },
	{ SYS_waitid, WAITS_FOR_CHILD, 1 },
	{ SYS_flock, WAITS_FOR_LOCK, 1 },
	{ SYS_futex, WAITS_FOR_FUTEX, 1 },
	{ SYS_pause, WAITS, 0 },
	{ SYS_rt_sigsuspend, WAITS, 0 },
	{ SYS_rt_sigtimedwait, WAITS, 0 },
	{ SYS_nanosleep, WAITS, 0 },
	{ SYS_clock_nanosleep, WAITS, 0 },
	{ SYS_select, WAITS, 0 },
	{ SYS_pselect6, WAITS, 0 },
	{ SYS_epoll_wait, WAITS, 0 },
	{ SYS_epoll_pwait, WAITS, 0 },
	{ SYS_epoll_pwait2, WAITS, 0 },
	{ SYS_semop, WAITS, 0 },
	{ SYS_semtimedop, WAITS, 0 },
	{ SYS_msgsnd, WAITS, 0 },
	{ SYS_msgrcv, WAITS, 0 },
	{ SYS_mq_timedsend, WAITS, 1 },
	{ SYS_mq_timedreceive, WAITS, 1 },
	{ SYS_io_getevents, WAITS, 0 },
};

/* As from the kernel, to this thread. */
static void send_signal(const struct k23_inject_rule *rule)
{
	siginfo_t info = { 0 };

	info.si_signo = rule->signal;
	info.si_code = SI_KERNEL;
	k23_syscall(SYS_rt_tgsigqueueinfo, (unsigned)k23_pid(), (unsigned)k23_tid(), rule->signal,
		    (unsigned long)&info, 0, 0);
}

static int has_events(int fd, short events)
{
	struct pollfd poll = { .fd = fd, .events = events };

	return k23_syscall(SYS_poll, (unsigned long)&poll, 1, 0, 0, 0, 0) != 0;
}

/* Whether a child can be waited for, or there is none. */
static int has_child(const struct k23_call *call)
{
	unsigned long which = P_ALL, id = 0, options = WEXITED | WNOHANG | WNOWAIT;
	int pid = (int)call->args[0];
	siginfo_t info = { 0 };

	if (call->nr == SYS_waitid) {
		which = call->args[0];
		id = call->args[1];
		options |= call->args[3];
	} else {
		which = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
		id = pid > 0 ? (unsigned)pid : pid < -1 ? (unsigned)-pid : 0;
		options |= call->args[2] & WUNTRACED ? WSTOPPED : 0;
	}
	return k23_syscall(SYS_waitid, which, id, (unsigned long)&info, options, 0, 0) < 0 || info.si_pid;
}

static int is_futex_wait(const struct k23_call *call)
{
	switch (call->args[1] & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		return 1;
	}
	return 0;
}

/* Which row of the table says of the call that it would wait; otherwise -1. */
static int find_wait(const struct k23_call *call)
{
	unsigned i = 0;
	int waiting = 1;

	while (i < sizeof(waits) / sizeof(waits[0]) && waits[i].nr != call->nr)
		i++;
	if (call->arch != K23_ARCH_X86_64 || i == sizeof(waits) / sizeof(waits[0]))
		return -1;
	switch ((enum wait)waits[i].how) {
	case WAITS_TO_READ:
		waiting = !has_events((int)call->args[0], POLLIN);
		break;
	case WAITS_TO_WRITE:
		waiting = !has_events((int)call->args[0], POLLOUT);
		break;
	case WAITS_FOR_EVENTS:
		waiting = !k23_syscall(SYS_poll, call->args[0], call->args[1], 0, 0, 0, 0);
		break;
	case WAITS_FOR_CHILD:
		waiting = !(call->args[call->nr == SYS_waitid ? 3 : 2] & WNOHANG) && !has_child(call);
		break;
	case WAITS_FOR_LOCK: /* what can be had is had, and then had again by the program's call */
		waiting = k23_syscall(SYS_flock, call->args[0], call->args[1] | LOCK_NB, 0, 0, 0, 0) == -EAGAIN &&
			  !(call->args[1] & LOCK_NB);
		break;
	case WAITS_FOR_FUTEX:
		waiting = is_futex_wait(call);
		break;
	case WAITS:
		break;
	}
	return waiting ? (int)i : -1;
}

/* Whether the signal's handler wants that calls go on. */
static int handler_restarts(const struct k23_inject_rule *rule)
{
	struct {
		unsigned long handler, flags, restorer, mask;
	} action = { 0, 0, 0, 0 };

	k23_syscall(SYS_rt_sigaction, rule->signal, 0, (unsigned long)&action, sizeof(action.mask), 0, 0);
	return (action.flags & SA_RESTART) != 0;
}

/* Makes a call that begins with the signal pending. One that waits is interrupted; of one that does not, the signal
 * comes when it is over. */
static long forward_signalled(const struct k23_inject_rule *rule, struct k23_call *call)
{
	int wait = find_wait(call);
	long result;

	if (wait < 0) {
		result = forward(call);
		if (result != -K23_ERESTART)
			send_signal(rule);
		return result;
	}
	send_signal(rule);
	result = forward(call); /* is not made if the signal is there */
	if (result != -K23_ERESTART)
		return result;
	/* What waits for some time does not wait for all of it again. */
	if (waits[wait].restarts && handler_restarts(rule) && !(call->nr == SYS_futex && call->args[3]))
		return result;
	return -EINTR;
}

#endif
