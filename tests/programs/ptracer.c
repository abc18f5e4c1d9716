/* The program is a tracer of its own children. */
#include "guest.h"
#include <sys/ptrace.h>
#include <sys/user.h>

static volatile long variable = 0x1234;

static void show(const char *what, int status)
{
	say("%s: %s %d", what, WIFSTOPPED(status) ? "stopped" : WIFEXITED(status) ? "exited" : "killed",
	    WIFSTOPPED(status) ? WSTOPSIG(status) : WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static pid_t traced_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0))
			_exit(90);
		raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
		_exit(variable == 0x4321 ? 40 : 41);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("first", status);
	return pid;
}

CASE(peek_and_poke)
{
	pid_t pid = traced_child();
	struct user_regs_struct regs;
	long word = 0;
	int status;

	EXPECT(raw(SYS_ptrace, PTRACE_PEEKDATA, pid, &variable, &word), 0);
	EXPECT(word, 0x1234);
	EXPECT(raw(SYS_ptrace, PTRACE_POKEDATA, pid, &variable, 0x4321), 0);
	EXPECT(raw(SYS_ptrace, PTRACE_GETREGS, pid, 0, &regs), 0);
	EXPECT(regs.cs, 0x33);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
	no_children();
}

CASE(signals_pass_through)
{
	pid_t pid = traced_child();
	int status;

	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, SIGTERM), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

CASE(killed)
{
	pid_t pid = traced_child();
	int status;

	EXPECT(raw(SYS_ptrace, PTRACE_KILL, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

CASE(single_step)
{
	pid_t pid = fork();
	int status, steps = 0;

	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
		__asm__ volatile("int3\n\t.rept 20\n\tnop\n\t.endr\n\tint3");
		_exit(5);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("breakpoint", status);
	for (steps = 0; steps < 20; steps++) {
		EXPECT(raw(SYS_ptrace, PTRACE_SINGLESTEP, pid, 0, 0), 0);
		EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
		EXPECT(status, SIGTRAP << 8 | 0x7f);
	}
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("breakpoint", status);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

HELPER(nothing)
{
	_exit(6);
}

/* execve of a traced child stops with SIGTRAP, once. */
CASE(traced_exec)
{
	pid_t pid = fork();
	int status;

	self_path();
	if (pid == 0) {
		raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		execl(self_path(), "zero", "nothing", NULL);
		_exit(91);
	}
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("exec", status);
	EXPECT(raw(SYS_ptrace, PTRACE_CONT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	show("end", status);
}

CASE(seize)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		for (;;)
			pause();
	EXPECT(raw(SYS_ptrace, PTRACE_SEIZE, pid, 0, 0), 0);
	EXPECT(raw(SYS_ptrace, PTRACE_INTERRUPT, pid, 0, 0), 0);
	EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
	say("event %x", status >> 8);
	EXPECT(raw(SYS_ptrace, PTRACE_DETACH, pid, 0, 0), 0);
	kill(pid, SIGKILL);
	EXPECT(wait_for(pid), 1000 + SIGKILL);
}

/* Attached and detached while it makes calls all the time. */
CASE(attach_running)
{
	pid_t pid = fork();
	int status, i;

	if (pid == 0)
		for (;;)
			raw(SYS_getppid);
	for (i = 0; i < 20; i++) {
		EXPECT(raw(SYS_ptrace, PTRACE_ATTACH, pid, 0, 0), 0);
		EXPECT(raw(SYS_wait4, pid, &status, 0, 0), pid);
		EXPECT(status, SIGSTOP << 8 | 0x7f);
		EXPECT(raw(SYS_ptrace, PTRACE_DETACH, pid, 0, 0), 0);
	}
	kill(pid, SIGKILL);
	EXPECT(wait_for(pid), 1000 + SIGKILL);
	EXPECT(raw(SYS_ptrace, PTRACE_ATTACH, pid, 0, 0), -ESRCH);
}

/* Nobody traces us: TRACEME works once. */
CASE(traceme_self)
{
	pid_t pid = fork();

	if (pid == 0) {
		long first = raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
		long second = raw(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);

		_exit(first == 0 && second == -EPERM ? 0 : 1);
	}
	EXPECT(wait_for(pid), 0);
}
