/* Signals that faults raise, but from elsewhere: from processes, as the exit signals of children, from perf events. */
#include "guest.h"
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

extern char **environ;

long raw_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls,
	       int (*fn)(void *), void *arg);

static const int faults[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV };
static const int codes[] = { SI_USER, SI_TKILL, SI_QUEUE };

static void send_to(pid_t pid, int sig, int code)
{
	if (code == SI_USER)
		EXPECT(raw(SYS_kill, pid, sig), 0);
	else if (code == SI_TKILL)
		EXPECT(raw(SYS_tgkill, pid, pid, sig), 0);
	else
		EXPECT(sigqueue(pid, sig, (union sigval){ sig }), 0);
}

static volatile int seen_sig, seen_code, seen_status;
static volatile pid_t seen_pid;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	seen_code = info->si_code;
	seen_pid = info->si_pid;
	seen_status = info->si_status;
	seen_sig = sig;
}

/* What children do: they wait for a signal, for two seconds. They may have no thread-local storage of their own. */
static int wait_for_signal(void *arg)
{
	struct timespec ts = { 0, 100000 };

	(void)arg;
	for (int i = 0; i < 20000 && !seen_sig; i++)
		raw(SYS_nanosleep, &ts, 0);
	return seen_sig;
}

HELPER(waiting)
{
	wait_for_signal(NULL);
	say("no signal has come");
}

/* A thread sends the signal as soon as the child has an id, which may be before the child runs. */
static struct {
	volatile int child, sig, code;
} sending;

static void *send_when_there(void *arg)
{
	while (!sending.child)
		;
	send_to(sending.child, sending.sig, sending.code);
	return arg;
}

static int sent_to_clone(unsigned long flags, int sig, int code)
{
	static char *stack;
	pthread_t thread;
	long pid;

	if (!stack)
		stack = (char *)guarded(65536) + 65536;
	sending.child = 0;
	sending.sig = sig;
	sending.code = code;
	NEED(pthread_create(&thread, NULL, send_when_there, NULL) == 0);
	pid = raw_clone(flags | CLONE_PARENT_SETTID | SIGCHLD, stack, (int *)&sending.child, NULL, 0, wait_for_signal,
			NULL);
	NEED(pid > 0);
	pthread_join(thread, NULL);
	return wait_for((pid_t)pid);
}

static const unsigned long clones[] = { 0, CLONE_VM, CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_VFORK };

/* A child that has just begun dies of the signal. */
STRESS(to_children)
{
	for (int i = 0, n = turns(90, 300); i < n; i++) {
		int sig = faults[i % 5], code = codes[i / 3 % 3];

		EXPECT(sent_to_clone(clones[i % 4], sig, code), 1000 + sig);
	}
	no_children();
}

/* So does a child of the C library's fork. */
STRESS(to_forked)
{
	for (int i = 0, n = turns(90, 300); i < n; i++) {
		int sig = faults[i % 5];
		pid_t pid = fork();

		if (pid == 0)
			_exit(wait_for_signal(NULL));
		send_to(pid, sig, codes[i % 3]);
		EXPECT(wait_for(pid), 1000 + sig);
	}
}

/* A program that has just been started dies of the signal: its parent's handlers are gone. */
STRESS(to_spawned)
{
	char *argv[] = { "zero", "waiting", NULL };

	/* What a process that is killed leaves in the middle of its work is somebody else's. */
	NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	for (int i = 0; i < 5; i++)
		set_handler(faults[i], on_fault, 0);
	for (int i = 0, n = turns(30, 60); i < n; i++) {
		int sig = faults[i % 5];
		pid_t pid;

		NEED(posix_spawn(&pid, self_path(), NULL, NULL, argv, environ) == 0);
		send_to(pid, sig, codes[i % 3]);
		EXPECT(wait_for(pid), 1000 + sig);
	}
	while (raw(SYS_wait4, -1, 0, __WALL, 0) > 0)
		;
}

/* The handler that a child has from its parent runs, and the child goes on. */
STRESS(inherited_handler)
{
	for (int i = 0; i < 5; i++)
		set_handler(faults[i], on_fault, 0);
	for (int i = 0, n = turns(90, 300); i < n; i++) {
		int sig = faults[i % 5], code = codes[i / 3 % 3];

		seen_sig = 0;
		EXPECT(sent_to_clone(clones[i % 4], sig, code), sig);
		if (i % 4 == 0)
			continue;
		EXPECT(seen_code, code);
		EXPECT(seen_pid, getpid());
	}
}

