/* Masks, dispositions, restarts, queues: the rules of signals. */
#include "guest.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>

static volatile int handled, last_sig, last_value;
static volatile unsigned long mask_inside;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	unsigned long mask = 0;

	(void)context;
	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
	mask_inside = mask;
	last_sig = sig;
	last_value = info->si_value.sival_int;
	handled++;
}

/* Until a process or thread, which does nothing else, sleeps in the call that it is about to make. */
static void await_sleep(pid_t pid)
{
	do
		usleep(5000);
	while (state_of(pid) != 'S');
}

/* Each comes while the caller sleeps in a call. */
static pid_t signal_later(int sig, int times)
{
	pid_t pid = fork();
	int i;

	if (pid == 0) {
		for (i = 0; i < times; i++) {
			usleep(15000);
			await_sleep(getppid());
			kill(getppid(), sig);
		}
		_exit(0);
	}
	return pid;
}

static unsigned long mask_now(void)
{
	unsigned long mask = 0;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8), 0);
	return mask;
}

CASE(masks_in_handlers)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	EXPECT(mask_inside, 1UL << (SIGUSR1 - 1));
	EXPECT(mask_now(), 0);
	sa.sa_flags |= SA_NODEFER;
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	EXPECT(mask_inside, 0);
	sigfillset(&sa.sa_mask);
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	say("all blocked: %lx", mask_inside);
	EXPECT(mask_now(), 0);
	sa.sa_flags = SA_SIGINFO | (int)SA_RESETHAND;
	sigemptyset(&sa.sa_mask);
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGUSR1);
	NEED(sigaction(SIGUSR1, NULL, &sa) == 0);
	CHECK(sa.sa_handler == SIG_DFL);
	EXPECT(handled, 4);
}

/* sigaction gives back, byte for byte, what was given. */
CASE(sigaction_roundtrip)
{
	unsigned long act[4] = { 0x12345678, SA_SIGINFO | SA_NODEFER | 0x04000000, 0x87654321, ~0UL };
	unsigned long old[4];
	int sig;

	for (sig = 1; sig <= 64; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33) {
			EXPECT(raw(SYS_rt_sigaction, sig, 0, old, 8), 0);
			continue;
		}
		EXPECT(raw(SYS_rt_sigaction, sig, act, old, 8), 0);
		CHECK(old[0] == 0);
		EXPECT(raw(SYS_rt_sigaction, sig, 0, old, 8), 0);
		EXPECT(old[0], act[0]);
		EXPECT(old[1], act[1]);
		EXPECT(old[2], act[2]);
		/* KILL and STOP are taken out */
		EXPECT(old[3], ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)));
		old[0] = (unsigned long)SIG_IGN;
		EXPECT(raw(SYS_rt_sigaction, sig, old, 0, 8), 0);
		old[0] = 7;
		EXPECT(raw(SYS_rt_sigaction, sig, 0, old, 8), 0);
		EXPECT(old[0], SIG_IGN);
		old[0] = old[1] = old[2] = old[3] = 0;
		EXPECT(raw(SYS_rt_sigaction, sig, old, 0, 8), 0);
	}
	EXPECT(raw(SYS_rt_sigaction, 0, 0, old, 8), -EINVAL);
	EXPECT(raw(SYS_rt_sigaction, 65, 0, old, 8), -EINVAL);
	EXPECT(raw(SYS_rt_sigaction, -1, 0, old, 8), -EINVAL);
	EXPECT(raw(SYS_rt_sigaction, SIGKILL, act, 0, 8), -EINVAL);
	EXPECT(raw(SYS_rt_sigaction, SIGSTOP, act, 0, 8), -EINVAL);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, 16, 0, 8), -EFAULT);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, 0, 16, 8), -EFAULT);
	EXPECT(raw(SYS_rt_sigaction, SIGSYS, 16, 0, 8), -EFAULT);
	EXPECT(raw(SYS_rt_sigaction, SIGSYS, 0, 16, 8), -EFAULT);
	EXPECT(raw(SYS_rt_sigaction, SIGUSR1, 0, old, 4), -EINVAL);
	EXPECT(raw(SYS_rt_sigaction, SIGSYS, 0, old, 4), -EINVAL);
}

