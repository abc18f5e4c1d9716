/* SIGSYS belongs to the program as any other signal does: handled, ignored, blocked, from a filter. */
#include "guest.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <ucontext.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

static siginfo_t seen;
static volatile unsigned long seen_rip, seen_rax;
static volatile int handled;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	EXPECT(sig, SIGSYS);
	seen = *info;
	seen_rip = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	seen_rax = (unsigned long)uc->uc_mcontext.gregs[REG_RAX];
	handled++;
}

CASE(raised)
{
	set_handler(SIGSYS, on_sigsys, 0);
	raise(SIGSYS);
	EXPECT(handled, 1);
	EXPECT(seen.si_code, SI_TKILL);
	EXPECT(seen.si_pid, getpid());
	EXPECT(raw(SYS_kill, getpid(), SIGSYS), 0);
	EXPECT(handled, 2);
	EXPECT(seen.si_code, SI_USER);
	NEED(sigqueue(getpid(), SIGSYS, (union sigval){ 17 }) == 0);
	EXPECT(handled, 3);
	EXPECT(seen.si_code, SI_QUEUE);
	EXPECT(seen.si_value.sival_int, 17);
	for (int code = -3; code < 5; code++) {
		siginfo_t info = { .si_signo = SIGSYS, .si_code = code };

		EXPECT(raw(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info), 0);
		EXPECT(handled, code * 2 + 10);
		EXPECT(seen.si_code, code);
		EXPECT(raw(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGSYS, &info), 0);
		EXPECT(handled, code * 2 + 11);
		EXPECT(seen.si_code, code);
	}
	EXPECT(raw(SYS_getppid), getppid());
}

CASE(ignored)
{
	int i;

	signal(SIGSYS, SIG_IGN);
	for (i = 0; i < 10; i++)
		raise(SIGSYS);
	EXPECT(raw(SYS_close, -1), -EBADF);
	say("alive");
}

CASE(blocked)
{
	sigset_t set = sigset_of(SIGSYS), now;
	siginfo_t info;
	struct timespec zero = { 0, 0 };

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	EXPECT(raw(SYS_close, -1), -EBADF);
	raise(SIGSYS);
	EXPECT(raw(SYS_close, -1), -EBADF);
	NEED(sigpending(&now) == 0);
	EXPECT(sigismember(&now, SIGSYS), 1);
	EXPECT(sigtimedwait(&set, &info, &zero), SIGSYS);
	NEED(sigpending(&now) == 0);
	EXPECT(sigismember(&now, SIGSYS), 0);
	set_handler(SIGSYS, on_sigsys, 0);
	handled = 0;
	raise(SIGSYS);
	EXPECT(handled, 0);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	EXPECT(handled, 1);
}

/* A child queues a SIGSYS to this process after some time; the SIGCHLD of its end is ignored. */
static void send_after(int value, int milliseconds)
{
	pid_t parent = getpid();

	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0) {
		usleep((useconds_t)milliseconds * 1000);
		sigqueue(parent, SIGSYS, (union sigval){ value });
		_exit(0);
	}
}

/* Until all of those have ended. */
static void await_senders(void)
{
	while (wait(NULL) > 0)
		;
}

static void block_all(void)
{
	sigset_t all;

	sigfillset(&all);
	NEED(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
}

/* Blocked, it is found by all calls that take signals, with what its sender said. */
CASE(waited_for)
{
	sigset_t set = sigset_of(SIGSYS);
	struct signalfd_siginfo read_info;
	struct pollfd readable = { .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN };
	siginfo_t info;
	int epoll, i;

	block_all();
	for (i = 0; i < 2; i++) {
		/* before the call, and during it */
		int wait = i * 20;

		memset(&info, 0, sizeof(info));
		send_after(10 + i, wait);
		usleep(i ? 0 : 10000);
		EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, 0, 8), SIGSYS);
		EXPECT(info.si_code, SI_QUEUE);
		EXPECT(info.si_value.sival_int, 10 + i);
		send_after(0, wait);
		EXPECT(raw(SYS_rt_sigtimedwait, &set, 0, 0, 8), SIGSYS);

		readable.fd = signalfd(-1, &set, 0);
		send_after(20 + i, wait);
		EXPECT(raw(SYS_read, readable.fd, &read_info, sizeof(read_info)), sizeof(read_info));
		EXPECT(read_info.ssi_signo, SIGSYS);
		EXPECT(read_info.ssi_int, 20 + i);
		send_after(30 + i, wait);
		EXPECT(raw(SYS_poll, &readable, 1, 5000), 1);
		EXPECT(raw(SYS_read, readable.fd, &read_info, sizeof(read_info)), sizeof(read_info));
		EXPECT(read_info.ssi_int, 30 + i);
		epoll = epoll_create1(0);
		NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, readable.fd, &event) == 0);
		send_after(40 + i, wait);
		EXPECT(raw(SYS_epoll_wait, epoll, &event, 1, 5000), 1);
		EXPECT(raw(SYS_read, readable.fd, &read_info, sizeof(read_info)), sizeof(read_info));
		EXPECT(read_info.ssi_int, 40 + i);
		close(epoll);
		close(readable.fd);
	}
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, &(struct timespec){ 0 }, 8), -EAGAIN);
	await_senders();
}

