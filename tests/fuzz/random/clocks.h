/*
 * Timers, and signals that the kernel sends for what happens elsewhere: descriptors, queues, terminals.
 */
#ifndef FUZZ_RANDOM_CLOCKS_H
#define FUZZ_RANDOM_CLOCKS_H

#include <linux/mqueue.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>

static volatile int expirations;

static void on_expiry(int sig, siginfo_t *info, void *context)
{
	(void)context;
	expirations++;
	if (expirations < 4)
		say("expired: %d, code %d, value %d", sig, info->si_code,
		    info->si_code == SI_TIMER ? info->si_value.sival_int : -1);
}

static const int timed[] = { SIGALRM, SIGUSR1, SIGSYS, SIGSEGV, SIGTRAP, 37, SIGVTALRM };

static void do_clocks(void)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID,
				      CLOCK_THREAD_CPUTIME_ID };
	int sig = PICK(timed), timer = -1, clock = PICK(clocks), notify = (int)draw(4);
	struct sigaction action = { .sa_sigaction = on_expiry, .sa_flags = SA_SIGINFO }, before;
	struct sigevent event = { 0 };
	struct itimerspec when = { { 0, 0 }, { 0, 3000000 + draw(3) * 1000000 } }, left;
	sigset_t set = sigset_of(sig), old;
	siginfo_t info;
	struct timespec second = { 2, 0 };
	bool blocked = draw(2);
	long r;

	if (nested)
		return;
	expirations = 0;
	sigaction(sig, &action, &before);
	sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, &old);
	event.sigev_notify = notify == 0 ? SIGEV_NONE : notify == 1 ? SIGEV_THREAD_ID : SIGEV_SIGNAL;
	event.sigev_signo = sig;
	event.sigev_value.sival_int = (int)draw(1000);
	event._sigev_un._tid = (int)raw(SYS_gettid);
	r = raw(SYS_timer_create, clock, &event, &timer);
	say("timer %d, %d, signal %d: %ld", clock, notify, sig, r);
	r = raw(SYS_timer_settime, timer, 0, &when, NULL);
	say("set: %ld", r);
	if (notify == 0) {
		do
			r = raw(SYS_timer_gettime, timer, &left);
		while (r == 0 && (left.it_value.tv_nsec || left.it_value.tv_sec));
		say("over: %ld", r);
	} else if (blocked && draw(2)) {
		memset(&info, 0, sizeof(info));
		if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
			do
				sigpending(&set);
			while (!sigismember(&set, sig));
		set = sigset_of(sig);
		r = raw(SYS_rt_sigtimedwait, &set, &info, &second, 8);
		say("waited: %ld, code %d, value %d", r, info.si_code, info.si_value.sival_int);
	} else if (blocked) {
		do
			sigpending(&set);
		while (!sigismember(&set, sig));
		if (draw(2)) {
			pid_t pid = fork();

			if (pid == 0) {
				sigpending(&set);
				say("in the child: pending %lx, timer %ld", (long)shown_mask(&set),
				    raw(SYS_timer_gettime, timer, &left));
				raw(SYS_exit_group, 0);
			}
			await(pid);
		}
		set = sigset_of(sig);
		if (sig != SIGSYS && draw(2))
			say("deleted while pending: %ld", raw(SYS_timer_delete, timer));
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	} else {
		while (!expirations)
			;
	}
	say("overrun %ld", raw(SYS_timer_getoverrun, timer));
	raw(SYS_timer_delete, timer);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(sig, &before, NULL);
}

static volatile int notices;

/* Some come a moment later. */
static void await_notice(int count)
{
	for (int n = 0; n < 2000 && notices < count; n++)
		usleep(500);
}

static void on_notice(int sig, siginfo_t *info, void *context)
{
	(void)context;
	notices++;
	say("notice %d, code %d, band %lx, errno %d", sig, info->si_code,
	    info->si_code > 0 && info->si_code < 7 ? info->si_band : 0, info->si_errno);
}

