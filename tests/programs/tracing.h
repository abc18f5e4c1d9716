/*
 * What guests that are tracers share.
 */
#ifndef TRACING_H
#define TRACING_H

#include <linux/ptrace.h>
#include <sys/user.h>

#include "guest.h"

#define SYSCALL_STOP (SIGTRAP | 0x80)
#define EVENT_STOP(event) (SIGTRAP | PTRACE_EVENT_##event << 8)

/* ptrace is a raw call throughout, whose PEEK requests store what they found. */
#define pt(request, pid, address, data) raw(SYS_ptrace, PTRACE_##request, pid, address, data)

static inline void show(const char *what, int status)
{
	say("%s: %s %d", what, WIFSTOPPED(status) ? "stopped" : WIFEXITED(status) ? "exited" : "killed",
	    WIFSTOPPED(status) ? WSTOPSIG(status) : WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* Waits for the next stop of @pid: what WSTOPSIG and the event are, or -1 when it ended. */
static inline int stop_of(pid_t pid)
{
	int status = 0;

	EXPECT(raw(SYS_wait4, pid, &status, __WALL, 0), pid);
	if (!WIFSTOPPED(status)) {
		show("end", status);
		return -1;
	}
	return status >> 8;
}

/* The instructions at which the child's calls are made. */
extern const char call_site[];

__attribute__((noinline, unused)) static long site(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile(".globl call_site\n\tsyscall\ncall_site:"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A child that waits to be resumed, and then runs @fn. */
static inline pid_t child_running(void (*fn)(void))
{
	pid_t pid = fork();

	NEED(pid >= 0);
	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
		fn();
		raw(SYS_exit_group, 9);
	}
	EXPECT(stop_of(pid), SIGSTOP);
	return pid;
}

/* Until the child sleeps in a call; it has no stop on the way there. */
static inline void await_sleep(pid_t pid)
{
	int status, i;

	for (i = 0; i < 5000; i++) {
		EXPECT(raw(SYS_wait4, pid, &status, WNOHANG | __WALL, 0), 0);
		if (state_of(pid) == 'S')
			return;
		usleep(1000);
	}
	NEED(!"asleep");
}
#endif