/* What is done with the set is said by 32 bits, whatever stands above them. */
CASE(wide_how)
{
	const unsigned long above = 1ul << 32;
	sigset_t set = sigset_of(SIGSYS), now;

	set_handler(SIGSYS, on_sigsys, 0);
	EXPECT(raw(SYS_rt_sigprocmask, above | SIG_BLOCK, &set, 0, 8), 0);
	raise(SIGSYS);
	EXPECT(handled, 0);
	EXPECT(raw(SYS_rt_sigprocmask, above | SIG_UNBLOCK, &set, 0, 8), 0);
	EXPECT(handled, 1);
	EXPECT(raw(SYS_rt_sigprocmask, above | SIG_SETMASK, &set, 0, 8), 0);
	raise(SIGSYS);
	EXPECT(handled, 1);
	sigemptyset(&set);
	EXPECT(raw(SYS_rt_sigprocmask, above | SIG_SETMASK, &set, &now, 8), 0);
	EXPECT(sigismember(&now, SIGSYS), 1);
	EXPECT(handled, 2);
}

/* Blocked or ignored, it interrupts nothing; sent more than once it is pending once, and handled when it is let
 * through. */
CASE(not_interrupting)
{
	struct timespec moment = { .tv_nsec = 60000000 };
	struct pollfd nothing = { .fd = -1 };
	sigset_t set = sigset_of(SIGSYS), now;
	int i;

	for (i = 0; i < 2; i++) {
		if (i)
			signal(SIGSYS, SIG_IGN);
		NEED(sigprocmask(i ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL) == 0);
		send_after(1, 20);
		EXPECT(raw(SYS_poll, &nothing, 1, 60), 0);
		await_senders(); /* the first one stays, if it is the first */
		send_after(2, 20);
		EXPECT(raw(SYS_nanosleep, &moment, 0), 0);
		send_after(3, 20);
		EXPECT(raw(SYS_epoll_wait, epoll_create1(0), &now, 1, 60), 0);
		await_senders();
		if (i)
			break;
		NEED(sigpending(&now) == 0);
		EXPECT(sigismember(&now, SIGSYS), 1);
		set_handler(SIGSYS, on_sigsys, 0);
		EXPECT(raw(SYS_getppid), getppid());
		EXPECT(handled, 0);
		NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
		EXPECT(handled, 1);
		EXPECT(seen.si_code, SI_QUEUE);
		EXPECT(seen.si_value.sival_int, 1);
	}
}

static void *send_from_thread(void *argument)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	sigset_t set = sigset_of(SIGSYS);

	(void)argument;
	NEED(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	info.si_pid = getpid();
	for (int i = 0; i < 500; i++) {
		/* Ignored when it is sent: what comes afterwards has nothing to do with it. */
		signal(SIGSYS, SIG_IGN);
		EXPECT(i % 2 ? raw(SYS_kill, getpid(), SIGSYS) : raw(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info), 0);
		signal(SIGSYS, SIG_DFL);
		EXPECT(raw(SYS_close, -1), -EBADF);
	}
	return NULL;
}

static void *handle_in_thread(void *argument)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	sigset_t set = sigset_of(SIGSYS);

	(void)argument;
	NEED(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	set_handler(SIGSYS, on_sigsys, 0);
	info.si_pid = getpid();
	for (int i = 0; i < 500; i++) {
		info.si_value.sival_int = i;
		EXPECT(i % 2 ? raw(SYS_kill, getpid(), SIGSYS) : raw(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info), 0);
		EXPECT(handled, i + 1);
		EXPECT(seen.si_code, i % 2 ? SI_USER : SI_QUEUE);
		EXPECT(seen.si_pid, getpid());
		CHECK(i % 2 || seen.si_value.sival_int == i);
	}
	return NULL;
}