CASE(sigprocmask_errors)
{
	unsigned long set = ~0UL, old = 1;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8), 0);
	EXPECT(old, 0);
	say("full mask %lx", mask_now());
	EXPECT(raw(SYS_rt_sigprocmask, 3, &set, &old, 8), -EINVAL);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 4), -EINVAL);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, 16, &old, 8), -EFAULT);
	set = 0;
	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &set, 16, 8), -EFAULT);
	EXPECT(mask_now(), 0);
	set = 1UL << (SIGSYS - 1);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8), 0);
	EXPECT(mask_now(), set);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, &old, 8), 0);
	EXPECT(old, set);
	EXPECT(mask_now(), 0);
}

CASE(pending)
{
	unsigned long set = 1UL << (SIGUSR1 - 1) | 1UL << (SIGSYS - 1), now = 0;

	set_handler(SIGUSR1, on_signal, 0);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8), 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	EXPECT(handled, 0);
	EXPECT(raw(SYS_rt_sigpending, &now, 8), 0);
	EXPECT(now, 1UL << (SIGUSR1 - 1));
	EXPECT(raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8), 0);
	EXPECT(handled, 1);
	EXPECT(raw(SYS_rt_sigpending, &now, 8), 0);
	EXPECT(now, 0);
	/* A part of a set, and nowhere to write it to. */
	for (unsigned long size = 0; size < 10; size++)
		say("pending %lu: %ld, %ld", size, raw(SYS_rt_sigpending, &now, size), raw(SYS_rt_sigpending, 0, size));
}

CASE(suspend)
{
	unsigned long set = 1UL << (SIGUSR1 - 1), none = 0;
	int i;

	handled = 0;
	set_handler(SIGUSR1, on_signal, 0);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8), 0);
	for (i = 0; i < 5; i++) {
		pid_t pid = signal_later(SIGUSR1, 1);

		EXPECT(raw(SYS_rt_sigsuspend, &none, 8), -EINTR);
		EXPECT(handled, i + 1);
		EXPECT(mask_now(), set);
		wait_for(pid);
	}
	/* already pending: returns at once, the handler ran */
	raise(SIGUSR1);
	EXPECT(raw(SYS_rt_sigsuspend, &none, 8), -EINTR);
	EXPECT(handled, 6);
	EXPECT(raw(SYS_rt_sigsuspend, &none, 4), -EINVAL);
	EXPECT(raw(SYS_rt_sigsuspend, 16, 8), -EFAULT);
}

CASE(timedwait)
{
	unsigned long set = 1UL << (SIGUSR1 - 1) | 1UL << (SIGRTMIN - 1);
	struct timespec none = { 0, 0 }, some = { 0, 1000000 };
	siginfo_t info;
	int i;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8), 0);
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, &none, 8), -EAGAIN);
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, &some, 8), -EAGAIN);
	for (i = 0; i < 5; i++)
		NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ i }) == 0);
	raise(SIGUSR1);
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, &none, 8), SIGUSR1);
	for (i = 0; i < 5; i++) {
		EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, &none, 8), SIGRTMIN);
		EXPECT(info.si_value.sival_int, i);
		EXPECT(info.si_code, SI_QUEUE);
	}
	/* interrupted by a signal it does not wait for */
	set_handler(SIGUSR2, on_signal, SA_RESTART);
	signal_later(SIGUSR2, 1);
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, 0, 8), -EINTR);
	wait_for(-1);
}

CASE(signalfd)
{
	unsigned long set = 1UL << (SIGUSR1 - 1);
	struct signalfd_siginfo si;
	long fd;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8), 0);
	fd = raw(SYS_signalfd4, -1, &set, 8, SFD_NONBLOCK);
	CHECK(fd >= 0);
	EXPECT(raw(SYS_read, fd, &si, sizeof(si)), -EAGAIN);
	kill(getpid(), SIGUSR1);
	EXPECT(raw(SYS_read, fd, &si, sizeof(si)), sizeof(si));
	EXPECT(si.ssi_signo, SIGUSR1);
	EXPECT(si.ssi_pid, getpid());
	EXPECT(raw(SYS_signalfd4, -1, &set, 4, 0), -EINVAL);
	EXPECT(raw(SYS_signalfd4, -1, 16, 8, 0), -EFAULT);
	EXPECT(raw(SYS_signalfd4, -1, &set, 8, 1), -EINVAL);
}

