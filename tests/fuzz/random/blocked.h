/*
 * Calls that block, and signals that come meanwhile from a child, which waits until the parent sleeps.
 */
#ifndef FUZZ_RANDOM_BLOCKED_H
#define FUZZ_RANDOM_BLOCKED_H

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static sigjmp_buf out_of_call;
static volatile int leaves_by_jump;

static void on_blocked(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	say("while blocked: %d, code %d, value %d, result %ld, interrupted mask %lx, mask %lx", sig, info->si_code,
	    info->si_code == SI_QUEUE ? info->si_value.sival_int : -1, (long)uc->uc_mcontext.gregs[REG_RAX],
	    (long)shown_mask(&uc->uc_sigmask), (long)shown_mask(&now));
	if (leaves_by_jump)
		siglongjmp(out_of_call, 1);
}

static const int while_blocked[] = { SIGUSR1, SIGUSR2, SIGSYS, SIGSEGV, SIGTRAP, SIGFPE, 36, 44, SIGWINCH };

static void wait_until_sleeps(pid_t pid)
{
	int in_a_row = 0;

	while (in_a_row < 3) {
		in_a_row = state_of(pid) == 'S' ? in_a_row + 1 : 0;
		usleep(500);
	}
}

/* Sends up to three signals to the parent, one each time that it sleeps, and then lets it go. */
static void disturb(pid_t parent, int release, uint32_t count)
{
	for (; count; count--) {
		int sig = PICK(while_blocked);
		siginfo_t info = { .si_code = SI_QUEUE };

		wait_until_sleeps(parent);
		info.si_pid = getpid();
		info.si_value.sival_int = (int)draw(100);
		switch (draw(3)) {
		case 0: raw(SYS_kill, parent, sig); break;
		case 1: raw(SYS_tgkill, parent, parent, sig); break;
		default: raw(SYS_rt_sigqueueinfo, parent, sig, &info); break;
		}
		usleep(10000);
	}
	wait_until_sleeps(parent);
	raw(SYS_write, release, "x", 1);
	raw(SYS_exit_group, 6);
}

static long blocked_call(uint32_t kind, int wakes, pid_t child, const sigset_t *set)
{
	struct pollfd polled = { .fd = wakes, .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN };
	struct timespec while_ = { 0, 400000000 }, left = { 0, 0 };
	static int word;
	char byte;
	long r;

	switch (kind) {
	case 0: return raw(SYS_read, wakes, &byte, 1);
	case 1: return raw(SYS_poll, &polled, 1, -1);
	case 2: return raw(SYS_ppoll, &polled, 1, NULL, set, 8);
	case 3: {
		fd_set reads;
		struct {
			const sigset_t *set;
			size_t size;
		} mask = { set, 8 };

		FD_ZERO(&reads);
		FD_SET(wakes, &reads);
		return raw(SYS_pselect6, wakes + 1, &reads, NULL, NULL, NULL, &mask);
	}
	case 4:
	case 5: {
		int epoll = epoll_create1(EPOLL_CLOEXEC);

		raw(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, wakes, &event);
		r = raw(SYS_epoll_pwait, epoll, &event, 1, -1, kind == 4 ? set : NULL, 8);
		close(epoll);
		return r;
	}
	case 6: return raw(SYS_rt_sigsuspend, set, 8);
	case 7: return raw(SYS_rt_sigtimedwait, set, NULL, &while_, 8);
	case 8: return raw(SYS_nanosleep, &while_, &left);
	case 9: return raw(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &while_, &left);
	case 10: return raw(SYS_futex, &word, FUTEX_WAIT, 0, &while_, NULL, 0);
	case 11: {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += 1;
		return raw(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, 1) == -ETIMEDOUT ? -ETIMEDOUT : -EINTR;
	}
	case 12: {
		int status;

		r = raw(SYS_wait4, child, &status, 0, NULL);
		return r == child ? status : r;
	}
	case 13: {
		struct iovec iov = { &byte, 1 };

		return raw(SYS_readv, wakes, &iov, 1);
	}
	case 14: return raw(SYS_pause);
	default: {
		struct sembuf down = { 0, -1, 0 };
		int sem = semget(IPC_PRIVATE, 1, 0600);

		r = raw(SYS_semtimedop, sem, &down, 1, &while_);
		semctl(sem, 0, IPC_RMID);
		return r;
	}
	}
}

static void do_blocked(void)
{
	static const uint32_t count = 16;
	struct sigaction before[ARRAY_SIZE(while_blocked)];
	volatile uint32_t kind = draw(count), signals_sent = 1 + draw(3);
	uint64_t seed = (uint64_t)draw(1u << 30) << 20 | 1;
	pid_t volatile child;
	sigset_t mask, old, all;
	int fd[2], status;
	pid_t parent = getpid();

	/* It is the process that is watched, and only its first thread. */
	if (depth >= MAX_DEPTH || nested || gettid() != parent)
		return;
	if (kind == 6 || kind == 14)
		signals_sent = 1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < ARRAY_SIZE(while_blocked); i++) {
		struct sigaction action = { .sa_sigaction = on_blocked, .sa_flags = SA_SIGINFO };

		action.sa_flags |= (draw(2) ? SA_RESTART : 0) | (draw(4) ? 0 : SA_ONSTACK) | (draw(4) ? 0 : SA_NODEFER);
		sigemptyset(&action.sa_mask);
		for (uint32_t n = draw(3); n; n--)
			sigaddset(&action.sa_mask, PICK(while_blocked));
		sigaction(while_blocked[i], &action, &before[i]);
	}
	leaves_by_jump = draw(4) == 0;
	NEED(pipe(fd) == 0);
	child = fork();
	if (child == 0) {
		close(fd[0]);
		state = seed;
		disturb(parent, fd[1], signals_sent);
	}
	close(fd[1]);
	sigemptyset(&mask);
	if (draw(3) == 0)
		for (uint32_t n = draw(4); n; n--)
			sigaddset(&mask, PICK(while_blocked));
	if (sigsetjmp(out_of_call, 1) == 0) {
		sigset_t during;

		sigemptyset(&during);
		if (kind == 7)
			for (uint32_t n = draw(6); n; n--)
				sigaddset(&during, PICK(while_blocked));
		else
			for (uint32_t n = draw(3); n && kind != 6; n--)
				sigaddset(&during, PICK(while_blocked));
		sigprocmask(SIG_SETMASK, kind == 7 ? &during : &mask, NULL);
		say("blocked %u: %ld", kind, blocked_call(kind, fd[0], child, &during));
	} else {
		say("blocked %u: left by a jump", kind);
	}
	leaves_by_jump = 0;
	/* Let the child go, which may still wait for a sleeper. */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	say("mask then %lx", (long)shown_mask(&mask));
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(while_blocked); i++)
		sigaction(while_blocked[i], &before[i], NULL);
	close(fd[0]);
}

#endif