static void run_thread(void *(*function)(void *))
{
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, function, NULL) == 0);
	NEED(pthread_join(thread, NULL) == 0);
}

static void *leave_pending(void *value)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_value.sival_ptr = value;
	EXPECT(raw(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &info), 0);
	return NULL;
}

static void *send_later(void *argument)
{
	usleep(20000);
	EXPECT(raw(SYS_kill, getpid(), SIGSYS), 0);
	return argument;
}

/* A thread sends to its process, whose first thread blocks the signal or not. */
CASE(sent_by_thread)
{
	sigset_t set = sigset_of(SIGSYS);
	struct signalfd_siginfo from;
	pthread_t thread;
	siginfo_t info;
	int fd;

	run_thread(send_from_thread);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	run_thread(send_from_thread);
	run_thread(handle_in_thread);
	for (long i = 1; i < 200; i++) {
		NEED(pthread_create(&thread, NULL, leave_pending, (void *)i) == 0);
		NEED(pthread_join(thread, NULL) == 0);
		EXPECT(sigwaitinfo(&set, &info), SIGSYS);
		EXPECT(info.si_value.sival_ptr, i);
	}
	fd = signalfd(-1, &set, 0);
	NEED(fd >= 0);
	for (int i = 0; i < 5; i++) {
		NEED(pthread_create(&thread, NULL, send_later, NULL) == 0);
		if (i % 2)
			EXPECT(sigwaitinfo(&set, &info), SIGSYS);
		else
			EXPECT(read(fd, &from, sizeof(from)), sizeof(from));
		NEED(pthread_join(thread, NULL) == 0);
	}
	EXPECT(sigpending(&set), 0);
	EXPECT(sigismember(&set, SIGSYS), 0);
}

/* One for the thread and one for the process are two; to ignore them takes both away. */
CASE(pending_twice)
{
	sigset_t set = sigset_of(SIGSYS), now;
	int i;

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	set_handler(SIGSYS, on_sigsys, 0);
	for (i = 0; i < 3; i++) {
		raise(SIGSYS);
		kill(getpid(), SIGSYS);
	}
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	EXPECT(handled, 2);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGSYS);
	kill(getpid(), SIGSYS);
	signal(SIGSYS, SIG_IGN);
	NEED(sigpending(&now) == 0);
	EXPECT(sigismember(&now, SIGSYS), 0);
	set_handler(SIGSYS, on_sigsys, 0);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	EXPECT(handled, 2);
}

static void *ignore_in_thread(void *argument)
{
	usleep(10000);
	signal(SIGSYS, SIG_IGN);
	return argument;
}

/* To ignore it takes away those for other threads, too. */
CASE(ignored_by_thread)
{
	sigset_t set = sigset_of(SIGSYS), now;

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 5; i++) {
		set_handler(SIGSYS, on_sigsys, 0);
		raise(SIGSYS);
		NEED(sigpending(&now) == 0);
		EXPECT(sigismember(&now, SIGSYS), 1);
		run_thread(ignore_in_thread);
		NEED(sigpending(&now) == 0);
		EXPECT(sigismember(&now, SIGSYS), 0);
		set_handler(SIGSYS, on_sigsys, 0);
		NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
		NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		EXPECT(handled, 0);
	}
}

/* A mask for the time of a wait lets it through, or blocks it, and is gone when the wait is over. */
CASE(masks_of_waits)
{
	unsigned long none = 0, only = 1ul << (SIGSYS - 1), shown;
	struct timespec moment = { .tv_nsec = 60000000 };
	sigset_t set = sigset_of(SIGSYS);

	set_handler(SIGSYS, on_sigsys, 0);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGSYS);
	EXPECT(handled, 0);
	EXPECT(raw(SYS_rt_sigsuspend, &none, 8), -EINTR);
	EXPECT(handled, 1);
	send_after(5, 20);
	EXPECT(raw(SYS_ppoll, 0, 0, 0, &none, 8), -EINTR);
	EXPECT(handled, 2);
	EXPECT(seen.si_value.sival_int, 5);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &shown, 8), 0);
	EXPECT(shown, only);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	send_after(6, 20);
	EXPECT(raw(SYS_ppoll, 0, 0, &moment, &only, 8), 0);
	await_senders(); /* on a busy machine one may be later than the wait is long */
	EXPECT(handled, 3);
	EXPECT(seen.si_value.sival_int, 6);
}

