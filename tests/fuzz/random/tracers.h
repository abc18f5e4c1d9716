/*
 * A tracer that looks at everything and changes much, of a tracee that makes processes of its own.
 */
#ifndef FUZZ_RANDOM_TRACERS_H
#define FUZZ_RANDOM_TRACERS_H

#include <elf.h>
#include <sys/uio.h>

static void traced_step(void)
{
	static const int raised[] = { SIGUSR1, SIGWINCH, SIGURG, SIGTRAP, SIGSYS, SIGSTOP, 37 };
	const char *words[] = { "random", "nothing", NULL };
	pid_t pid;
	int status;

	uint32_t kind = draw(9);

	say("tracee does %u", kind);
	switch (kind) {
	case 0:
	case 1: raw(PICK(filtered)); break;
	case 2: raw(SYS_tgkill, getpid(), gettid(), PICK(raised)); break;
	case 3:
		pid = fork();
		if (pid == 0)
			raw(SYS_exit_group, 3);
		while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
			;
		break;
	case 4:
		pid = vfork();
		if (pid == 0) {
			if (draw(2))
				execv(program, (char **)words);
			_exit(4);
		}
		while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
			;
		break;
	case 5: {
		struct timespec short_time = { 0, 1000 };

		raw(SYS_nanosleep, &short_time, NULL);
		break;
	}
	case 6: __asm__ volatile("int3"); break;
	case 7: raw(SYS_write, -1, "abc", 3); break;
	default: raw(draw(2) ? SYS_getpgrp : 1000); break;
	}
}

static void on_ignored(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("tracee heard %d, code %d, value %d", sig, info->si_code,
	    info->si_code == SI_QUEUE ? info->si_value.sival_int : -1);
}

static void wide_traced(bool seize, uint32_t steps, uint64_t seed)
{
	struct sigaction action = { .sa_sigaction = on_ignored, .sa_flags = SA_SIGINFO };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGSYS, &action, NULL);
	sigaction(37, &action, NULL);
	prctl(PR_SET_DUMPABLE, 1);
	if (!seize)
		ptrace(PTRACE_TRACEME, 0, 0, 0);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	state = seed;
	for (; steps; steps--)
		traced_step();
	if (draw(3) == 0) {
		const char *words[] = { "random", "nothing", NULL };

		execv(program, (char **)words);
	}
	raw(SYS_exit_group, 5);
}

struct ptrace_info {
	uint8_t op, reserved;
	uint16_t more;
	uint32_t arch;
	uint64_t ip, sp, nr, args[6];
	uint64_t room[4];
};

static void look(pid_t pid, pid_t first, int status)
{
	struct user_regs_struct regs;
	struct ptrace_info info;
	struct iovec iov = { &regs, sizeof(regs) };
	siginfo_t siginfo;
	uint64_t mask = 0;
	unsigned long message = 0;
	long r;

	switch (draw(8)) {
	case 0:
	case 1:
		r = ptrace(PTRACE_GETREGS, pid, 0, &regs);
		say("  registers %ld: %ld, result %ld, cs %lx", r, (long)regs.orig_rax,
		    (long)regs.rax < 0 ? (long)regs.rax : 0, (long)regs.cs);
		break;
	case 2:
		r = ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
		say("  set %ld: %zu, %ld", r, iov.iov_len, (long)regs.orig_rax);
		break;
	case 3:
		memset(&info, 0, sizeof(info));
		r = ptrace((enum __ptrace_request)0x420e, pid, sizeof(info), &info);
		say("  info %ld: op %u, arch %x, nr %ld", r, info.op, info.arch,
		    info.op == 1 || info.op == 3	? (long)info.nr
		    : info.op == 2 && (long)info.nr < 0 ? (long)info.nr
							: 0);
		break;
	case 4:
		memset(&siginfo, 0, sizeof(siginfo));
		r = ptrace(PTRACE_GETSIGINFO, pid, 0, &siginfo);
		say("  siginfo %ld: signal %d, code %x, errno %d", r, siginfo.si_signo, siginfo.si_code,
		    r ? errno : siginfo.si_errno);
		break;
	case 5:
		r = ptrace((enum __ptrace_request)0x420a, pid, 8, &mask);
		say("  mask %ld: %lx", r, (long)mask);
		break;
	case 6:
		errno = 0;
		r = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, orig_rax), 0);
		say("  user %ld", r);
		break;
	default:
		r = ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
		say("  message %ld: %ld", r,
		    status >> 16 == PTRACE_EVENT_EXIT ? (long)message
		    : message == (unsigned long)first ? -1
		    : message < 3		      ? (long)message
						      : 0);
		break;
	}
}