/* The mask exists for the duration of the call only. */
CASE(poll_masks)
{
	unsigned long block = 1UL << (SIGUSR1 - 1), none = 0;
	struct {
		const void *mask;
		size_t size;
	} pselect_mask = { &none, 8 };
	struct timespec long_time = { 5, 0 }, zero = { 0, 0 };
	struct epoll_event event;
	int epoll = epoll_create1(0), fds[2];
	struct pollfd pfd;

	handled = 0;
	NEED(pipe(fds) == 0);
	pfd = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	set_handler(SIGUSR1, on_signal, 0);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &block, 0, 8), 0);
	raise(SIGUSR1);
	EXPECT(raw(SYS_ppoll, &pfd, 1, &long_time, &none, 8), -EINTR);
	EXPECT(handled, 1);
	EXPECT(mask_now(), block);
	raise(SIGUSR1);
	EXPECT(raw(SYS_pselect6, 0, 0, 0, 0, &long_time, &pselect_mask), -EINTR);
	EXPECT(handled, 2);
	raise(SIGUSR1);
	EXPECT(raw(SYS_epoll_pwait, epoll, &event, 1, 5000, &none, 8), -EINTR);
	EXPECT(handled, 3);
	raise(SIGUSR1);
	EXPECT(raw(SYS_epoll_pwait2, epoll, &event, 1, &long_time, &none, 8), -EINTR);
	EXPECT(handled, 4);
	EXPECT(mask_now(), block);
	/* no signal, no wait */
	EXPECT(raw(SYS_ppoll, &pfd, 1, &zero, &none, 8), 0);
	EXPECT(raw(SYS_ppoll, &pfd, 1, &zero, &none, 4), -EINVAL);
	EXPECT(raw(SYS_ppoll, &pfd, 1, &zero, 16, 8), -EFAULT);
	EXPECT(raw(SYS_epoll_pwait, epoll, &event, 1, 0, &none, 4), -EINVAL);
	pselect_mask.size = 4;
	EXPECT(raw(SYS_pselect6, 0, 0, 0, 0, &zero, &pselect_mask), -EINVAL);
	EXPECT(raw(SYS_pselect6, 0, 0, 0, 0, &zero, 0), 0);
}

static int pipe_fds[2];

static void on_feed(int sig, siginfo_t *info, void *context)
{
	on_signal(sig, info, context);
	if (handled == 3)
		(void)raw(SYS_write, pipe_fds[1], "z", 1);
}

CASE(restarts)
{
	struct timespec ts = { 9, 0 };
	pid_t pid, sleeper;
	int status;
	char c = 0;

	NEED(pipe(pipe_fds) == 0);
	handled = 0;
	set_handler(SIGUSR1, on_feed, SA_RESTART);
	pid = signal_later(SIGUSR1, 3);
	EXPECT(raw(SYS_read, pipe_fds[0], &c, 1), 1);
	EXPECT(c, 'z');
	EXPECT(handled, 3);
	wait_for(pid);

	set_handler(SIGUSR1, on_signal, 0);
	pid = signal_later(SIGUSR1, 1);
	EXPECT(raw(SYS_read, pipe_fds[0], &c, 1), -EINTR);
	wait_for(pid);

	/* wait4 is restarted as well */
	set_handler(SIGUSR1, on_signal, SA_RESTART);
	sleeper = fork();
	if (sleeper == 0) {
		usleep(80000);
		_exit(6);
	}
	pid = signal_later(SIGUSR1, 2);
	EXPECT(raw(SYS_wait4, sleeper, &status, 0, 0), sleeper);
	EXPECT(WEXITSTATUS(status), 6);
	wait_for(pid);

	/* nanosleep never with a handler, whatever the flag */
	pid = signal_later(SIGUSR1, 1);
	EXPECT(raw(SYS_nanosleep, &ts, &ts), -EINTR);
	CHECK(ts.tv_sec < 9 && (ts.tv_sec || ts.tv_nsec));
	wait_for(pid);
}

