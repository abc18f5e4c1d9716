/*
 * The program that hooks are tried on. usage: program WHAT
 */
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *argument)
{
	return argument;
}

/* The child, on its parent's stack, does nothing but exit. */
static long clone_and_exit(void)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long child;

	__asm__ volatile("syscall\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "mov %[exit], %%eax\n\t"
			 "mov $6, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(child)
			 : "a"(SYS_clone), "D"(CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | SIGCHLD), "S"(0), "d"(0),
			   "r"(r10), "r"(r8), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return child;
}

static void life(void)
{
	pthread_t thread;
	pid_t child;

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "program", "exit", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	child = vfork();
	if (child == 0)
		_exit(5);
	waitpid(child, NULL, 0);
	/* A child that shares the handlers, too, and ends for itself. */
	waitpid((pid_t)clone_and_exit(), NULL, 0);
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	_exit(4);
}

static void handle(int sig)
{
	(void)sig;
}

/* Signals that come in the program, in a call that waits, in a burst, to a handler that does not come back, of a fault,
 * to a child; and the last one ends the program. */
static void signals(void)
{
	struct sigaction action = { .sa_handler = handle };
	struct itimerval soon = { .it_value = { 0, 20000 } };
	sigset_t mask;
	pid_t child;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	signal(SIGHUP, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGHUP);
	setitimer(ITIMER_REAL, &soon, NULL);
	pause();
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGUSR2);
	raise(SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		__asm__ volatile("movl $1, 8");
	}
	waitpid(child, NULL, 0);
	kill(getpid(), SIGTERM);
}

static volatile int done;

static void *come_and_go(void *argument)
{
	while (!done) {
		pthread_t thread;

		pthread_create(&thread, NULL, nothing, NULL);
		pthread_join(thread, NULL);
	}
	return argument;
}

/* Signals that faults raise, blocked, from another process, while threads come and go: none is lost, or handled, and
 * each has what its sender said. */
static void blocked(void)
{
	static const int sent[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct timespec patience = { .tv_sec = 20 };
	pid_t parent = getpid(), child;
	pthread_t thread;
	siginfo_t info;
	sigset_t set;
	int fds[2];
	char byte;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		signal(sent[i], handle);
		sigaddset(&set, sent[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(fds) != 0)
		_exit(1);
	child = fork();
	for (int i = 0; child == 0 && read(fds[0], &byte, 1) == 1; i++)
		if (i % 2)
			kill(parent, sent[i % 5]);
		else
			sigqueue(parent, sent[i % 5], (union sigval){ .sival_int = i });
	pthread_create(&thread, NULL, come_and_go, NULL);
	for (int i = 0; i < 2000; i++) {
		if (write(fds[1], "", 1) != 1 || sigtimedwait(&set, &info, &patience) != sent[i % 5] ||
		    info.si_code != (i % 2 ? SI_USER : SI_QUEUE) || info.si_pid != child ||
		    (info.si_code == SI_QUEUE && info.si_value.sival_int != i)) {
			dprintf(2, "signal %d: %d of %d\n", i, info.si_signo, (int)info.si_pid);
			break;
		}
	}
	done = 1;
	pthread_join(thread, NULL);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct utsname name;

	if (strcmp(what, "uname") == 0)
		return uname(&name);
	if (strcmp(what, "life") == 0)
		life();
	if (strcmp(what, "signals") == 0)
		signals();
	if (strcmp(what, "blocked") == 0) {
		blocked();
		return 0;
	}
	if (strcmp(what, "exit") == 0)
		_exit(3);
	if (strcmp(what, "answer") == 0) {
		dprintf(2, "getppid %ld\n", syscall(SYS_getppid));
		dprintf(2, "5000 %ld\n", syscall(5000));
		return write(1, "twice\n", 6) != 6;
	}
	return 99;
}