static int nesting;

static void on_pending(int sig, siginfo_t *info, void *context)
{
	unsigned long mask = 0;

	(void)context;
	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
	say("%*ssignal %d, code %d, value %d, mask %lx", 2 * nesting, "", sig, info->si_code,
	    info->si_value.sival_int, mask);
	nesting++;
	raw(SYS_close, -1);
	nesting--;
	say("%*ssignal %d done", 2 * nesting, "", sig);
}

/* Each signal twice, to the process and to the thread, in an order of its own. */
static void make_pending(void)
{
	static const int order[] = { SIGUSR1, SIGSEGV, SIGFPE, SIGBUS, SIGTRAP, SIGILL, 0 };
	siginfo_t info = { .si_code = SI_QUEUE };

	for (int i = 0; i < 7; i++) {
		int sig = order[i] ? order[i] : SIGRTMIN;

		info.si_pid = getpid();
		info.si_value.sival_int = 100 + i;
		NEED(sigqueue(getpid(), sig, (union sigval){ i }) == 0);
		EXPECT(raw(SYS_rt_tgsigqueueinfo, getpid(), getpid(), sig, &info), 0);
	}
}

static void on_usr2(int sig)
{
	(void)sig;
	make_pending();
}

/* One that the thread queues to itself as if a fault had raised it is as blocked as any. */
CASE(blocked_as_of_fault)
{
	static const char *const ways[] = { "unblocked", "waited for", "suspended for" };
	sigset_t none = sigset_of(0), pending;
	siginfo_t info;

	for (int i = 0; i < 15; i++) {
		sigset_t set = sigset_of(faults[i % 5]);

		set_handler(faults[i % 5], on_fault, 0);
		NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		memset(&info, 0, sizeof(info));
		info.si_code = 1 + i % 3;
		info.si_pid = 7; /* the lower half of si_addr */
		EXPECT(raw(SYS_rt_tgsigqueueinfo, getpid(), gettid(), faults[i % 5], &info), 0);
		seen_sig = seen_code = 0;
		sigpending(&pending);
		raw(SYS_getppid);
		say("%s: pending %d, seen %d", ways[i / 5], sigismember(&pending, faults[i % 5]), seen_sig);
		if (i / 5 == 0)
			sigprocmask(SIG_UNBLOCK, &set, NULL);
		else if (i / 5 == 1)
			say("waited: %d, code %d", sigtimedwait(&set, &info, &(struct timespec){ 1, 0 }), info.si_code);
		else
			EXPECT(sigsuspend(&none), -1);
		say("seen %d, code %d, id %d", seen_sig, seen_code, seen_pid);
	}
}

/* Signals that are let through together come in the kernel's order, and each handler interrupts the one before. */
CASE(pending_together)
{
	static const char *const names[] = { "none", "each other", "nothing" };
	unsigned long all = ~(1UL << (SIGUSR2 - 1) | 1UL << (SIGSYS - 1)), none = 0;
	struct timespec zero = { 0, 0 };

	for (int masks = 0; masks < 3; masks++) {
		struct sigaction sa = { .sa_sigaction = on_pending, .sa_flags = SA_SIGINFO };

		if (masks == 1)
			sigfillset(&sa.sa_mask);
		if (masks == 2)
			sa.sa_flags |= SA_NODEFER;
		for (int i = 0; i < 5; i++)
			NEED(sigaction(faults[i], &sa, NULL) == 0);
		NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
		NEED(sigaction(SIGRTMIN, &sa, NULL) == 0);
		sa.sa_handler = on_usr2;
		sa.sa_flags = 0;
		sigfillset(&sa.sa_mask);
		NEED(sigaction(SIGUSR2, &sa, NULL) == 0);

		say("handlers block %s: unblocked", names[masks]);
		EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &all, 0, 8), 0);
		make_pending();
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8), 0);
		say("handlers block %s: at the end of a handler", names[masks]);
		raise(SIGUSR2);
		if (masks == 1)
			continue;
		say("handlers block %s: in sigsuspend", names[masks]);
		EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, &all, 0, 8), 0);
		make_pending();
		EXPECT(raw(SYS_rt_sigsuspend, &none, 8), -EINTR);
		say("handlers block %s: in ppoll", names[masks]);
		make_pending();
		EXPECT(raw(SYS_ppoll, 0, 0, &zero, &none, 8), -EINTR);
		EXPECT(raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8), 0);
	}
}

