#include "calls.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_PGRP 2

static void on_signal(int sig)
{
	(void)sig;
}

static int pipe_of_thread[2];

static int thread(void *unused)
{
	(void)unused;
	CALL(tgkill, getpid(), gettid(), 0);
	CALL(write, pipe_of_thread[1], "", 1);
	return 0;
}

static void make_thread(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	char byte;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

	CALL(pipe, pipe_of_thread);
	clone(thread, stack + sizeof(stack), flags, NULL);
	CALL(read, pipe_of_thread[0], &byte, 1);
	usleep(50000); /* until it has ended */
}

static void name_ids(pid_t other)
{
	struct {
		int type, pid;
	} owner = { 2, other };
	int sockets[2];
	char credentials[12];
	unsigned size = sizeof(credentials);

	CALL(kill, other, 0);
	CALL(kill, -other, 0);
	CALL(kill, -1000000, 0);
	CALL(getpgid, other);
	CALL(getsid, other);
	CALL(getpriority, PRIO_PROCESS, other);
	CALL(getpriority, PRIO_PGRP, other);
	CALL(getpriority, PRIO_USER, other);
	CALL(ioprio_get, IOPRIO_WHO_PROCESS, other);
	CALL(ioprio_get, IOPRIO_WHO_PGRP, other);
	CALL(prctl, PR_SET_PTRACER, other);
	CALL(pipe, sockets);
	CALL(fcntl, sockets[0], F_SETOWN, other);
	CALL(fcntl, sockets[0], F_GETOWN);
	CALL(fcntl, sockets[0], F_SETOWN, -other);
	CALL(fcntl, sockets[0], F_SETOWN_EX, &owner);
	CALL(fcntl, sockets[0], F_GETOWN_EX, &owner);
	CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, sockets);
	CALL(getsockopt, sockets[0], SOL_SOCKET, SO_PEERCRED, credentials, &size);
}

/* In a namespace of its own, where a process and its child know each other by other ids. */
static void inside(void)
{
	siginfo_t info;
	int status;
	pid_t pid;

	signal(SIGUSR1, on_signal);
	CALL(getpid);
	CALL(getppid);
	CALL(getpgrp);
	CALL(setsid);
	CALL(kill, getpid(), SIGUSR1);
	pid = (pid_t)CALL(fork);
	if (!pid) {
		CALL(getppid);
		CALL(setpgid, 0, 0);
		name_ids(getpid());
		name_ids(getppid());
		make_thread();
		_exit(3);
	}
	CALL(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL);
	CALL(waitid, P_PGID, pid, &info, WEXITED | WNOWAIT, NULL);
	CALL(kill, pid, 0);
	CALL(wait4, pid, &status, 0, NULL);
}

int main(void)
{
	int status;
	pid_t pid;

	CALL(unshare, CLONE_NEWPID);
	pid = (pid_t)CALL(fork);
	if (!pid) {
		inside();
		/* And in one below that. */
		CALL(unshare, CLONE_NEWPID);
		pid = (pid_t)CALL(fork);
		if (!pid)
			inside();
		else
			CALL(wait4, pid, &status, 0, NULL);
		_exit(0);
	}
	CALL(kill, pid, 0);
	CALL(wait4, pid, &status, 0, NULL);
	return 0;
}
