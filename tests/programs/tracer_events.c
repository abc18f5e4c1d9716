/*
 * A tracer, and what it finds and changes where its tracee creates a task, starts a program, or ends.
 */
#include "tracing.h"
#include <grp.h>
#include <sys/prctl.h>

#define GO_ON(pid, request, sig) EXPECT(raw(SYS_ptrace, request, pid, 0, sig), 0)

static const uint64_t mask = 1ul << (SIGSYS - 1) | 1ul << (SIGUSR2 - 1) | 1ul << (SIGWINCH - 1);

static uint64_t mask_of(pid_t pid)
{
	uint64_t found = ~0ul;

	EXPECT(pt(GETSIGMASK, pid, 8, &found), 0);
	return found;
}

/* A stop, and of the registers what says which call it is in, and how that has ended. */
static void look(const char *what, pid_t pid)
{
	struct user_regs_struct regs;
	siginfo_t info = { 0 };
	unsigned long message = 0;
	long r;

	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	r = pt(GETSIGINFO, pid, 0, &info);
	EXPECT(pt(GETEVENTMSG, pid, 0, &message), 0);
	say("%s: call %ld, result %ld, mask %lx, siginfo %ld: signal %d, code %x; message %s", what,
	    (long)regs.orig_rax, (long)regs.rax > 0 ? 1 : (long)regs.rax, (long)mask_of(pid), r, info.si_signo,
	    info.si_code, message ? "some" : "none");
}

/* The next stop of a new child, of which an event has told, and its end. */
static void follow_child(pid_t parent)
{
	unsigned long child = 0;
	int status;

	EXPECT(pt(GETEVENTMSG, parent, 0, &child), 0);
	EXPECT(stop_of((pid_t)child), SIGSTOP);
	say("the child's mask: %lx", (long)mask_of((pid_t)child));
	do {
		GO_ON((pid_t)child, PTRACE_CONT, 0);
		EXPECT(raw(SYS_wait4, child, &status, __WALL, 0), child);
		show("the child", status);
	} while (WIFSTOPPED(status));
}

static void ends_later(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("handler %d, code %d", sig, info->si_code);
}

/* Creates tasks with some signals blocked and a handler of SIGTRAP, and then raises that. */
static void creates(void)
{
	pid_t pid;

	set_handler(SIGTRAP, ends_later, 0);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
	for (int i = 0; i < 3; i++) {
		pid = i == 1 ? (pid_t)raw(SYS_fork) : vfork();
		if (pid == 0)
			raw(SYS_exit_group, 3);
		raw(SYS_wait4, pid, 0, 0, 0);
	}
	__asm__ volatile("int3");
	raw(SYS_exit_group, 5);
}

/* Resumes the tracee until it is in another event, or has ended. Signals are passed on. */
static int next_event(pid_t pid, int request)
{
	int stop;

	for (int sig = 0;; sig = stop & 0x7f) {
		GO_ON(pid, request, sig);
		stop = stop_of(pid);
		if (stop < 0 || stop >> 8)
			return stop;
		look("signal", pid);
		if (stop == SIGTRAP && request == PTRACE_SINGLESTEP)
			stop = 0;
	}
}

static void watch_events(int request)
{
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT;
	pid_t pid = child_running(creates);
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, options), 0);
	while ((stop = next_event(pid, PTRACE_CONT)) > 0) {
		look("event", pid);
		if (stop == EVENT_STOP(FORK) || stop == EVENT_STOP(VFORK))
			follow_child(pid);
		if (request == PTRACE_SINGLESTEP && stop != EVENT_STOP(EXIT)) {
			GO_ON(pid, request, 0);
			EXPECT(stop_of(pid) & 0xff, SIGTRAP);
			look("step", pid);
		}
	}
}

CASE(events)
{
	watch_events(PTRACE_CONT);
}

/* A step from an event: its stop comes before that of the signal which the call has brought. */
CASE(step_from_event)
{
	watch_events(PTRACE_SINGLESTEP);
}

/* Twice, as the tracer has a handler of its own for SIGCHLD then, which a child inherits. */
CASE(events_again)
{
	watch_events(PTRACE_CONT);
	watch_events(PTRACE_CONT);
}

/* Steps over vfork, from the stop of its entry: the action of SIGTRAP stays what it is. */
CASE(step_into_vfork)
{
	pid_t pid = child_running(creates);
	struct user_regs_struct regs;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACESYSGOOD), 0);
	do {
		GO_ON(pid, PTRACE_SYSCALL, 0);
		EXPECT(stop_of(pid), SYSCALL_STOP);
		EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	} while (regs.orig_rax != SYS_vfork);
	GO_ON(pid, PTRACE_SINGLESTEP, 0);
	EXPECT(stop_of(pid), EVENT_STOP(VFORK));
	look("event", pid);
	follow_child(pid);
	while (next_event(pid, PTRACE_CONT) > 0)
		follow_child(pid);
}

static int deadly;

static void kills_itself(void)
{
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), deadly);
}

static void sleeps(void)
{
	raw(SYS_pause);
}