static pthread_t handled_by;

static void on_thread(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled_by = pthread_self();
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static volatile bool ready, done;

static void *let_through(void *arg)
{
	sigset_t set = sigset_of(SIGSYS);

	NEED(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	ready = true;
	while (!done)
		(void)raw(SYS_sched_yield);
	return arg;
}

static void *wait_for_it(void *arg)
{
	sigset_t set = sigset_of(SIGSYS);
	siginfo_t info;

	ready = true;
	EXPECT(raw(SYS_rt_sigtimedwait, &set, &info, 0, 8), SIGSYS);
	EXPECT(info.si_code, SI_USER);
	EXPECT(info.si_pid, getpid());
	done = true;
	return arg;
}

static void *read_it(void *arg)
{
	sigset_t set = sigset_of(SIGSYS);
	struct signalfd_siginfo info;
	int fd = signalfd(-1, &set, 0);

	ready = true;
	EXPECT(raw(SYS_read, fd, &info, sizeof(info)), sizeof(info));
	EXPECT(info.ssi_code, SI_USER);
	close(fd);
	done = true;
	return arg;
}

/* What is sent to the process is for a thread that takes it, in whatever way. */
static void sent_to_process(void *(*taker)(void *))
{
	sigset_t set = sigset_of(SIGSYS);
	pthread_t thread;

	handled = 0;
	ready = done = false;
	set_handler(SIGSYS, on_thread, 0);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	NEED(pthread_create(&thread, NULL, taker, NULL) == 0);
	while (!ready)
		(void)raw(SYS_sched_yield);
	if (taker != let_through)
		usleep(2000);
	kill(getpid(), SIGSYS);
	if (taker == let_through) {
		while (!handled)
			(void)raw(SYS_sched_yield);
		CHECK(pthread_equal(handled_by, thread));
		done = true;
	}
	pthread_join(thread, NULL);
	EXPECT(handled, taker == let_through);
}

STRESS(another_thread_handles)
{
	sent_to_process(let_through);
}

STRESS(another_thread_waits)
{
	sent_to_process(wait_for_it);
}

STRESS(another_thread_reads)
{
	sent_to_process(read_it);
}

#define WRITES 4000

static volatile int written;

/* Calls of which the number is the result, too: one that is not made looks as if it had been. */
static void *write_bytes(void *arg)
{
	int fd = *(int *)arg;

	ready = true;
	for (written = 0; written < WRITES; written++)
		EXPECT(raw(SYS_write, fd, "x", 1), 1);
	done = true;
	return NULL;
}

static void on_other(int sig)
{
	EXPECT(sig, SIGUSR1);
}

/* Each is handled, and no call of the thread is lost or made twice. */
STRESS(sent_to_thread)
{
	int fd[2], sent = 0, count, in_pipe;
	pthread_t thread;

	handled = 0;
	ready = done = false;
	set_handler(SIGSYS, on_sigsys, SA_RESTART);
	NEED(signal(SIGUSR1, on_other) != SIG_ERR);
	NEED(pipe(fd) == 0 && fcntl(fd[1], F_SETPIPE_SZ, 1 << 16) == 1 << 16);
	NEED(pthread_create(&thread, NULL, write_bytes, &fd[1]) == 0);
	while (!ready)
		(void)raw(SYS_sched_yield);
	for (count = 0; !done; count++) {
		int before = written;

		if (count % 4 == 3) {
			pthread_kill(thread, SIGUSR1);
			continue;
		}
		/* Either may find the thread gone. */
		if (count % 4 == 2)
			pthread_sigqueue(thread, SIGSYS, (union sigval){ 17 });
		else
			pthread_kill(thread, SIGSYS);
		sent++;
		while ((handled != sent || written == before) && !done)
			;
	}
	pthread_join(thread, NULL);
	CHECK(sent - handled <= 1);
	EXPECT(ioctl(fd[0], FIONREAD, &in_pipe), 0);
	EXPECT(in_pipe, WRITES);
	close(fd[0]);
	close(fd[1]);
}

/* A burst from another process finds the program in its calls. */
static void burst(void)
{
	pid_t self = getpid(), child = fork();
	pid_t parent = getppid();
	int status;
	long found;

	if (child == 0) {
		for (int i = 0; i < 10000; i++)
			kill(self, SIGSYS);
		_exit(0);
	}
	while ((found = raw(SYS_wait4, child, &status, WNOHANG, 0)) == 0)
		EXPECT(raw(SYS_getppid), parent);
	EXPECT(found, child);
	EXPECT(status, 0);
}

STRESS(burst_handled)
{
	handled = 0;
	set_handler(SIGSYS, on_sigsys, SA_RESTART);
	burst();
	CHECK(handled > 0);
}

STRESS(burst_ignored)
{
	signal(SIGSYS, SIG_IGN);
	burst();
}

static int first_process(void *arg)
{
	(void)arg;
	if (fork() == 0) {
		kill(1, SIGSYS);
		_exit(0);
	}
	(void)raw(SYS_wait4, -1, 0, 0, 0);
	EXPECT(raw(SYS_close, -1), -EBADF);
	set_handler(SIGSYS, on_sigsys, 0);
	raise(SIGSYS);
	return guest_failures ? 1 : 40 + handled;
}

/* The first process of a PID namespace takes only what it handles. */
CASE(first_of_namespace)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = clone(first_process, stack + sizeof(stack), CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, NULL);

	if (pid < 0)
		say("no namespace");
	else
		say("-> %d", wait_for(pid));
}

enum { HANDLED, IGNORED, BLOCKED };
static int child_meets;
static bool child_is_killed;

static void end_child(void)
{
	sigset_t set = sigset_of(SIGSYS);
	siginfo_t info;
	pid_t pid;

	if (child_meets == IGNORED)
		signal(SIGSYS, SIG_IGN);
	else
		set_handler(SIGSYS, on_sigsys, 0);
	if (child_meets == BLOCKED)
		NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	pid = (pid_t)raw(SYS_clone, SIGSYS, 0, 0, 0, 0);
	if (pid == 0) {
		if (child_is_killed)
			raw(SYS_kill, raw(SYS_getpid), SIGKILL);
		raw(SYS_exit_group, 5);
	}
	say("ended with %d", wait_for(pid));
	if (child_meets == BLOCKED) {
		EXPECT(sigwaitinfo(&set, &info), SIGSYS);
		EXPECT(info.si_pid, pid);
		say("code %d, status %d", info.si_code, info.si_status);
		NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	}
	say("handled %d", handled);
	if (handled) {
		EXPECT(seen.si_pid, pid);
		say("code %d, status %d", seen.si_code, seen.si_status);
	}
}

/* What the end of a child sends has the numbers that a seccomp filter and Syscall User Dispatch have. */
CASE(exit_signal)
{
	for (child_meets = HANDLED; child_meets <= BLOCKED; child_meets++) {
		for (int killed = 0; killed < 2; killed++) {
			child_is_killed = killed;
			say("-> %d", in_child(end_child));
		}
	}
}

HELPER(finds_pending)
{
	sigset_t set = sigset_of(SIGSYS);
	siginfo_t info;

	EXPECT(sigwaitinfo(&set, &info), SIGSYS);
	say("code %d, value %d", info.si_code, info.si_value.sival_int);
}

/* It stays pending over an execve. */
CASE(pending_across_execve)
{
	sigset_t set = sigset_of(SIGSYS);

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	NEED(sigqueue(getpid(), SIGSYS, (union sigval){ 23 }) == 0);
	execl(self_path(), "zero", "finds_pending", NULL);
}

static void send_both(int first, int value)
{
	siginfo_t info = { .si_code = SI_QUEUE, .si_value = { value } };

	for (int i = 0; i < 2; i++) {
		if ((first + i) % 2)
			NEED(sigqueue(getpid(), SIGSYS, (union sigval){ value + 1 }) == 0);
		else
			EXPECT(raw(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGSYS, &info), 0);
	}
}

HELPER(finds_both)
{
	sigset_t set = sigset_of(SIGSYS);
	struct timespec zero = { 0, 0 };
	siginfo_t info;

	while (sigtimedwait(&set, &info, &zero) == SIGSYS)
		say("code %d, value %d", info.si_code, info.si_value.sival_int);
}

static void execute_with_both(void)
{
	send_both(child_meets, 10);
	execl(self_path(), "zero", "finds_both", NULL);
}

/* What is pending for the parent is not for its child, by whichever call it is made. */
CASE(pending_across_fork)
{
	sigset_t set = sigset_of(SIGSYS), pending;

	set_handler(SIGSYS, on_sigsys, 0);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 4; i++) {
		pid_t pid;

		raw(i & 1 ? SYS_kill : SYS_tkill, i & 1 ? getpid() : gettid(), SIGSYS);
		pid = i & 2 ? (pid_t)raw(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
		if (pid == 0) {
			NEED(sigpending(&pending) == 0);
			say("child: pending %d, %ld", sigismember(&pending, SIGSYS), raw(SYS_close, -1));
			raw(SYS_exit_group, 3);
		}
		say("-> %d", wait_for(pid));
		NEED(sigpending(&pending) == 0);
		say("parent: pending %d", sigismember(&pending, SIGSYS));
		NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
		NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	}
}

/* One queued to the thread and one queued to the process are two, whichever came first. */
CASE(queued_to_both)
{
	sigset_t set = sigset_of(SIGSYS);

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 4; i++) {
		send_both(i, 10 * i);
		if (i >= 2)
			send_both(i, 50); /* these are dropped */
		run_finds_both();
	}
	for (child_meets = 0; child_meets < 2; child_meets++)
		say("-> %d", in_child(execute_with_both));
}

