/* What no hook sees, for verdict.py. usage: gaps uring COUNT | polled COUNT | killed | refused */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct ring {
	int fd;
	struct io_uring_params params;
	char *queue;
	struct io_uring_sqe *entries;
};

/* Exit status 77: there is no io_uring here. */
static struct ring set_up(unsigned flags)
{
	struct ring ring = { .params = { .flags = flags, .sq_thread_idle = 1000 } };

	ring.fd = (int)syscall(SYS_io_uring_setup, 64, &ring.params);
	if (ring.fd < 0)
		exit(77);
	ring.queue = mmap(NULL, ring.params.sq_off.array + ring.params.sq_entries * sizeof(unsigned),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.entries = mmap(NULL, ring.params.sq_entries * sizeof(*ring.entries), PROT_READ | PROT_WRITE, MAP_SHARED,
			    ring.fd, IORING_OFF_SQES);
	if (ring.queue == MAP_FAILED || ring.entries == MAP_FAILED)
		exit(2);
	return ring;
}

static long submit(struct ring *ring, unsigned count, unsigned wait, struct io_uring_sqe entry)
{
	for (unsigned i = 0; i < count; i++) {
		ring->entries[i] = entry;
		((unsigned *)(ring->queue + ring->params.sq_off.array))[i] = i;
	}
	__atomic_store_n((unsigned *)(ring->queue + ring->params.sq_off.tail), count, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring->fd, count, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0l);
}

/* A child that is killed while it waits for what it has submitted. */
static void submit_and_die(void)
{
	int ready[2], never[2];
	char byte;
	pid_t child;

	if (pipe(ready) != 0 || pipe(never) != 0)
		exit(2);
	child = fork();
	if (child == 0) {
		struct ring ring = set_up(0);

		if (write(ready[1], "", 1) != 1)
			exit(2);
		submit(&ring, 1, 1, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = never[0], .off = -1,
							  .addr = (uintptr_t)&byte, .len = 1 });
		exit(2);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		exit(77);
	usleep(100000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct ring ring;

	if (strcmp(what, "uring") == 0 && argc > 2) {
		ring = set_up(0);
		return submit(&ring, (unsigned)atoi(argv[2]), 0, (struct io_uring_sqe){ .opcode = IORING_OP_NOP }) !=
		       atoi(argv[2]);
	}
	if (strcmp(what, "refused") == 0) {
		ring = set_up(0);
		return syscall(SYS_io_uring_enter, ring.fd, 5, 0, ~0u, NULL, 0l) != -1;
	}
	if (strcmp(what, "polled") == 0 && argc > 2) {
		ring = set_up(IORING_SETUP_SQPOLL);
		return submit(&ring, (unsigned)atoi(argv[2]), 0, (struct io_uring_sqe){ .opcode = IORING_OP_NOP }) !=
		       atoi(argv[2]);
	}
	if (strcmp(what, "killed") == 0)
		return submit_and_die(), 0;
	fputs("usage: gaps uring COUNT | polled COUNT | killed | refused\n", stderr);
	return 2;
}
