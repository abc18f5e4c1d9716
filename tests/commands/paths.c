/*
 * Calls that take a path, or a descriptor, in every way, for events.py. usage: paths
 * The working directory has a file f, a link s to it, and a directory d.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 40

static char bytes[8];

static void need(long result)
{
	if (result < 0)
		abort();
}

static void descriptors(int fd)
{
	struct pollfd polled[MANY];
	struct epoll_event event = { 0 };
	struct timeval now = { 0, 0 };
	fd_set set;

	for (int i = 0; i < MANY; i++)
		polled[i] = (struct pollfd){ i == MANY - 1 ? fd : -1, 0, 0 };
	need(poll(polled, MANY, 0));
	need(poll(polled, MANY - 1, 0));
	FD_ZERO(&set);
	FD_SET(fd, &set);
	need(select(fd + 1, &set, NULL, NULL, &now));
	need(select(fd, &set, NULL, NULL, &now));
	epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &event);
	need(copy_file_range(fd, NULL, fcntl(fd, F_DUPFD, 20), NULL, 0, 0));
	if (mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		abort();
}

static void names(int directory)
{
	struct stat status;

	need(stat("f", &status));
	need(stat("./f", &status));
	need(stat("s", &status));
	need(fstatat(directory, "f", &status, 0));
	need(readlink("s", bytes, sizeof(bytes)));
	need(link("f", "z"));
	need(symlink("f", "q"));
	need(unlink("q"));
	need(chdir("d"));
	need(stat("../f", &status));
	need(chdir(".."));
}

int main(void)
{
	int fd = open("f", O_RDWR), directory = open(".", O_RDONLY);

	need(fd);
	need(read(fd, bytes, 1));
	descriptors(fd);
	names(directory);
	need(unlink("f"));
	need(read(fd, bytes, 1));
	need(renameat(directory, "z", directory, "f"));
	need(close(fd));
	return 0;
}