static void say_queued(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("signal %d, code %d, value %d", sig, info->si_code, info->si_value.sival_int);
}

/* The same when a call lets both through at once, in the middle of which they come. */
CASE(queued_to_both_handled)
{
	const unsigned long none = 0, all = ~0ul;
	const struct timespec time = { 0, 1000000 };

	for (int i = 0; i < 12; i++) {
		set_handler(SIGSYS, say_queued, i % 4 / 2 ? SA_NODEFER : 0);
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8), 0);
		send_both(i % 2, 10 * i);
		if (i >= 8)
			say("%ld", raw(SYS_ppoll, 0, 0, &time, &none, 8));
		else if (i >= 4)
			say("%ld", raw(SYS_rt_sigsuspend, &none, 8));
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8), 0);
	}
}

/* Every signal blocked, by every means, and calls still work. */
CASE(all_blocked)
{
	unsigned long all = ~0UL, none = 0;
	int i;

	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8), 0);
	for (i = 0; i < 10; i++)
		EXPECT(raw(SYS_close, -1), -EBADF);
	EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8), 0);
}

static volatile int calls_inside;

static void on_calling(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	EXPECT(raw(SYS_close, -1), -EBADF);
	EXPECT(raw(SYS_getppid), getppid());
	calls_inside++;
}

