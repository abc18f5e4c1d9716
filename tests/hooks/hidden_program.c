/*
 * Looks for descriptors that are not its own, in whatever way a program comes upon them, and says what it finds. usage:
 * hidden-program lists|limits|spawns|given|locks
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGHEST 5100 /* beyond where they are */
#define THREADS 3
#define SPAWNS 24

extern char **environ;
static const char *self;

struct old_entry {
	unsigned long inode, offset;
	unsigned short size;
	char name[];
};

/* By getdents(), with room for few entries at once. */
static int list_old(const char *path)
{
	char buffer[64] __attribute__((aligned(8)));
	int fd = open(path, O_RDONLY | O_DIRECTORY), count = 0;
	long size;

	while ((size = syscall(SYS_getdents, fd, buffer, sizeof(buffer))) > 0)
		for (long at = 0; at < size; at += ((struct old_entry *)(buffer + at))->size)
			count++;
	close(fd);
	return count;
}

static void list(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	printf("%s:", path);
	while (directory && (entry = readdir(directory)))
		printf(" %s", entry->d_name);
	printf("; %d\n", list_old(path));
	if (directory)
		closedir(directory);
}

static void look(const char *when)
{
	char path[64];
	int fd = open("/dev/null", O_RDONLY);

	printf("%s: lowest %d\n", when, fd);
	list("/proc/self/fd");
	list("/proc/self/fdinfo");
	snprintf(path, sizeof(path), "/proc/self/task/%d/fd", (int)syscall(SYS_gettid));
	printf("%d\n", list_old(path));
	fflush(stdout);
}

static int lists(void)
{
	char *words[] = { (char *)self, "one", NULL };
	pid_t child;

	look("at first");
	for (int fd = 3; fd < HIGHEST; fd++)
		if (fcntl(fd, F_GETFD) >= 0 || dup(fd) >= 0)
			printf("there is %d\n", fd);
	for (int fd = 3; fd < HIGHEST; fd++)
		if (close(fd) == 0)
			printf("closed %d\n", fd);
	look("closed");
	printf("%d\n", close_range(3, ~0u, 0));
	look("by close_range");
	printf("%d\n", close_range(3, ~0u, CLOSE_RANGE_UNSHARE));
	look("by CLOSE_RANGE_UNSHARE");
	printf("%d %d\n", close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), close_range(5, 4, 0));
	for (unsigned fd = 3; fd < HIGHEST; fd++)
		close_range(fd, fd, 0);
	child = fork();
	if (child == 0) {
		look("child");
		execv(self, words);
	}
	waitpid(child, NULL, 0);
	if (posix_spawn(&child, self, NULL, NULL, words, environ) == 0)
		waitpid(child, NULL, 0);
	look("at last");
	return 0;
}

/* All of its numbers are the program's. */
static int limits(void)
{
	struct rlimit limit;
	int last = -1, fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	for (fd = 3; fd < (int)limit.rlim_cur; fd++)
		if (dup2(1, fd) != fd)
			printf("not %d: %s\n", fd, strerror(errno));
	close_range(3, ~0u, 0);
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	printf("%d, limit %d of %d: %s\n", last, (int)limit.rlim_cur, (int)limit.rlim_max, strerror(errno));
	return 0;
}

static void *churn(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		syscall(5002);
	return NULL;
}

/* Children that begin while threads open something have nothing of it. */
static int spawns(void)
{
	char count[16], *words[] = { (char *)self, "one", count, NULL };
	pthread_t threads[THREADS];
	int stop = 0, status, wrong = 0;
	pid_t child;

	snprintf(count, sizeof(count), "%d", list_old("/proc/self/fd"));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, churn, &stop);
	for (int i = 0; i < SPAWNS; i++) {
		if (i % 2) {
			posix_spawn(&child, self, NULL, NULL, words, environ);
		} else if ((child = fork()) == 0) {
			execv(self, words);
			_exit(127);
		}
		wrong += waitpid(child, &status, 0) != child || status;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d wrong\n", wrong);
	return wrong != 0;
}

static int given(void)
{
	int fd = open("/given", O_RDWR), other = open("/given", O_RDWR | O_CLOEXEC);

	printf("%d %d, %d %d, ", fd, fcntl(fd, F_GETFD), other, fcntl(other, F_GETFD));
	printf("%d ", (int)write(fd, "x", 1));
	printf("%d %d\n", close(fd), close(other));
	return 0;
}

/* A child that asks finds the parent's lock. */
static int locks(void)
{
	long r = syscall(5000);
	int status;
	pid_t parent = getpid(), child = fork();

	if (child == 0)
		_exit(syscall(5001) != parent);
	waitpid(child, &status, 0);
	printf("%ld %d\n", r, status);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	self = argv[0];
	if (strcmp(what, "lists") == 0)
		return lists();
	if (strcmp(what, "limits") == 0)
		return limits();
	if (strcmp(what, "spawns") == 0)
		return spawns();
	if (strcmp(what, "given") == 0)
		return given();
	if (strcmp(what, "locks") == 0)
		return locks();
	return argc > 2 && list_old("/proc/self/fd") != atoi(argv[2]);
}