static void do_wide_tracer(void)
{
	static const long options[] = {
		PTRACE_O_TRACESYSGOOD, PTRACE_O_TRACEVFORKDONE, PTRACE_O_TRACEEXEC,
		PTRACE_O_TRACEEXIT,    PTRACE_O_EXITKILL,
	};
	uint32_t steps = 1 + draw(5);
	uint64_t seed = (uint64_t)draw(1u << 30) << 20 | 1;
	bool seize = draw(2), stop_at_calls = draw(3) != 0;
	long chosen = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	pid_t pid, first, running[8], now;
	int status = 0, stops = 0, count = 1;

	if (depth >= MAX_DEPTH || nested)
		return;
	for (uint32_t n = draw(6); n; n--)
		chosen |= PICK(options);
	pid = first = fork();
	if (pid == 0)
		wide_traced(seize, steps, seed);
	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	say("first stop %x, %s, options %lx, %s", (unsigned)status, seize ? "seize" : "attach", chosen,
	    stop_at_calls ? "calls" : "cont");
	if (seize) {
		say("seized: %ld", ptrace(PTRACE_SEIZE, pid, 0, chosen));
		NEED(waitpid(pid, &status, 0) == pid);
		say("group stop: %x", (unsigned)status);
		kill(pid, SIGCONT);
	} else {
		say("options: %ld", ptrace(PTRACE_SETOPTIONS, pid, 0, chosen));
	}
	running[0] = pid;
	ptrace(stop_at_calls ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, 0);
	/* The newest tracee runs until it ends, and then the one before it: there is one order. */
	while (count) {
		int sig, event;

		now = running[count - 1];
		do
			pid = waitpid(now, &status, __WALL);
		while (pid < 0 && errno == EINTR);
		if (pid < 0) {
			say("lost: %d", errno);
			break;
		}
		if (!WIFSTOPPED(status)) {
			say("%d ended: %x", count, (unsigned)status);
			count--;
			if (count)
				ptrace(stop_at_calls ? PTRACE_SYSCALL : PTRACE_CONT, running[count - 1], 0, 0);
			continue;
		}
		sig = WSTOPSIG(status);
		event = status >> 16;
		say("%d stop %x", count, (unsigned)status);
		if (stops++ < 40 && draw(2))
			look(pid, first, status);
		if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_VFORK) {
			unsigned long message = 0;
			pid_t child;

			NEED(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) == 0);
			child = (pid_t)message;
			NEED(waitpid(child, &status, __WALL) == child);
			say("child's stop %x", (unsigned)status);
			if (count < 8)
				running[count++] = child;
			ptrace(stop_at_calls ? PTRACE_SYSCALL : PTRACE_CONT, child, 0, 0);
			continue;
		}
		if (event || sig == (SIGTRAP | 0x80) || (sig == SIGSTOP && stops > 3))
			sig = 0;
		/* Without PTRACE_O_TRACESYSGOOD only this tells a call's stop from a trap. */
		if (sig == SIGTRAP) {
			siginfo_t info = { 0 };

			ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
			if (info.si_code == SIGTRAP || info.si_code == TRAP_TRACE || info.si_code == TRAP_BRKPT)
				sig = 0;
		}
		if (stops > 60)
			stop_at_calls = false;
		if (stops < 30 && draw(16) == 0 && sig && sig != SIGTRAP) {
			siginfo_t info;

			if (ptrace(PTRACE_GETSIGINFO, pid, 0, &info) == 0) {
				info.si_code = SI_QUEUE;
				info.si_value.sival_int = 77;
				say("  changed: %ld", ptrace(PTRACE_SETSIGINFO, pid, 0, &info));
			}
		}
		if (draw(24) == 0 && count == 1) {
			say("  detaching");
			NEED(ptrace(PTRACE_DETACH, pid, 0, sig) == 0);
			do {
				pid = waitpid(now, &status, WUNTRACED);
				if (pid == now && WIFSTOPPED(status))
					kill(now, SIGCONT);
			} while ((pid < 0 && errno == EINTR) || (pid == now && WIFSTOPPED(status)));
			say("ended by itself: %x", (unsigned)status);
			break;
		}
		if (draw(8) == 0 && stops < 60 && sig != SIGTRAP) {
			say("  step with %d", sig);
			ptrace(PTRACE_SINGLESTEP, pid, 0, sig);
		} else
			ptrace(stop_at_calls ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, sig);
	}
	say("tracer ends after %d stops", stop_at_calls ? stops : 0);
}

#endif
