/*
 * The program of record_files.py, which looks for files that are not there, and says which. usage: record-program WHAT
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define FORKERS 4
#define EACH 40

extern char **environ;
static const char *self;

static void look(const char *format, int a, int b)
{
	struct stat status;
	char name[64];

	snprintf(name, sizeof(name), format, a, b);
	stat(name, &status);
	strcat(name, "\n");
	if (write(1, name, strlen(name)) < 0)
		_exit(1);
}

static void wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		exit(1);
}

static void spawn(int a, int b)
{
	char first[16], second[16], *arguments[] = { "record-program", "one", first, second, NULL };
	pid_t pid;

	snprintf(first, sizeof(first), "%d", a);
	snprintf(second, sizeof(second), "%d", b);
	if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0)
		exit(1);
	wait_for(pid);
}

static void *look_around(void *argument)
{
	for (int i = 0; i < 50; i++)
		look("file-thread-%d-%d", (int)(long)argument, i);
	return NULL;
}

static void *make_children(void *argument)
{
	int a = (int)(long)argument;

	for (int i = 0; i < EACH; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			look("file-fork-%d-%d", a, i);
			_exit(0);
		}
		wait_for(pid);
		spawn(a, i);
	}
	return NULL;
}

static int life(void)
{
	pthread_t thread[THREADS + FORKERS];

	for (long i = 0; i < THREADS + FORKERS; i++)
		if (pthread_create(&thread[i], NULL, i < THREADS ? look_around : make_children, (void *)i) != 0)
			return 1;
	for (int i = 0; i < THREADS + FORKERS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < EACH; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		wait_for(pid);
		look("file-after-%d-%d", 0, i);
		look("file-after-%d-%d", 1, i);
	}
	look("file-before", 0, 0);
	execl(self, self, "last", (char *)NULL);
	return 1;
}

/* The lowest numbers that are free, while a hook may need some, too. */
static int descriptors(void)
{
	struct rlimit size = { 10, 10 }, none = { 3, 3 };
	int kept = dup(1), fds[3] = { -1, -1, -1 };
	struct stat status;
	FILE *out;

	for (int i = 0; i < 3; i++)
		close(i);
	for (int i = 0; i < 1500; i++) {
		stat("/", &status);
		usleep(1000);
	}
	stat("file-closed", &status);
	for (int i = 0; i < 3; i++)
		fds[i] = open("/dev/null", O_RDWR);
	dup2(kept, 1);
	close(kept);
	out = fdopen(1, "w");
	fprintf(out, "%d %d %d %d\n", fds[0], fds[1], fds[2], open("/dev/null", O_RDONLY));
	fflush(out);
	for (int i = 3; i < 1024; i++)
		close(i);
	if (fork() == 0) {
		setrlimit(RLIMIT_NOFILE, &none);
		stat("file-child", &status);
		fprintf(out, "%d\n", open("/dev/null", O_RDONLY));
		fflush(out);
		_exit(0);
	}
	wait(NULL);
	size.rlim_max = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &size);
	stat("file-limited", &status);
	for (int i = 0; i < 1200; i++) {
		stat("/", &status);
		usleep(1000);
	}
	getrlimit(RLIMIT_FSIZE, &size);
	return fprintf(out, "%lu\n", (unsigned long)size.rlim_cur) < 0 || fclose(out) != 0;
}

/* Of the second one the test knows where it is. */
static int in_root(char **roots)
{
	struct stat status;

	if (chroot(roots[0]) != 0 || stat("/file-outer", &status) == 0)
		return 1;
	if (chdir("/inner") != 0 || stat("file-relative", &status) == 0)
		return 1;
	if (chroot("/inner") != 0 || chdir("/") != 0 || stat("file-inner", &status) == 0)
		return 1;
	return write(1, "chroot\n", 7) != 7;
}

int main(int argc, char **argv)
{
	struct stat status;
	const char *what = argc > 1 ? argv[1] : "";

	self = argv[0];
	if (strcmp(what, "life") == 0)
		return life();
	if (strcmp(what, "descriptors") == 0)
		return descriptors();
	if (strcmp(what, "chroot") == 0 && argc == 4)
		return in_root(argv + 2);
	if (strcmp(what, "one") == 0 && argc == 4)
		look("file-spawn-%d-%d", atoi(argv[2]), atoi(argv[3]));
	if (strcmp(what, "last") == 0)
		look("file-last", 0, 0);
	if (strcmp(what, "kill") != 0 && strcmp(what, "abort") != 0)
		return 0;
	stat("file-last", &status);
	if (*what == 'a')
		abort();
	return kill(getpid(), SIGKILL);
}
