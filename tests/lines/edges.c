/*
 * Arrays and addresses of which a part cannot be read, or is not there, and numbers that are out of all bounds.
 */
#include "calls.h"

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
	numbers();
	return 0;
}
