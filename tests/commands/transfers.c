/*
 * Reads and writes in every way whose data k23 trace dumps, for events.py. usage: transfers [large]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned char from[300], to[300];
static struct iovec given[] = { { from, 20 }, { from + 60, 17 }, { from + 30, 0 }, { from + 40, 1 } };
static struct iovec taken[] = { { to, 16 }, { to + 50, 3 }, { to + 60, 200 } };

static void messages(int out, int in)
{
	struct mmsghdr sent[2] = { { .msg_hdr = { .msg_iov = given, .msg_iovlen = 2 } },
				   { .msg_hdr = { .msg_iov = given + 1, .msg_iovlen = 1 } } };
	struct mmsghdr received[2] = { { .msg_hdr = { .msg_iov = taken, .msg_iovlen = 3 } },
				       { .msg_hdr = { .msg_iov = taken + 1, .msg_iovlen = 2 } } };

	sendmsg(out, &sent[0].msg_hdr, 0);
	recvmsg(in, &received[0].msg_hdr, 0);
	sendmmsg(out, sent, 2, 0);
	recvmmsg(in, received, 2, 0, NULL);
	send(out, "a\n", 2, 0);
	recv(in, to, sizeof(to), 0);
}

static void vectors(int fd)
{
	pwritev(fd, given, 2, 0);
	preadv(fd, taken, 3, 0);
	pwritev2(fd, given, 2, 0, 0);
	preadv2(fd, taken, 1, 0, 0);
	lseek(fd, 0, SEEK_SET);
	writev(fd, given, 4);
	lseek(fd, 0, SEEK_SET);
	readv(fd, taken, 3);
}

static void transfer(void)
{
	struct iovec piped = { from, 3 };
	const char *volatile nowhere = (const char *)8;
	int pair[2], ends[2], fd;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0 || pipe(ends) != 0)
		abort();
	messages(pair[0], pair[1]);
	vmsplice(ends[1], &piped, 1, 0);
	if (read(ends[0], to, sizeof(to)) != 3)
		abort();
	fd = memfd_create("transfers", 0);
	if (pwrite(fd, from, sizeof(from), 0) != sizeof(from) || pread(fd, to, 16, 1) != 16 ||
	    write(fd, "", 0) != 0 || write(fd, nowhere, 3) == 3)
		abort();
	vectors(fd);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 65536, 65537, 0x100001 };
	char *large = argc > 1 && strcmp(argv[1], "large") == 0 ? calloc(1, sizes[2]) : NULL;
	int fd = open("/dev/null", O_WRONLY);

	for (unsigned i = 0; large && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (write(fd, large, sizes[i]) != (ssize_t)sizes[i])
			abort();
	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)i;
	if (!large)
		transfer();
	free(large);
	return 0;
}
