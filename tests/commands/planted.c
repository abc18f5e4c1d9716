/*
 * Programs with a mistake each, which one failing call shows, and one without: for k23 inject --explore.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1 << 20)

/* Memory is not there, and is used. */
static int memory(void)
{
	volatile char *bytes = malloc(SIZE);

	bytes[SIZE - 1] = 'x';
	return 0;
}

/* The same, of memory that needs no mapping of its own. */
static int small(void)
{
	volatile char *bytes = malloc(100);

	bytes[99] = 'x';
	return 0;
}

/* A file is not there, and is read. */
static int file(void)
{
	FILE *from = fopen("/etc/passwd", "r");

	return fgetc(from) == EOF;
}

/* What a short write leaves is lost. */
static int writes(void)
{
	return write(STDOUT_FILENO, "all of this\n", 12) < 0;
}

/* An interrupted read is taken for the end. */
static int reads(void)
{
	int fd = open("/etc/passwd", O_RDONLY), total = 0;
	char buffer[16];
	ssize_t part;

	if (fd < 0)
		return 1;
	while ((part = read(fd, buffer, sizeof(buffer))) != 0) {
		if (part < 0 && errno == EINTR)
			break;
		if (part < 0)
			return 1;
		total += (int)part;
	}
	printf("%d\n", total);
	return fflush(stdout) != 0;
}

/* What close says of the data is not asked for. */
static int closes(void)
{
	int fd = open("result", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "result\n", 7) != 7)
		return 1;
	close(fd);
	return 0;
}

/* A way out after an error leaves the end of a pipe open, and waits for its other end. */
static int leak(void)
{
	int fds[2], hosts, status;
	char byte;

	if (pipe(fds) != 0)
		return 1;
	hosts = open("/etc/passwd", O_RDONLY);
	if (hosts >= 0) {
		close(hosts);
		close(fds[1]);
	}
	status = read(fds[0], &byte, 1) != 0;
	return status;
}

/* That there can be no child is thought impossible. */
static int child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		abort();
	return waitpid(pid, NULL, 0) != pid;
}

static void *open_carefully(void *unused)
{
	for (int i = 0; i < 20; i++) {
		int fd = open("/etc/passwd", O_RDONLY);

		if (fd >= 0)
			close(fd);
	}
	return unused;
}

static void *open_carelessly(void *unused)
{
	fgetc(fopen("/etc/passwd", "r"));
	return unused;
}

/* Of two threads that open files at the same time the second does not look whether it has got its file. */
static int threads(void)
{
	pthread_t careful, careless;

	if (pthread_create(&careful, NULL, open_carefully, NULL) != 0 ||
	    pthread_create(&careless, NULL, open_carelessly, NULL) != 0)
		return 1;
	pthread_join(careful, NULL);
	pthread_join(careless, NULL);
	return 0;
}

/* All is right: what fails is said, what is interrupted or short is gone on with. */
static int right(void)
{
	static const char text[] = "all of this\n";
	size_t done = 0;

	while (done < sizeof(text) - 1) {
		ssize_t part = write(STDOUT_FILENO, text + done, sizeof(text) - 1 - done);

		if (part < 0 && errno != EINTR)
			return 1;
		done += part > 0 ? (size_t)part : 0;
	}
	return close(STDOUT_FILENO) != 0 && errno != EINTR;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} programs[] = {
		{ "memory", memory }, { "small", small }, { "file", file }, { "writes", writes }, { "reads", reads },
		{ "closes", closes }, { "leak", leak }, { "child", child },   { "threads", threads },
		{ "right", right },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(argv[1], programs[i].name) == 0)
			return programs[i].run();
	return 99;
}
