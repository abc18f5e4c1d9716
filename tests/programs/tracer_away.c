/* The program is a tracer that does other things than waiting while its tracees run: they do not wait for it. */
#include "tracing.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static int pipe_in[2], pipe_out[2];
static volatile int *shared;

static void open_pipes(void)
{
	NEED(pipe(pipe_in) == 0 && pipe(pipe_out) == 0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(shared != MAP_FAILED);
}

/* Some calls, and then a word to the tracer. */
static void work_and_write(void)
{
	for (int i = 0; i < 20; i++)
		raw(SYS_getppid);
	*shared = 1;
	raw(SYS_write, pipe_in[1], "x", 1);
}

static void expect_end(pid_t pid)
{
	EXPECT(stop_of(pid), -1);
}

static void read_byte(void)
{
	char byte = 0;

	EXPECT(read(pipe_in[0], &byte, 1), 1);
	EXPECT(byte, 'x');
}

CASE(reads)
{
	pid_t pid;

	open_pipes();
	pid = child_running(work_and_write);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	read_byte();
	expect_end(pid);
}

CASE(polls)
{
	struct pollfd fd;
	struct timespec time = { 100, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval tv = { 100, 0 };
	int epoll = epoll_create1(0);
	fd_set set;
	pid_t pid;

	open_pipes();
	fd = (struct pollfd){ .fd = pipe_in[0], .events = POLLIN };
	EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_in[0], &event), 0);
	for (int i = 0; i < 6; i++) {
		pid = child_running(work_and_write);
		EXPECT(pt(CONT, pid, 0, 0), 0);
		switch (i) {
		case 0: EXPECT(raw(SYS_poll, &fd, 1, 100000), 1); break;
		case 1: EXPECT(raw(SYS_poll, &fd, 1, -1), 1); break;
		case 2: EXPECT(raw(SYS_ppoll, &fd, 1, &time, 0, 8), 1); break;
		case 3: EXPECT(raw(SYS_epoll_wait, epoll, &event, 1, 100000), 1); break;
		case 4: EXPECT(raw(SYS_epoll_wait, epoll, &event, 1, -1), 1); break;
		default:
			FD_ZERO(&set);
			FD_SET(pipe_in[0], &set);
			EXPECT(raw(SYS_select, pipe_in[0] + 1, &set, 0, 0, &tv), 1);
		}
		read_byte();
		expect_end(pid);
	}
}

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Makes calls all the time, and counts. */
static void work_long(void)
{
	for (;;) {
		struct timespec time = { 0, 1000000 };

		raw(SYS_nanosleep, &time, 0);
		++*shared;
	}
}

/* The tracer's sleep is as long as it should be, and the tracee works meanwhile. */
CASE(sleeps)
{
	struct timespec time = { 0, 200000000 }, rest = { 7, 7 };
	struct pollfd none = { .fd = -1 };
	struct epoll_event event;
	int epoll = epoll_create1(0), word = 0;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	open_pipes();
	for (int i = 0; i < 7; i++) {
		long began, took;

		*shared = 0;
		pid = child_running(work_long);
		EXPECT(pt(CONT, pid, 0, 0), 0);
		began = now();
		switch (i) {
		case 0: EXPECT(raw(SYS_nanosleep, &time, &rest), 0); break;
		case 1: EXPECT(raw(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &time, &rest), 0); break;
		case 2: EXPECT(raw(SYS_poll, &none, 1, 200), 0); break;
		case 3: EXPECT(raw(SYS_epoll_wait, epoll, &event, 1, 200), 0); break;
		case 4: EXPECT(raw(SYS_futex, &word, 0, 0, &time), -ETIMEDOUT); break;
		case 5: EXPECT(raw(SYS_rt_sigtimedwait, &set, 0, &time, 8), -EAGAIN); break;
		default: EXPECT(raw(SYS_ppoll, &none, 1, &time, 0, 8), 0); break;
		}
		took = now() - began;
		EXPECT(took >= 199 && took < 2000, 1);
		EXPECT(*shared > 10, 1);
		EXPECT(rest.tv_sec, 7);
		time = (struct timespec){ 0, 200000000 };
		EXPECT(kill(pid, SIGKILL), 0);
		expect_end(pid);
	}
}

