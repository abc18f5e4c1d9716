/* A tracee's tasks create tasks, which the kernel gives to the tracer: it sees each call and signal of all of them. A
 * task may stop before the event that reports it. */
#include "tracing.h"
#include <pthread.h>

#define ROUNDS 10
#define CALLS 10
#define THREADS 4

static struct { int calls, signals, killed, exited; } seen;

static void make_calls(void)
{
	for (int i = 0; i < CALLS; i++)
		raw(SYS_getuid);
}

static void in_grandchild(void (*fn)(void))
{
	for (int i = 0; i < 2; i++)
		if (raw(SYS_fork) != 0) {
			raw(SYS_wait4, -1, 0, 0, 0);
			raw(SYS_exit_group, 0);
		}
	fn();
	raw(SYS_exit_group, 0);
}

static void calls_of_grandchild(void)
{
	in_grandchild(make_calls);
}

static void kill_itself(void)
{
	raw(SYS_kill, raw(SYS_getpid), SIGUSR1);
}

static void death_of_grandchild(void)
{
	in_grandchild(kill_itself);
}

static void *call_in_thread(void *arg)
{
	make_calls();
	return arg;
}

static void *create_thread(void *arg)
{
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, call_in_thread, NULL) == 0);
	make_calls();
	pthread_join(thread, NULL);
	return arg;
}

static void calls_of_threads(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		NEED(pthread_create(&threads[i], NULL, create_thread, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	raw(SYS_exit_group, 0);
}

static int meet_stop(int tid, int stop)
{
	struct user_regs_struct regs;

	if (stop == SYSCALL_STOP) {
		NEED(pt(GETREGS, tid, 0, &regs) == 0);
		seen.calls += regs.orig_rax == SYS_getuid;
		return 0;
	}
	if (stop != SIGUSR1)
		return 0;
	seen.signals++;
	return stop;
}

/* Traces a process that runs @fn, and all tasks that it is the origin of. */
static void follow(void (*fn)(void), bool seizes)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	int status, first;
	pid_t pid;

	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < ROUNDS; i++) {
		if (!seizes) {
			pid = child_running(fn);
			NEED(pt(SETOPTIONS, pid, 0, options) == 0);
		} else {
			pid = fork();
			NEED(pid >= 0);
			if (pid == 0) {
				raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
				fn();
			}
			EXPECT(raw(SYS_wait4, pid, &status, WUNTRACED, 0), pid);
			NEED(pt(SEIZE, pid, 0, options) == 0);
			EXPECT(raw(SYS_kill, pid, SIGCONT), 0);
			EXPECT(raw(SYS_wait4, pid, &status, __WALL, 0), pid);
		}
		for (first = pid; first > 0 || (pid = (pid_t)raw(SYS_wait4, -1, &status, __WALL, 0)) > 0; first = 0) {
			if (first || WIFSTOPPED(status))
				pt(SYSCALL, pid, 0, first ? 0 : meet_stop(pid, status >> 8));
			else if (WIFSIGNALED(status))
				seen.killed++;
			else
				seen.exited++;
		}
	}
	say("calls %d, signals %d, killed %d, exited %d", seen.calls, seen.signals, seen.killed, seen.exited);
}

STRESS(processes)
{
	follow(calls_of_grandchild, false);
}

STRESS(seized)
{
	follow(calls_of_grandchild, true);
}

STRESS(killed)
{
	follow(death_of_grandchild, false);
}

STRESS(threads)
{
	follow(calls_of_threads, false);
}
