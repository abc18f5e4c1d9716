/*
 * Programs of several processes, with a mistake each in one of them, of which the first process does not tell, and one
 * without: for k23 inject --explore.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 3

extern char **environ;

/* Whether the child has ended as it should. */
static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int open_file(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* A file is thought to be there always. */
static void open_carelessly(void)
{
	if (open_file() < 0)
		abort();
}

static int open_carefully(void)
{
	return open_file() < 0;
}

/* Makes a child, and does not want to know what becomes of it. */
static int forget(void (*run)(void))
{
	pid_t child = fork();

	if (child == 0) {
		run();
		_exit(0);
	}
	if (child > 0)
		wait_for(child);
	return child < 0;
}

static int forks(void)
{
	return forget(open_carelessly);
}

static void execute(void)
{
	execl("/proc/self/exe", "program", "careless", NULL);
	_exit(1);
}

/* The mistake is in the program that a child becomes. */
static int execs(void)
{
	return forget(execute);
}

static int careless(void)
{
	open_carelessly();
	return 0;
}

static void *run_careless_thread(void *unused)
{
	open_carelessly();
	return unused;
}

static void start_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_careless_thread, NULL) == 0)
		pthread_join(thread, NULL);
}

/* The mistake is in a thread of a child. */
static int thread(void)
{
	return forget(start_thread);
}

static int spawn(const char *name)
{
	char *words[] = { "program", (char *)name, NULL };
	pid_t child;

	if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ) != 0)
		return 1;
	wait_for(child);
	return 0;
}

/* The mistake is in a program that is started by posix_spawn. */
static int spawns(void)
{
	return spawn("careless");
}

/* The mistake is what a child does that has its parent's memory. */
static int vforks(void)
{
	pid_t child = vfork();

	if (child == 0) {
		open_carelessly();
		_exit(0);
	}
	if (child > 0)
		wait_for(child);
	return child < 0;
}

static void open_with_signals_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (open_file() < 0)
		*(volatile char *)0 = 0;
}

/* No handler is told of the fault. */
static int blocked(void)
{
	return forget(open_with_signals_blocked);
}

/* Of children that do the same the second one makes a mistake. */
static int second(void)
{
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0) {
			if (open_file() < 0 && i == 1)
				abort();
			_exit(0);
		}
		if (child < 0)
			return 1;
		wait_for(child);
	}
	return 0;
}

/* Without the file, it waits for itself; and so does a helper, in a session of its own, whose parent has ended. */
static void wait_for_ever(void)
{
	int fds[2];
	char byte;

	if (open_file() >= 0)
		return;
	if (fork() == 0) {
		if (fork() == 0) {
			setsid();
			pause();
		}
		_exit(0);
	}
	if (pipe(fds) == 0)
		(void)!read(fds[0], &byte, 1);
}

static int hangs(void)
{
	return forget(wait_for_ever);
}

/* A child ends by a signal, as it is meant to; it ends sooner where it has no file. */
static int ends(void)
{
	pid_t child = fork();

	if (child == 0) {
		struct rlimit nothing = { 0, 0 };

		setrlimit(RLIMIT_CORE, &nothing);
		open_file();
		abort();
	}
	if (child > 0)
		wait_for(child);
	return child < 0;
}

static void *open_in_thread(void *unused)
{
	return open_carefully() ? "fails" : unused;
}

static int thread_fails(void)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, open_in_thread, NULL) != 0)
		return 1;
	return pthread_join(thread, &result) != 0 || result;
}

static int careful(void)
{
	return open_carefully();
}

/* All is right: processes of all kinds, whose failures are handed on. */
static int right(void)
{
	char *words[] = { "program", "careful", NULL };
	pid_t child = fork(), other;

	if (child == 0)
		_exit(open_carefully() || thread_fails());
	if (child < 0 || !wait_for(child))
		return 1;
	child = vfork();
	if (child == 0) {
		execl("/proc/self/exe", "program", "careful", NULL);
		_exit(1);
	}
	if (child < 0 || !wait_for(child))
		return 1;
	return posix_spawn(&other, "/proc/self/exe", NULL, NULL, words, environ) != 0 || !wait_for(other);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} programs[] = {
		{ "forks", forks }, { "execs", execs }, { "careless", careless }, { "thread", thread },
		{ "spawns", spawns }, { "vforks", vforks }, { "blocked", blocked }, { "second", second },
		{ "hangs", hangs }, { "ends", ends }, { "right", right }, { "careful", careful },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(argv[1], programs[i].name) == 0)
			return programs[i].run();
	return 99;
}