/* Handlers of SIGSYS, and handlers with a full mask, make calls. */
CASE(calls_in_handlers)
{
	struct sigaction sa = { .sa_sigaction = on_calling, .sa_flags = SA_SIGINFO };

	sigfillset(&sa.sa_mask);
	NEED(sigaction(SIGSYS, &sa, NULL) == 0);
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	raise(SIGSYS);
	raise(SIGUSR1);
	EXPECT(calls_inside, 2);
}

static void filter_call(int nr, unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
}

static unsigned long next_address;

static long call_getpgid(void)
{
	long ret;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, %[next]\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(ret), [next] "=m"(next_address)
			 : "a"(SYS_getpgid), "D"(POISON), "S"(POISON), "d"(POISON)
			 : "rcx", "r11", "memory");
	return ret;
}

/* SECCOMP_RET_TRAP: the handler learns which call, from where, and finds it not done. */
CASE(filter_trap)
{
	int i;

	set_handler(SIGSYS, on_sigsys, 0);
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP | 42);
	for (i = 0; i < 5; i++) {
		handled = 0;
		EXPECT(call_getpgid(), SYS_getpgid);
		EXPECT(handled, 1);
		EXPECT(seen.si_code, SYS_SECCOMP);
		EXPECT(seen.si_errno, 42);
		EXPECT(seen.si_syscall, SYS_getpgid);
		EXPECT(seen.si_arch, AUDIT_ARCH_X86_64);
		EXPECT(seen.si_call_addr, next_address);
		EXPECT(seen_rip, next_address);
		EXPECT(seen_rax, SYS_getpgid);
	}
	EXPECT(raw(SYS_getppid), getppid());
}

static long __attribute__((noinline)) call_wide(unsigned long nr, unsigned long arg)
{
	long ret;

	__asm__ volatile("mov %1, %%rax\n\t"
			 "mov %2, %%rdi\n\t"
			 "syscall"
			 : "=&a"(ret)
			 : "r"(nr), "r"(arg)
			 : "rcx", "r11", "rdi", "memory");
	return ret;
}