static void hear(int sig)
{
	struct sigaction action = { .sa_sigaction = on_notice, .sa_flags = SA_SIGINFO };
	sigset_t set = sigset_of(sig);

	sigaction(sig, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void notice_descriptor(void)
{
	static const int chosen[] = { 0, SIGUSR2, 41, SIGSYS, SIGTRAP, SIGSEGV };
	int fd[2], sig = PICK(chosen);

	hear(sig ? sig : SIGIO);
	NEED(draw(2) ? pipe(fd) == 0 : socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	say("owner: %ld", raw(SYS_fcntl, fd[0], F_SETOWN, draw(2) ? getpid() : 0));
	if (sig)
		say("signal: %ld", raw(SYS_fcntl, fd[0], F_SETSIG, sig));
	say("async: %ld", raw(SYS_fcntl, fd[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	say("wrote: %ld", raw(SYS_write, fd[1], "abc", 3));
	say("closed: %ld", raw(SYS_close, fd[1]));
	close(fd[0]);
}

static void notice_broken_pipe(void)
{
	int fd[2];

	hear(SIGPIPE);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	close(fd[0]);
	say("write: %ld", raw(SYS_write, fd[1], "a", 1));
	say("send: %ld", raw(SYS_sendto, fd[1], "a", 1, draw(2) ? MSG_NOSIGNAL : 0, NULL, 0));
	close(fd[1]);
	NEED(pipe(fd) == 0);
	close(fd[0]);
	say("write: %ld", raw(SYS_write, fd[1], "a", 1));
	if (draw(2))
		signal(SIGPIPE, SIG_IGN);
	say("write: %ld", raw(SYS_write, fd[1], "a", 1));
	close(fd[1]);
}

static void notice_queue(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = draw(2) ? SIGUSR1 : 38 };
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	char name[32];
	int queue;

	snprintf(name, sizeof(name), "k%d", getpid());
	hear(event.sigev_signo);
	queue = (int)raw(SYS_mq_open, name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (queue < 0) {
		say("no queue: %d", queue);
		return;
	}
	raw(SYS_mq_unlink, name);
	say("notify: %ld", raw(SYS_mq_notify, queue, &event));
	say("sent: %ld", raw(SYS_mq_timedsend, queue, "abc", 3, 1, NULL));
	close(queue);
}

/* A session of its own on a terminal of its own. */
static void notice_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), number = 0, zero = 0;
	char name[32], text[64];
	pid_t pid;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &zero) || ioctl(master, TIOCGPTN, &number))
		return;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	pid = fork();
	if (pid == 0) {
		struct winsize size = { 10, 20, 0, 0 };
		int slave;

		say("session: %d", setsid() == getpid());
		slave = open(name, O_RDWR | O_CLOEXEC);
		say("group: %d", tcgetpgrp(slave) == getpid());
		hear(SIGINT);
		hear(SIGQUIT);
		hear(SIGWINCH);
		hear(SIGTSTP);
		hear(SIGHUP);
		hear(SIGTTOU);
		for (int i = 0; i < 3; i++) {
			say("typing");
			raw(SYS_write, master, &"\3\34\32"[i], 1);
			await_notice(1 + i);
		}
		say("size: %ld", raw(SYS_ioctl, master, TIOCSWINSZ, &size));
		say("line: %ld", raw(SYS_write, master, "ab\n", 3));
		say("read: %ld", raw(SYS_read, slave, text, sizeof(text)));
		if (draw(2)) {
			pid = fork();
			if (pid == 0) {
				setpgid(0, 0);
				say("from behind: %ld", raw(SYS_ioctl, slave, TIOCSPGRP, (int[]){ getpid() }));
				raw(SYS_exit_group, 0);
			}
			await(pid);
		}
		notices = 0;
		close(master);
		await_notice(1);
		raw(SYS_exit_group, 4);
	}
	close(master);
	await(pid);
}

static void do_notices(void)
{
	static void (*const kinds[])(void) = { notice_descriptor, notice_broken_pipe, notice_queue, notice_terminal };
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		PICK(kinds)();
		raw(SYS_exit_group, 0);
	}
	(void)draw(5);
	await(pid);
}

#endif