static volatile int times;

static void on_again(int sig)
{
	if (!times++)
		EXPECT(raw(SYS_tgkill, getpid(), getpid(), sig), 0);
}

/* Two of a kind are pending, and the first handler sends a third. */
CASE(again)
{
	for (int i = 0; i < 5; i++) {
		sigset_t set = sigset_of(faults[i]);

		times = 0;
		signal(faults[i], on_again);
		NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		send_to(getpid(), faults[i], SI_USER);
		send_to(getpid(), faults[i], SI_TKILL);
		NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
		say("signal %d: %d times", faults[i], times);
	}
}

/* A child's end has a positive code, as a fault has, and finds its parent anywhere. */
STRESS(exit_signals)
{
	for (int i = 0; i < 5; i++)
		set_handler(faults[i], on_fault, SA_RESTART);
	for (int i = 0, n = turns(60, 150); i < n; i++) {
		int sig = faults[i % 5];
		bool killed = i % 2;
		long pid;

		seen_sig = 0;
		pid = raw(SYS_clone, sig, 0, 0, 0, 0);
		if (pid == 0) {
			if (killed)
				raw(SYS_kill, raw(SYS_getpid), SIGKILL);
			raw(SYS_exit_group, 7);
		}
		while (!seen_sig)
			EXPECT(raw(SYS_close, -1), -EBADF);
		EXPECT(seen_sig, sig);
		EXPECT(seen_pid, pid);
		EXPECT(seen_code, killed ? CLD_KILLED : CLD_EXITED);
		EXPECT(seen_status, killed ? SIGKILL : 7);
		EXPECT(wait_for((pid_t)pid), killed ? 1000 + SIGKILL : 7);
	}
	no_children();
}

/* Many such ends, one after the other. */
STRESS(exit_signals_at_once)
{
	for (int i = 0; i < 5; i++)
		set_handler(faults[i], on_fault, SA_RESTART);
	for (int i = 0, n = turns(10, 20); i < n; i++) {
		int sig = faults[i % 5];

		seen_sig = 0;
		for (int k = 0; k < 16; k++)
			if (raw(SYS_clone, sig, 0, 0, 0, 0) == 0)
				raw(SYS_exit_group, k);
		for (int k = 0; k < 16; k++)
			EXPECT(wait_for(-1) & ~15, 0);
		EXPECT(seen_sig, sig);
	}
	no_children();
}

static volatile int perf_signals;

static void on_perf(int sig, siginfo_t *info, void *context)
{
	on_fault(sig, info, context);
	perf_signals++;
}

/* Calls, until there have been so many signals. */
static void count_perf_signals(const char *name, int sig, int enough)
{
	char buffer[64];
	int fd = open("/dev/zero", O_RDONLY);

	perf_signals = 0;
	for (long i = 0; i < 20000000 && perf_signals < enough; i++)
		EXPECT(raw(SYS_read, fd, buffer, sizeof(buffer)), sizeof(buffer));
	close(fd);
	say("%s: %s, signal %d, code %d", name, perf_signals >= enough ? "many" : "few", sig, seen_code);
}

/* Perf events that overflow during calls, as signals of the kind that the program wants. */
CASE(perf_events)
{
	static const int wanted[] = { SIGTRAP, SIGSEGV, SIGIO };
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = 50000, .wakeup_events = 1, .disabled = 1, .exclude_kernel = 1, .exclude_hv = 1,
	};
	int fd = (int)raw(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	if (fd < 0)
		guest_skip("there are no perf events for this user");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		set_handler(wanted[i], on_perf, SA_RESTART);
		NEED(fcntl(fd, F_SETFL, O_ASYNC) == 0);
		NEED(fcntl(fd, F_SETSIG, wanted[i]) == 0);
		NEED(fcntl(fd, F_SETOWN, getpid()) == 0);
		NEED(ioctl(fd, PERF_EVENT_IOC_REFRESH, 1 << 20) == 0);
		count_perf_signals("by the descriptor", wanted[i], 20);
		NEED(ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) == 0);
	}
	close(fd);
	attr.sigtrap = 1;
	attr.remove_on_exec = 1;
	fd = (int)raw(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	say("attr.sigtrap: %s", fd < 0 ? "unknown" : "known");
	if (fd < 0)
		return;
	NEED(ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0);
	/* These come before the guard's SIGSYS, but seldom. */
	count_perf_signals("by the event", SIGTRAP, 2000);
	NEED(ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) == 0);
	close(fd);
}