CASE(computes)
{
	pid_t pid;

	open_pipes();
	pid = child_running(work_and_write);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	while (!*shared)
		;
	expect_end(pid);
}

static volatile int caught;

static void on_child(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	caught++;
	say("SIGCHLD code %d status %d", info->si_code, info->si_status);
}

/* SIGCHLD comes for the stops that the tracer is shown, and no call is interrupted by another. */
static void handle(int flags)
{
	pid_t pid;

	open_pipes();
	pid = child_running(work_and_write);
	set_handler(SIGCHLD, on_child, flags);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	read_byte();
	for (int i = 0; !caught && i < 1000 && !(flags & SA_NOCLDSTOP); i++)
		usleep(1000);
	expect_end(pid);
	say("caught %d", caught);
	caught = 0;
}

CASE(handles)
{
	handle(0);
	handle(SA_RESTART);
	handle(SA_NOCLDSTOP);
}

static volatile int restarted;

/* A call that was waiting has been left. A signal that came before it is sent once more. */
static void on_alarm(int sig, siginfo_t *info, void *context)
{
	static const struct itimerval soon = { .it_value = { 0, 2000 } };
	unsigned long ip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	(void)sig, (void)info;
	restarted += ip == (unsigned long)call_site - 2;
	if (ip == (unsigned long)call_site)
		caught++;
	else
		setitimer(ITIMER_REAL, &soon, NULL);
}

static void call_for_ever(void)
{
	for (;;)
		raw(SYS_getppid);
}

/* How many calls a signal has not ended, but come before: few, if any. */
static int interrupt_calls(void)
{
	struct itimerval soon = { 0 };
	struct timespec long_time = { 100, 0 };
	char byte;

	restarted = 0;
	for (int i = 0; i < 200; i++) {
		caught = 0;
		soon.it_value.tv_usec = 2000 + i;
		EXPECT(setitimer(ITIMER_REAL, &soon, NULL), 0);
		switch (i % 3) {
		case 0: EXPECT(site(SYS_pause, 0, 0, 0), -EINTR); break;
		case 1: EXPECT(site(SYS_read, pipe_in[0], (long)&byte, 1), -EINTR); break;
		default: EXPECT(site(SYS_nanosleep, (long)&long_time, 0, 0), -EINTR); break;
		}
		EXPECT(caught, 1);
	}
	return restarted;
}

/* The program's own signal ends a call, whatever else has come to the tracer just before. */
CASE(interrupted)
{
	pid_t pid;

	open_pipes();
	pid = child_running(call_for_ever);
	set_handler(SIGCHLD, on_child, SA_NOCLDSTOP);
	set_handler(SIGALRM, on_alarm, 0);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	/* On a busy machine a signal may really come just before a call, once. */
	CHECK(!interrupt_calls() || !interrupt_calls() || !interrupt_calls());
	EXPECT(kill(pid, SIGKILL), 0);
	expect_end(pid);
}

/* Ignored, or without zombies: the end of a tracee is still the tracer's to see. */
CASE(ignores)
{
	pid_t pid;

	open_pipes();
	pid = child_running(work_and_write);
	signal(SIGCHLD, SIG_IGN);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	read_byte();
	expect_end(pid);
	pid = fork();
	if (pid == 0)
		_exit(0);
	EXPECT(raw(SYS_wait4, pid, 0, __WALL, 0), -ECHILD);
	EXPECT(signal(SIGCHLD, SIG_DFL) == SIG_IGN, 1);
}

/* One tracee needs another one, while the tracer waits for it alone. */
static void write_and_read(void)
{
	char byte;

	raw(SYS_write, pipe_out[1], "y", 1);
	EXPECT(raw(SYS_read, pipe_in[0], &byte, 1), 1);
}