/* The upper half of the register says nothing of which call it is, and is as it was when the call is trapped. */
CASE(filter_trap_wide)
{
	const unsigned long above = 0x50000000aul << 32;

	set_handler(SIGSYS, on_sigsys, 0);
	for (int i = 0; i < 3; i++)
		EXPECT(call_wide(above | SYS_getpgid, 0), getpgrp());
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP | 42);
	for (int i = 0; i < 3; i++) {
		EXPECT(call_wide(above | SYS_getpgid, 0), above | SYS_getpgid);
		EXPECT(seen_rax, above | SYS_getpgid);
		EXPECT(seen.si_syscall, SYS_getpgid);
		EXPECT(call_wide(above | SYS_getsid, 0), getsid(0));
	}
}

static void on_emulate(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

CASE(filter_emulates)
{
	set_handler(SIGSYS, on_emulate, 0);
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP);
	EXPECT(call_getpgid(), 4711);
}

CASE(filter_errno)
{
	filter_call(SYS_getpgid, SECCOMP_RET_ERRNO | 123);
	EXPECT(call_getpgid(), -123);
	EXPECT(raw(SYS_prctl, PR_GET_SECCOMP), 2);
}

CASE(filter_kill_process)
{
	filter_call(SYS_getpgid, SECCOMP_RET_KILL_PROCESS);
	call_getpgid();
	CHECK(!"alive");
}

static void kill_thread(void)
{
	filter_call(SYS_getpgid, SECCOMP_RET_KILL_THREAD);
	call_getpgid();
}

static void on_one_of_several(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	unsigned long mask = 0;

	(void)info;
	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
	say("signal %d, mask %#lx, before %#lx", sig, mask, *(const unsigned long *)&uc->uc_sigmask);
}

/* Several that are pending when a call lets them through for its time: handlers run one on top of the other. */
CASE(pending_with_others)
{
	static const int signals[] = { SIGSYS, SIGSEGV, SIGUSR1, SIGALRM };
	const unsigned long none = 0;
	unsigned long masks[] = { ~0ul, 0 };
	const struct timespec time = { 0, 1000000 };
	unsigned long after = 0;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		masks[1] |= 1ul << (signals[i] - 1);
		set_handler(signals[i], on_one_of_several, 0);
	}
	for (unsigned set = 1; set < 64; set++) {
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &masks[set >> 4 & 1], 0, 8), 0);
		say("set %#x", set);
		for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
			if (set >> i & 1)
				raise(signals[i]);
		if (set >> 5)
			say("%ld", raw(SYS_ppoll, 0, 0, &time, &none, 8));
		else if (set & 15)
			say("%ld", raw(SYS_rt_sigsuspend, &none, 8));
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, &after, 8), 0);
		say("after it %#lx", after);
	}
}

static void on_ordered(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	say("signal %d, code %d, before %#lx", sig, info->si_code, *(const unsigned long *)&uc->uc_sigmask);
}

/* To the thread, to the process, with information. */
static void send_in_way(int way, int sig)
{
	if (way == 0)
		EXPECT(raw(SYS_tgkill, getpid(), getpid(), sig), 0);
	else if (way == 1)
		EXPECT(raw(SYS_kill, getpid(), sig), 0);
	else
		NEED(sigqueue(getpid(), sig, (union sigval){ sig }) == 0);
}

/* Those that are pending together come in the kernel's order: what is for the thread before what is for the process,
 * and of each the signals of faults, SIGSYS among them, before others. */
CASE(pending_in_order)
{
	static const int signals[] = { SIGSYS, SIGHUP, SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGUSR1, SIGALRM };
	const unsigned long none = 0, all = ~0ul;
	const struct timespec time = { 0, 100000 };
	unsigned int seed = 1;

	for (int set = 0; set < 300; set++) {
		struct sigaction action = { .sa_sigaction = on_ordered, .sa_flags = SA_SIGINFO };

		if (set % 3 == 1)
			action.sa_flags |= SA_NODEFER;
		else if (set % 3 == 2)
			sigfillset(&action.sa_mask);
		for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
			NEED(sigaction(signals[i], &action, NULL) == 0);
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8), 0);
		say("set %d", set);
		for (int i = rand_r(&seed) % 4; i >= 0; i--)
			send_in_way(rand_r(&seed) % 3, signals[(size_t)rand_r(&seed) % ARRAY_SIZE(signals)]);
		if (set % 4 == 0)
			say("%ld", raw(SYS_ppoll, 0, 0, &time, &none, 8));
		else if (set % 4 == 1)
			say("%ld", raw(SYS_rt_sigsuspend, &none, 8));
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8), 0);
	}
}

