/*
 * Descriptors: which are open, how they are passed on, and what a limit does.
 */
#ifndef FUZZ_RANDOM_DESCRIPTORS_H
#define FUZZ_RANDOM_DESCRIPTORS_H

#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/un.h>

#define SHOWN_FDS 48

static void show_descriptors(const char *what)
{
	char shown[SHOWN_FDS + 1];

	for (int i = 0; i < SHOWN_FDS; i++) {
		long r = raw(SYS_fcntl, i, F_GETFD);

		shown[i] = r < 0 ? '.' : r & FD_CLOEXEC ? 'c' : 'o';
	}
	shown[SHOWN_FDS] = 0;
	say("%s: %s", what, shown);
}

static long listed_descriptors(void)
{
	char entries[4096];
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n, count = 0;

	while ((n = raw(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n; count++)
			at += *(unsigned short *)(entries + at + 16);
	close(fd);
	return count;
}

static long pass(int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int pair[2], got = -1;
	long r;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0)
		return -errno;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	r = raw(SYS_sendmsg, pair[0], &message, 0);
	if (r > 0) {
		r = raw(SYS_recvmsg, pair[1], &message, draw(2) ? MSG_CMSG_CLOEXEC : 0);
		memcpy(&got, CMSG_DATA(&control.header), sizeof(int));
	}
	close(pair[0]);
	close(pair[1]);
	return r < 0 ? r : got;
}

static void one_descriptor_step(void)
{
	int fd = (int)draw(SHOWN_FDS), to = 3 + (int)draw(SHOWN_FDS - 3);
	uint32_t kind = draw(12);
	long r;

	fd = fd < 3 && kind != 2 ? 3 : fd;
	switch (kind) {
	case 0: r = raw(SYS_open, "/dev/null", O_RDWR | (draw(2) ? O_CLOEXEC : 0)); break;
	case 1: r = raw(SYS_close, fd); break;
	case 2: r = raw(SYS_dup, fd); break;
	case 3: r = raw(SYS_dup2, draw(3), to); break;
	case 4: r = raw(SYS_dup3, draw(3), to, draw(2) ? O_CLOEXEC : 0); break;
	case 5: r = raw(SYS_fcntl, draw(3), draw(2) ? F_DUPFD : F_DUPFD_CLOEXEC, to); break;
	case 6: r = raw(SYS_fcntl, fd, F_SETFD, draw(2)); break;
	case 7: {
		static const unsigned how[] = { 0, CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE, 8 };
		unsigned last = draw(3) ? (unsigned)fd + draw(8) : ~0u;

		r = raw(SYS_close_range, fd, last, PICK(how));
		break;
	}
	case 8: r = pass(draw(2) ? fd : 1); break;
	case 9: r = listed_descriptors(); break;
	case 10: {
		int pidfd = (int)raw(SYS_pidfd_open, getpid(), 0);

		r = raw(SYS_pidfd_getfd, pidfd, fd, 0);
		close(pidfd);
		break;
	}
	default: r = raw(SYS_open, "/proc/self/fd/1", O_WRONLY) == -ENXIO ? -ENXIO : 0; break;
	}
	say("descriptor %u: %ld", kind, r);
}

static void do_many_descriptors(void)
{
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		struct rlimit limit;
		long count = 0;

		raw(SYS_close_range, 3, ~0u, 0);
		for (uint32_t steps = 4 + draw(16); steps; steps--)
			one_descriptor_step();
		show_descriptors("open");
		if (draw(3) == 0) {
			NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
			limit.rlim_cur = 10 + draw(60);
			NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
			while (raw(SYS_dup, 1) >= 0)
				count++;
			say("until full: %ld, then %ld, %ld", count, raw(SYS_open, "/dev/null", O_RDONLY),
			    raw(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
			if (draw(2))
				one_descriptor_step();
		}
		if (draw(2)) {
			const char *words[] = { "random", "descriptors", NULL };

			execv(program, (char **)words);
			say("not executed: %d", errno);
		}
		raw(SYS_exit_group, 0);
	}
	(void)draw(7);
	await(pid);
}

HELPER(descriptors)
{
	show_descriptors("after execve");
	say("%ld listed", listed_descriptors());
}

#endif