/* Stopped and continued, a sleep goes on by restart_syscall and takes its full time. */
CASE(stopped)
{
	struct timespec ts = { 0, 100000000 }, before, after;
	pid_t self = getpid(), pid = fork();
	long ms;

	if (pid == 0) {
		usleep(20000);
		kill(self, SIGSTOP);
		usleep(20000);
		kill(self, SIGCONT);
		_exit(0);
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	EXPECT(raw(SYS_nanosleep, &ts, 0), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	CHECK(ms >= 99);
	EXPECT(wait_for(pid), 0);
}

static void stop_self(void)
{
	raise(SIGSTOP);
	raise(SIGTSTP);
	_exit(8);
}

CASE(stop_reported)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		stop_self();
	EXPECT(raw(SYS_wait4, pid, &status, WUNTRACED, 0), pid);
	say("stopped %d by %d", WIFSTOPPED(status), WSTOPSIG(status));
	kill(pid, SIGCONT);
	EXPECT(raw(SYS_wait4, pid, &status, WUNTRACED, 0), pid);
	say("status %x", status);
	kill(pid, SIGCONT);
	if (WIFSTOPPED(status))
		EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	say("status %x", status);
}

/* Real-time signals queue in order, lower numbers first. */
static int order[64], order_count;

static void on_queued(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (order_count < 64)
		order[order_count++] = (sig - SIGRTMIN) * 100 + info->si_value.sival_int;
}

CASE(queue_order)
{
	sigset_t all;
	int i;

	sigfillset(&all);
	NEED(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
	for (i = 0; i < 3; i++) {
		struct sigaction sa = { .sa_sigaction = on_queued, .sa_flags = SA_SIGINFO, .sa_mask = all };

		NEED(sigaction(SIGRTMIN + i, &sa, NULL) == 0);
	}
	for (i = 0; i < 12; i++)
		NEED(sigqueue(getpid(), SIGRTMIN + 2 - i % 3, (union sigval){ i }) == 0);
	NEED(sigprocmask(SIG_UNBLOCK, &all, NULL) == 0);
	for (i = 0; i < order_count; i++)
		say("%d", order[i]);
}

/* Each default action, as the parent sees it. */
CASE(death)
{
	int sig;

	for (sig = 1; sig <= 64; sig++) {
		pid_t pid;
		int status;

		if (sig == 32 || sig == 33)
			continue;
		pid = fork();
		if (pid == 0) {
			raw(SYS_kill, raw(SYS_getpid), sig);
			_exit(0);
		}
		EXPECT(raw(SYS_wait4, pid, &status, WUNTRACED, 0), pid);
		say("signal %d: status %x", sig, status);
		if (WIFSTOPPED(status)) {
			kill(pid, SIGKILL);
			EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
		}
	}
}

CASE(killed_by_sigsys)
{
	raise(SIGSYS);
	CHECK(!"alive");
}

static volatile int *volatile unmapped = (int *)16;

CASE(killed_by_segv)
{
	*unmapped = 1;
}

CASE(killed_by_abort)
{
	abort();
}

CASE(killed_by_rt)
{
	kill(getpid(), SIGRTMAX);
	pause();
}

/* A handled signal during its own fault while blocked: death, not an endless loop. */
CASE(killed_by_blocked_segv)
{
	unsigned long set = 1UL << (SIGSEGV - 1);

	set_handler(SIGSEGV, on_signal, 0);
	raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
	*unmapped = 1;
}

static pthread_barrier_t barrier;
static volatile pid_t thread_id;
static volatile int futex_word;

static void *waiter(void *arg)
{
	(void)arg;
	thread_id = (pid_t)raw(SYS_gettid);
	pthread_barrier_wait(&barrier);
	EXPECT(raw(SYS_futex, &futex_word, 128 /* FUTEX_WAIT_PRIVATE */, 0, 0, 0, 0), -EINTR);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* tgkill to a thread in futex(FUTEX_WAIT): its wait ends, nobody else's. */
CASE(thread_in_futex)
{
	pthread_t t;
	int i;

	pthread_barrier_init(&barrier, NULL, 2);
	set_handler(SIGUSR1, on_signal, 0);
	for (i = 0; i < 10; i++) {
		handled = 0;
		NEED(pthread_create(&t, NULL, waiter, NULL) == 0);
		pthread_barrier_wait(&barrier);
		await_sleep(thread_id);
		EXPECT(raw(SYS_tgkill, getpid(), thread_id, SIGUSR1), 0);
		pthread_barrier_wait(&barrier);
		pthread_join(t, NULL);
		EXPECT(handled, 1);
	}
}

/* A 1 kHz timer while making calls of every kind: results stay right. */
STRESS(timer)
{
	char buf[64];
	int fds[2], i;

	start_ticks();
	NEED(pipe(fds) == 0);
	for (i = 0; guest_tick_count < 150 && i < 2000000; i++) {
		EXPECT(raw(SYS_getppid), getppid());
		EXPECT(raw(SYS_write, fds[1], "0123456789", 10), 10);
		EXPECT(raw(SYS_read, fds[0], buf, sizeof(buf)), 10);
		EXPECT(raw(SYS_close, -1), -EBADF);
		EXPECT(mask_now(), 0);
		if (i % 16 == 0) {
			pid_t pid = (pid_t)raw(SYS_fork);

			if (pid == 0)
				raw(SYS_exit_group, 3);
			EXPECT(wait_for(pid), 3);
		}
	}
	stop_ticks();
	guest_tick_count = 0;
	close(fds[0]);
	close(fds[1]);
}
