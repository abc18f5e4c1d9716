/* What gdb and strace are run on, for tests/ptrace_tools.py. Nothing that it does depends on time. */
#include "guest.h"

static volatile int some_variable;

__attribute__((noinline)) static int some_function(int argument)
{
	int result = argument * 2;

	some_variable++;
	raw(SYS_getppid);
	return result + 1;
}

HELPER(work)
{
	int sum = 0;

	for (int i = 0; i < 3; i++)
		sum += some_function(i);
	say("sum %d", sum);
	_exit(sum);
}

CASE(exec_from)
{
	some_function(1);
	execl("/nonexistent", "x", NULL);
	execl(self_path(), "work", "work", NULL);
}

CASE(forks)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(self_path(), "work", "work", NULL);
		_exit(99);
	}
	wait_for(pid);
	pid = vfork();
	if (pid == 0) {
		execl(self_path(), "work", "work", NULL);
		_exit(99);
	}
	_exit(wait_for(pid));
}

static void handler(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)info;
	(void)uc;
	raw(SYS_getppid);
}

CASE(signals)
{
	sigset_t set = sigset_of(SIGUSR1);

	set_handler(SIGUSR1, handler, SA_RESTART);
	raise(SIGUSR1);
	kill(getpid(), SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(4);
}
