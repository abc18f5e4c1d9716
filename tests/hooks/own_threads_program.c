/*
 * Under a hook with threads of its own. What it prints is the same natively, where the hook's numbers do not exist.
 * usage: own-threads-program work|ends|signals|crash|forward|again
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

static const char *self;

static void call(int times)
{
	for (int i = 0; i < times; i++)
		syscall(SYS_getppid);
}

static void *many(void *argument)
{
	for (int i = 0; i < 50; i++) {
		long r = syscall(5000);

		if (r != 105 && !(r == -1 && errno == ENOSYS))
			printf("wrong: %ld\n", r);
		call(1);
	}
	return argument;
}

static int work(void)
{
	pthread_t threads[THREADS];
	int status;
	pid_t child;

	call(500);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, many, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 10; i++) {
		child = fork();
		if (child == 0) {
			call(3);
			many(NULL);
			if (i % 2)
				execl(self, self, "again", NULL);
			_exit(i);
		}
		waitpid(child, &status, 0);
		printf("%d ", status);
	}
	printf("\n");
	return 0;
}

static void *end_later(void *argument)
{
	usleep(20000);
	return argument;
}

/* The process ends with its last thread, whoever that is. */
static int ends(void)
{
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();
		pthread_t thread;
		int status;

		if (child == 0) {
			call(2);
			if (i)
				pthread_create(&thread, NULL, end_later, NULL);
			if (i == 2)
				pthread_join(thread, NULL);
			syscall(SYS_exit, 7 + i);
		}
		waitpid(child, &status, 0);
		printf("%x ", status);
	}
	printf("\n");
	return 3;
}

static volatile int handled;

static void on_signal(int signal)
{
	(void)signal;
	handled++;
}

/* A SIGSYS may be on its way from a thread of the hook. Another one would become one with it. */
static void await_handler(int sig, int before)
{
	for (int wait = sig == SIGSYS ? 2000 : 0; wait && handled == before; wait--)
		usleep(1000);
}

/* What this thread blocks is pending, and no other takes it. */
static int signals(void)
{
	static const int all[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGUSR1, SIGTERM, SIGCHLD };
	static const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never;
	sigset_t set, pending;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int got = 0, before;

		sigemptyset(&set);
		sigaddset(&set, all[i]);
		signal(all[i], on_signal);
		for (int k = 0; k < 20; k++) {
			sigprocmask(SIG_BLOCK, &set, NULL);
			kill(getpid(), all[i]);
			call(5);
			/* A SIGSYS may have come to a thread of the hook, and is there a moment later. */
			for (int wait = all[i] == SIGSYS ? 2000 : 1; wait; wait--) {
				sigpending(&pending);
				if (sigismember(&pending, all[i]))
					break;
				usleep(1000);
			}
			got += sigismember(&pending, all[i]);
			before = handled;
			if (k % 2)
				sigwait(&set, &(int){ 0 });
			sigprocmask(SIG_UNBLOCK, &set, NULL);
			if (k % 2 == 0)
				await_handler(all[i], before);
			before = handled;
			kill(getpid(), all[i]);
			await_handler(all[i], before);
		}
		printf("%d: %d pending, %d handled\n", all[i], got, handled);
		handled = 0;
	}
	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	while (handled < 300)
		call(1);
	setitimer(ITIMER_REAL, &never, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IONBF, 0);
	self = argv[0];
	if (strcmp(what, "work") == 0)
		return work();
	if (strcmp(what, "ends") == 0)
		return ends();
	if (strcmp(what, "signals") == 0)
		return signals();
	call(1);
	if (strcmp(what, "crash") == 0)
		return (int)syscall(5001);
	if (strcmp(what, "forward") == 0)
		return syscall(5002) == -1 && errno == EPERM ? 0 : 1;
	return 42;
}
