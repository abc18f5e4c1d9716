#include "calls.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>

struct action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static void handle(int sig)
{
	(void)sig;
}

static void handle_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
}

static void actions(void)
{
	struct action action = { handle, SA_RESTART | SA_NODEFER, NULL, 1ul << (SIGUSR1 - 1) | 1ul << 33 }, old;
	struct sigaction info = { .sa_sigaction = handle_info, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
	uint64_t set = 1ul << (SIGUSR2 - 1), all = ~0ul, most = ~(1ul << 8);
	stack_t stack = { .ss_sp = malloc(16384), .ss_size = 16384 }, before;

	CALL(rt_sigaction, SIGURG, &action, &old, 8);
	CALL(rt_sigaction, SIGURG, NULL, &old, 8);
	action = (struct action){ SIG_IGN, 0, NULL, ~0ul };
	CALL(rt_sigaction, SIGWINCH, &action, NULL, 8);
	CALL(rt_sigaction, SIGKILL, &action, NULL, 8);
	CALL(rt_sigaction, 99, NULL, NULL, 8);
	CALL(rt_sigaction, SIGRTMIN + 3, BAD, NULL, 8);
	sigaction(SIGUSR1, &info, NULL);
	CALL(rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
	CALL(rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
	CALL(rt_sigprocmask, SIG_UNBLOCK, &most, &old, 8);
	CALL(rt_sigprocmask, SIG_SETMASK, NULL, &old, 8);
	CALL(rt_sigprocmask, 77, &set, NULL, 8);
	set = 0;
	CALL(rt_sigprocmask, SIG_SETMASK, &set, NULL, 8);
	/* Sets of another size. */
	CALL(rt_sigprocmask, SIG_BLOCK, &most, &old, 16);
	CALL(rt_sigprocmask, SIG_BLOCK, &most, NULL, 4);
	CALL(rt_sigsuspend, &most, 128);
	CALL(rt_sigtimedwait, &most, NULL, NULL, 16);
	CALL(rt_sigpending, &set, 1);
	CALL(rt_sigpending, &set, 4);
	CALL(rt_sigpending, &set, 9);
	CALL(sigaltstack, &stack, &before);
	CALL(sigaltstack, NULL, &before);
	stack.ss_flags = SS_DISABLE;
	CALL(sigaltstack, &stack, NULL);
	CALL(sigaltstack, BAD, NULL);
}

static void queued(void)
{
	uint64_t set = 1ul << (SIGUSR2 - 1) | 1ul << 33, pending;
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE }, got;
	struct timespec none = { 0, 0 };
	int fd;

	info.si_pid = getpid();
	info.si_uid = 5;
	info.si_value.sival_int = 77;
	CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	CALL(rt_sigqueueinfo, getpid(), SIGUSR2, &info);
	CALL(rt_sigpending, &pending, 8);
	CALL(rt_sigtimedwait, &set, &got, &none, 8);
	info.si_errno = ENOENT;
	CALL(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR2, &info);
	info.si_errno = 0;
	CALL(rt_sigtimedwait, &set, NULL, NULL, 8);
	CALL(rt_sigtimedwait, &set, &got, &none, 8);
	CALL(kill, getpid(), SIGUSR2);
	CALL(rt_sigtimedwait, &set, &got, &none, 8);
	CALL(tkill, gettid(), 34);
	CALL(rt_sigtimedwait, &set, &got, &none, 8);
	fd = (int)CALL(signalfd4, -1, &set, 8, SFD_CLOEXEC | SFD_NONBLOCK);
	CALL(close, fd);
	CALL(rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
}

/* Lets a signal arrive after a while. */
static void later(void)
{
	struct itimerval timer = { { 0, 0 }, { 0, 20000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void interrupted(int flags)
{
	struct timespec long_time = { 100, 0 }, left, at_last;
	struct timeval long_timeval = { 100, 0 };
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };
	uint64_t none = 0;
	struct epoll_event event;
	int pair[2], fd = epoll_create1(0);
	uint32_t word = 0;
	fd_set set;
	struct pollfd polled;
	char c;

	if (pipe(pair))
		return;
	polled = (struct pollfd){ pair[0], POLLIN, 0 };
	FD_ZERO(&set);
	FD_SET(pair[0], &set);
	sigaction(SIGALRM, &action, NULL);
	later();
	CALL(pause);
	later();
	CALL(rt_sigsuspend, &none, 8);
	later();
	CALL(nanosleep, &long_time, &left);
	later();
	CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, &left);
	clock_gettime(CLOCK_MONOTONIC, &at_last);
	at_last.tv_sec += 100;
	later();
	CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &at_last, &left);
	later();
	CALL(poll, &polled, 1, 100000);
	later();
	CALL(ppoll, &polled, 1, &long_time, NULL, 8);
	later();
	CALL(select, pair[0] + 1, &set, NULL, NULL, &long_timeval);
	FD_SET(pair[0], &set);
	later();
	CALL(pselect6, pair[0] + 1, &set, NULL, NULL, &long_time, NULL);
	later();
	CALL(epoll_wait, fd, &event, 1, -1);
	later();
	CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, &long_time, POISON, POISON);
	if (!(flags & SA_RESTART)) {
		later();
		CALL(read, pair[0], &c, 1);
		later();
		CALL(futex, &word, FUTEX_WAIT, 0, NULL, POISON, POISON);
	}
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

int main(void)
{
	actions();
	queued();
	interrupted(0);
	interrupted(SA_RESTART);
	CALL(kill, getpid(), SIGUSR1);
	CALL(tgkill, getpid(), gettid(), SIGUSR1);
	CALL(kill, getpid(), 0);
	CALL(kill, -1, 77);
	return 0;
}