static void becomes_another(void)
{
	char *const argv[] = { "true", NULL };

	raw(SYS_execve, "/bin/true", argv, environ);
}

/* What a tracer finds when its tracee dies of a signal, which it was shown before: where that has come. */
static void look_at_death(const char *where, void (*fn)(void), int sig)
{
	struct user_regs_struct regs, before;
	pid_t pid;

	deadly = sig;
	pid = child_running(fn);
	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT), 0);
	GO_ON(pid, PTRACE_CONT, 0);
	if (fn == sleeps) {
		await_sleep(pid);
		EXPECT(kill(pid, sig), 0);
	}
	EXPECT(stop_of(pid), sig);
	EXPECT(pt(GETREGS, pid, 0, &before), 0);
	GO_ON(pid, PTRACE_CONT, sig);
	EXPECT(stop_of(pid), EVENT_STOP(EXIT));
	look(where, pid);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	CHECK(memcmp(&regs, &before, sizeof(regs)) == 0);
	GO_ON(pid, PTRACE_CONT, 0);
	EXPECT(stop_of(pid), -1);
}

CASE(deaths)
{
	static const int signals[] = { SIGABRT, SIGTRAP, SIGSEGV, SIGSYS, SIGTERM, SIGQUIT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		look_at_death("by itself", kills_itself, signals[i]);
		look_at_death("asleep", sleeps, signals[i]);
	}
	look_at_death("after execve", becomes_another, SIGTRAP);
}

static void ends_thread(void)
{
	raw(SYS_getppid);
	raw(SYS_exit, 7);
}

static void ends_process(void)
{
	raw(SYS_getppid);
	raw(SYS_exit_group, 8);
}

/* Nobody may write to the memory of a process that is not dumpable, not even a tracer without capabilities. */
static void follow_not_dumpable(void)
{
	static void (*const ends[])(void) = { ends_thread, ends_process };

	NEED(prctl(PR_SET_DUMPABLE, 0) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct user_regs_struct regs;
		pid_t pid = child_running(ends[i]);

		EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
		do {
			EXPECT(pt(SYSCALL, pid, 0, 0), 0);
			if (stop_of(pid) < 0)
				break;
			EXPECT(pt(GETREGS, pid, 0, &regs), 0);
			say("call %ld: %s", (long)regs.orig_rax, (long)regs.rax == -ENOSYS ? "entry" : "exit");
		} while (!guest_failures);
	}
}

CASE(not_dumpable)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0)
			NEED(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
			     setresuid(65534, 65534, 65534) == 0);
		follow_not_dumpable();
		_exit(guest_failures != 0);
	}
	EXPECT(wait_for(pid), 0);
}

static bool blocks;

static void sends_sigsys(void)
{
	const uint64_t set = 1ul << (SIGSYS - 1);

	set_handler(SIGSYS, ends_later, 0);
	set_handler(SIGUSR1, ends_later, 0);
	if (blocks)
		raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	kills_itself();
	raw(SYS_getppid);
	raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
	for (int i = 0; i < 3; i++)
		raw(SYS_getppid);
	raw(SYS_exit_group, 6);
}

/* A SIGSYS that a thread sends to itself is what the tracer makes of it, and comes once. */
static void meet_sigsys(int passed, int code)
{
	siginfo_t info = { .si_signo = SIGSYS, .si_code = code };
	int stop, sig = 0;
	pid_t pid;

	deadly = SIGSYS;
	pid = child_running(sends_sigsys);
	for (;;) {
		GO_ON(pid, PTRACE_CONT, sig);
		stop = stop_of(pid);
		if (stop < 0)
			return;
		look("stop", pid);
		sig = passed;
		if (code)
			EXPECT(pt(SETSIGINFO, pid, 0, &info), 0);
	}
}

CASE(changed_sigsys)
{
	for (int i = 0; i < 2; i++, blocks = true) {
		meet_sigsys(SIGSYS, 0);
		meet_sigsys(SIGSYS, SI_QUEUE);
		meet_sigsys(SIGUSR1, 0);
		meet_sigsys(0, 0);
	}
}

static void sends(void)
{
	set_handler(SIGUSR1, ends_later, 0);
	raw(SYS_getppid);
	raw(SYS_kill, raw(SYS_getpid), SIGUSR1);
	raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	raw(SYS_exit_group, 6);
}

/* Steps over each call from its entry: the number of the call is still known behind it, and a signal that the call has
 * sent comes after the step. A step into a handler is told apart. */
CASE(steps_over_calls)
{
	pid_t pid = child_running(sends);
	int stop = 0, sig = 0;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (;;) {
		GO_ON(pid, PTRACE_SYSCALL, sig);
		stop = stop_of(pid);
		if (stop < 0)
			break;
		look("stop", pid);
		sig = stop == SIGUSR1 ? stop : 0;
		GO_ON(pid, PTRACE_SINGLESTEP, sig);
		sig = 0;
		stop = stop_of(pid);
		if (stop < 0)
			break;
		look("step", pid);
		sig = stop == SIGUSR1 ? stop : 0;
	}
}

