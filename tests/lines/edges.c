/*
 * Arrays and addresses of which a part cannot be read, or is not there, and numbers that are out of all bounds.
 */
#include "calls.h"

#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

/* The end of memory that can be read: behind it is a page that cannot. */
static char *end(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(pages + 4096, 4096, PROT_NONE);
	return pages + 4096;
}

static void arrays(void)
{
	struct pollfd *polled = (struct pollfd *)end() - 2;
	struct iovec *vectors = (struct iovec *)end() - 1;
	struct timespec *times = (struct timespec *)end() - 1;

	polled[0] = (struct pollfd){ .fd = -5 };
	polled[1] = (struct pollfd){ .fd = 1, .events = POLLOUT };
	CALL(poll, polled, 2, 0);
	CALL(poll, polled, POISON << 32 | 2, 0); /* the kernel takes an int */
	CALL(ppoll, polled, POISON << 32 | 2, NULL, NULL, 0l);
	CALL(poll, polled, 3, 0);
	CALL(poll, polled, 40, 0);
	CALL(poll, polled + 2, 1, 0);
	vectors->iov_base = "some";
	vectors->iov_len = 4;
	CALL(pwritev, 1, vectors, 2, 0l, 0l);
	CALL(writev, -1, vectors, 3);
	*times = (struct timespec){ 1, 2 };
	CALL(utimensat, AT_FDCWD, "none", times, 0);
}

static void addresses(void)
{
	struct sockaddr_un name = { AF_UNIX, "socket-with-a-name" };
	socklen_t *size = (socklen_t *)end() - 1;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(fd, (struct sockaddr *)&name, sizeof(name));
	for (unsigned room = 0; room < 24; room += room < 4 ? 1 : 5) {
		*size = room;
		CALL(getsockname, fd, end() - room, size);
		CALL(getsockname, fd, end() - room / 2, size);
	}
	close(fd);
	unlink(name.sun_path);
}

/* A structure that is longer than the one that is known, and one that cannot be read to its end. */
static void longer(long nr, const void *known, size_t size, unsigned nth)
{
	static const unsigned char more[] = { 0x80, 1, 2, 3, 0, 0, 0, 0xff };
	unsigned long arguments[] = { (unsigned long)-1, (unsigned long)"none", 0, size, size };
	char *begin = end() - size - sizeof(more);

	for (int i = 0; i < 2; i++) {
		memcpy(begin, known, size);
		arguments[nth] = (unsigned long)begin;
		for (size_t given = size - 8; given <= size + 16; given += 8) {
			arguments[nth + 1] = given;
			syscall(nr, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], 0l);
		}
		memcpy(begin + size, more, sizeof(more));
	}
}

static void structures(void)
{
	struct open_how how = { O_RDWR | O_CREAT, 0, RESOLVE_BENEATH };
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	struct clone_args clone = { .flags = 1ull << 60 | CLONE_PARENT_SETTID, .exit_signal = 1ull << 40, .cgroup = 5 };

	longer(SYS_openat2, &how, sizeof(how), 2);
	how.flags = O_PATH;
	longer(SYS_openat2, &how, sizeof(how), 2);
	longer(SYS_mount_setattr, &attributes, sizeof(attributes), 3);
	longer(SYS_clone3, &clone, sizeof(clone), 0);
}

static void paths(void)
{
	char *long_path = end() - 4096;

	memset(long_path, 'x', 4096);
	CALL(chdir, long_path);
	CALL(chdir, long_path + 1);
	long_path[4095] = 0;
	CALL(chdir, long_path);
}

static void numbers(void)
{
	struct timespec times[] = { { -1, -1 }, { 0, 1l << 62 } };
	struct timeval values[] = { { -1, -1 }, { 0, 1l << 62 } };

	CALL(nanosleep, times, times);
	CALL(nanosleep, times + 1, NULL);
	CALL(settimeofday, values, NULL);
	CALL(pselect6, 0, NULL, NULL, NULL, times, 0l);
	CALL(clock_settime, CLOCK_MONOTONIC, times);
	CALL(arch_prctl, 0x1001, 0);
}

int main(void)
{
	arrays();
	addresses();
	structures();
	paths();
	numbers();
	return 0;
}