CASE(filter_kill_thread)
{
	say("-> %d", in_child(kill_thread));
}

static void trap_unhandled(void)
{
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP);
	call_getpgid();
}

CASE(filter_trap_unhandled)
{
	say("-> %d", in_child(trap_unhandled));
}

static void trap_blocked(void)
{
	sigset_t set = sigset_of(SIGSYS);

	set_handler(SIGSYS, on_sigsys, 0);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	filter_call(SYS_getpgid, SECCOMP_RET_TRAP);
	call_getpgid();
	say("alive");
}

/* A forced signal that is blocked kills. */
CASE(filter_trap_blocked)
{
	say("-> %d", in_child(trap_blocked));
}

HELPER(bombed)
{
	int left = atoi(guest_argv[1]);
	char text[16];

	if (!left)
		return;
	snprintf(text, sizeof(text), "%d", left - 1);
	execl(self_path(), "zero", "bombed", text, NULL);
	_exit(2);
}

/* It comes at any moment of many an execve, to one who ignores or blocks it. */
STRESS(across_execve)
{
	sigset_t set = sigset_of(SIGSYS);
	int i;

	for (i = 0; i < 2; i++) {
		pid_t pid, got;
		int status;

		/* before the child can be hit */
		signal(SIGSYS, SIG_IGN);
		pid = fork();
		NEED(pid >= 0);
		if (pid == 0) {
			if (i) {
				sigprocmask(SIG_BLOCK, &set, NULL);
				signal(SIGSYS, SIG_DFL);
			}
			execl(self_path(), "zero", "bombed", "10", NULL);
			_exit(3);
		}
		usleep(1000);
		while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
			kill(pid, SIGSYS);
			usleep(50);
		}
		EXPECT(got, pid);
		say("%d -> %#x", i, status);
	}
}

static void strict_mode(void)
{
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	(void)raw(SYS_write, 1, "strict\n", 7);
	raw(SYS_exit, 3);
}

static void strict_broken(void)
{
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	raw(SYS_getpid);
}

static int strict_handled = -1;

static void on_strict(int sig)
{
	(void)raw(SYS_write, 1, sig == SIGSYS ? "handled\n" : "other\n", sig == SIGSYS ? 8 : 6);
	(void)raw(SYS_write, strict_handled, "", 1);
}

/* Signals that come before strict mode, and in it. */
static void strict_signalled(void)
{
	pid_t self = getpid(), other;
	int fd[2], handled[2];
	char byte;

	NEED(signal(SIGSYS, on_strict) != SIG_ERR && signal(SIGUSR1, on_strict) != SIG_ERR);
	raise(SIGSYS);
	NEED(pipe(fd) == 0 && pipe(handled) == 0);
	strict_handled = handled[1];
	other = fork();
	if (other == 0) {
		usleep(20000);
		kill(self, SIGSYS);
		NEED(read(handled[0], &byte, 1) == 1);
		kill(self, SIGUSR1);
		NEED(read(handled[0], &byte, 1) == 1);
		raw(SYS_exit, 0);
	}
	close(fd[1]);
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	(void)raw(SYS_read, fd[0], &byte, 1);
	(void)raw(SYS_write, 1, "strict\n", 7);
	raw(SYS_exit, 3);
}

static void strict_with_pending(void)
{
	sigset_t set = sigset_of(SIGSYS);

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	raise(SIGSYS);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0) == 0);
	(void)raw(SYS_write, 1, "pending\n", 8);
	raw(SYS_exit, 3);
}

CASE(strict)
{
	say("-> %d", in_child(strict_with_pending));
	say("-> %d", in_child(strict_signalled));
	say("-> %d", in_child(strict_mode));
	say("-> %d", in_child(strict_broken));
}

/* A filter that allows only what this program uses: the runtime around it needs nothing else. */
static void tight(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 99),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
	EXPECT(raw(SYS_getppid), -99);
	EXPECT(raw(SYS_write, 1, "allowed\n", 8), 8);
	raw(SYS_exit_group, guest_failures ? 1 : 5);
}

CASE(filter_tight)
{
	say("-> %d", in_child(tight));
}