HELPER(tells_ignored)
{
	struct sigaction action;

	sigaction(SIGCHLD, NULL, &action);
	say("SIGCHLD is %signored", action.sa_handler == SIG_IGN ? "" : "not ");
}

/* A child of a process that is a tracer, and has the action of SIGCHLD as the tracer has left it. */
static void untraced(bool executes)
{
	const char *words[] = { "tracer_events", "tells_ignored", NULL };
	pid_t pid = fork(), child;

	if (pid == 0) {
		child = (pid_t)raw(SYS_fork);
		if (child == 0)
			raw(SYS_exit_group, 0);
		say("wait: %s", raw(SYS_wait4, child, 0, 0, 0) == child ? "the child" : "nobody");
		if (executes)
			raw(SYS_execve, self_path(), words, 0);
		raw(SYS_exit_group, 0);
	}
	while (waitpid(pid, NULL, 0) == pid)
		;
}

static void trace_one(void)
{
	pid_t pid;

	set_handler(SIGCHLD, ends_later, SA_RESTART);
	pid = child_running(sends);
	EXPECT(pt(KILL, pid, 0, 0), 0);
	EXPECT(stop_of(pid), -1);
}

/* The child of a tracer, which traces nothing itself. */
CASE(child_of_tracer)
{
	trace_one();
	untraced(false);
	NEED(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	untraced(true);
	NEED(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	untraced(true);
}

/* A tracer hears of children that stop only while it is to, also when it traces no more. */
CASE(after_last_tracee)
{
	const uint64_t set = 1ul << (SIGCHLD - 1);
	struct sigaction action = { .sa_sigaction = ends_later, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP };

	for (int i = 0; i < 3; i++) {
		pid_t pid;

		trace_one();
		NEED(sigaction(SIGCHLD, &action, NULL) == 0);
		raw(SYS_rt_sigprocmask, SIG_BLOCK, &set, 0, 8);
		pid = (pid_t)raw(SYS_fork);
		if (pid == 0) {
			raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
			raw(SYS_exit_group, 0);
		}
		EXPECT(raw(SYS_wait4, pid, 0, WUNTRACED, 0), pid);
		raw(SYS_kill, pid, SIGCONT);
		EXPECT(raw(SYS_wait4, pid, 0, 0, 0), pid);
		say("unblocks");
		raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, 0, 8);
	}
}

HELPER(nothing)
{
}

static void executes(void)
{
	const char *words[] = { "tracer_events", "nothing", NULL };

	raw(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
	raw(SYS_execve, self_path(), words, 0);
}

CASE(exec_event)
{
	pid_t pid = child_running(executes);
	struct user_regs_struct regs;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC), 0);
	GO_ON(pid, PTRACE_CONT, 0);
	EXPECT(stop_of(pid), EVENT_STOP(EXEC));
	look("event", pid);
	/* What the result is set to is lost. */
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	regs.rax = 77;
	EXPECT(pt(SETREGS, pid, 0, &regs), 0);
	GO_ON(pid, PTRACE_SINGLESTEP, 0);
	EXPECT(stop_of(pid), SIGTRAP);
	EXPECT(pt(GETREGS, pid, 0, &regs), 0);
	say("then %ld", (long)regs.rax);
	GO_ON(pid, PTRACE_CONT, 0);
	EXPECT(stop_of(pid), -1);
}

/* Without the event there is a signal. */
CASE(exec_trap)
{
	pid_t pid = child_running(executes);

	GO_ON(pid, PTRACE_CONT, 0);
	EXPECT(stop_of(pid), SIGTRAP);
	look("trap", pid);
	GO_ON(pid, PTRACE_CONT, 0);
	EXPECT(stop_of(pid), -1);
}

static void shows_mask(void)
{
	uint64_t now = 0;
	pid_t pid;

	set_handler(SIGSYS, ends_later, 0);
	pid = vfork();
	if (pid == 0)
		raw(SYS_exit_group, 4);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, 0, &now, 8);
	say("the tracee's mask: %lx", (long)now);
	raw(SYS_kill, raw(SYS_getpid), SIGSYS);
	raw(SYS_rt_sigpending, &now, 8);
	say("pending: %lx", (long)now);
	raw(SYS_exit_group, 7);
}

/* A tracer sets the mask of its tracee, in its own code or in a call. */
static void set_mask(bool in_call)
{
	pid_t pid = child_running(shows_mask);
	int stop;

	EXPECT(pt(SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORK), 0);
	EXPECT(pt(SETSIGMASK, pid, 4, &mask), -EINVAL);
	EXPECT(pt(SETSIGMASK, pid, 8, 8), -EFAULT);
	if (!in_call)
		EXPECT(pt(SETSIGMASK, pid, 8, &mask), 0);
	stop = next_event(pid, PTRACE_CONT);
	EXPECT(stop, EVENT_STOP(VFORK));
	if (in_call)
		EXPECT(pt(SETSIGMASK, pid, 8, &mask), 0);
	look("event", pid);
	follow_child(pid);
	EXPECT(next_event(pid, PTRACE_CONT), -1);
}

CASE(mask_set)
{
	set_mask(false);
}

CASE(mask_set_in_call)
{
	set_mask(true);
}