static void read_and_write(void)
{
	char byte;

	EXPECT(raw(SYS_read, pipe_out[0], &byte, 1), 1);
	work_and_write();
}

CASE(waits_for_one)
{
	pid_t first, second;

	open_pipes();
	first = child_running(write_and_read);
	second = child_running(read_and_write);
	EXPECT(pt(CONT, first, 0, 0), 0);
	EXPECT(pt(CONT, second, 0, 0), 0);
	expect_end(first);
	expect_end(second);
}

HELPER(nothing)
{
	_exit(6);
}

static void vfork_and_exec(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		raw(SYS_getppid);
		execl(self_path(), "zero", "nothing", NULL);
		_exit(99);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	EXPECT(WEXITSTATUS(status), 6);
}

static void vfork_and_end(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		raw(SYS_getppid);
		_exit(7);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	EXPECT(WEXITSTATUS(status), 7);
}

/* The tracer follows vfork, lets both run, and waits for the parent, which waits for the child. */
CASE(follows_vfork)
{
	void (*const fns[])(void) = { vfork_and_end, vfork_and_exec, vfork_and_end };
	static const unsigned long options[] = { 0, PTRACE_O_TRACEEXEC, PTRACE_O_TRACEVFORKDONE };

	self_path();
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++) {
		pid_t pid = child_running(fns[i]);
		unsigned long child = 0;

		EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORK | options[i]), 0);
		EXPECT(pt(CONT, pid, 0, 0), 0);
		say("parent %#x", stop_of(pid));
		EXPECT(pt(GETEVENTMSG, pid, 0, &child), 0);
		say("child %#x", stop_of((pid_t)child));
		EXPECT(pt(CONT, child, 0, 0), 0);
		EXPECT(pt(CONT, pid, 0, 0), 0);
		if (options[i] & PTRACE_O_TRACEVFORKDONE) {
			say("parent %#x", stop_of(pid));
			EXPECT(pt(CONT, pid, 0, 0), 0);
		}
		say("child %#x", stop_of((pid_t)child));
		if (options[i] & PTRACE_O_TRACEEXEC) {
			EXPECT(pt(CONT, child, 0, 0), 0);
			say("child %#x", stop_of((pid_t)child));
		}
		say("parent %#x", stop_of(pid));
		EXPECT(pt(CONT, pid, 0, 0), 0);
		expect_end(pid);
	}
}

/* Between the stops of a call the tracee is not stopped. */
CASE(reads_between_stops)
{
	pid_t pid;

	open_pipes();
	pid = child_running(work_and_write);
	for (;;) {
		struct user_regs_struct regs;

		EXPECT(pt(SYSCALL, pid, 0, 0), 0);
		EXPECT(stop_of(pid), SIGTRAP);
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
		if (regs.orig_rax == SYS_write)
			break;
	}
	EXPECT(pt(SYSCALL, pid, 0, 0), 0);
	read_byte();
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	expect_end(pid);
}

/* A child that asks to be traced runs before its parent, a tracer already, has waited for it. */
CASE(asked_by_child)
{
	pid_t first, pid;

	open_pipes();
	first = child_running(read_byte);
	pid = fork();
	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		work_and_write();
		raw(SYS_exit_group, 5);
	}
	read_byte();
	expect_end(pid);
	raw(SYS_write, pipe_in[1], "x", 1);
	EXPECT(pt(CONT, first, 0, 0), 0);
	expect_end(first);
}

/* A tracee reads what its tracer writes at once. */
static void read_all(void)
{
	static char buffer[4096];
	long total = 0;

	while (total < 300000) {
		long r = raw(SYS_read, pipe_in[0], buffer, sizeof(buffer));

		if (r <= 0)
			break;
		total += r;
	}
	say("read %ld", total);
}

CASE(writes)
{
	static char buffer[300000];
	pid_t pid;

	open_pipes();
	pid = child_running(read_all);
	EXPECT(pt(CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_write, pipe_in[1], buffer, sizeof(buffer)), sizeof(buffer));
	expect_end(pid);
}
