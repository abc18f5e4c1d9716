/*
 * The program that policies are tried on. usage: policy-program WHAT [FORKS]
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define CALLS 1000
#define JUMPS 100

static int forks_each = 5;
static volatile int over;

static void *thousand(void *argument)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return argument;
}

static void start(pthread_t *threads, int count, void *(*function)(void *))
{
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, function, NULL);
}

static void join(const pthread_t *threads, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static int calls(void)
{
	pthread_t threads[THREADS];

	start(threads, THREADS, thousand);
	join(threads, THREADS);
	return 0;
}

static void *busy(void *argument)
{
	while (!over)
		syscall(SYS_getpgrp);
	return argument;
}

static volatile int wrong;

static void *fork_many(void *argument)
{
	for (int i = 0; i < forks_each; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			pthread_t threads[2];

			start(threads, 2, thousand);
			join(threads, 2);
			_exit(5);
		}
		if (waitpid(child, &status, 0) != child || status != 5 << 8)
			wrong = 1;
	}
	return argument;
}

/* While all threads are in functions of the policy. */
static int forks(void)
{
	pthread_t threads[THREADS], others[2];

	start(others, 2, busy);
	start(threads, THREADS, fork_many);
	join(threads, THREADS);
	over = 1;
	join(others, 2);
	return wrong;
}

static sigjmp_buf place;

static void jump(int sig)
{
	(void)sig;
	siglongjmp(place, 1);
}

/* Out of handlers that interrupt a call that blocks. */
static int jumps(void)
{
	struct itimerval timer = { { 0, 0 }, { 0, 1000 } }, none = { 0 };
	volatile int jumped = 0;
	int ends[2];
	char byte;

	if (pipe(ends) != 0)
		return 1;
	signal(SIGALRM, jump);
	if (sigsetjmp(place, 1))
		jumped = jumped + 1;
	syscall(SYS_getppid);
	setitimer(ITIMER_REAL, jumped < JUMPS ? &timer : &none, NULL);
	if (jumped < JUMPS)
		return read(ends[0], &byte, 1) == 0;
	printf("jumped\n");
	return 0;
}

/* What changes.py changes. */
static int changes(void)
{
	char text[16] = "", path[] = "folder/from";
	int fd = open(path, O_RDONLY);

	printf("%d %zd %s", fd >= 0, read(fd, text, sizeof(text) - 1), text);
	printf("%s\n", path);
	printf("%d\n", open("denied/file", O_RDONLY));
	printf("%d %ld %ld\n", syscall(SYS_getppid) == getpid(), syscall(SYS_getpgrp),
	       syscall(SYS_getpriority, 0, 0xffffffff00000007));
	printf("%ld\n", (long)lseek(fd, 0, SEEK_SET));
	printf("%ld\n", syscall(SYS_openat, AT_FDCWD, 16, O_RDONLY)); /* no address */
	return 3;
}

static int threads(void)
{
	pthread_t thread;
	pid_t child;

	start(&thread, 1, thousand);
	join(&thread, 1);
	child = fork();
	if (child == 0) {
		execl("./nothing", "nothing", NULL);
		execl("/proc/self/exe", "policy-program", "none", NULL);
	}
	return waitpid(child, NULL, 0) != child;
}

static int none(void)
{
	return 9;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "calls", calls }, { "forks", forks }, { "jumps", jumps }, { "changes", changes }, { "threads", threads },
	{ "none", none },
};

int main(int argc, char **argv)
{
	if (argc > 2)
		forks_each = atoi(argv[2]);
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run();
	return 2;
}
