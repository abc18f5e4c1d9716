/* io_uring: the kernel has threads of its own in the process, which end with it. */
#include "guest.h"
#include <dirent.h>
#include <linux/io_uring.h>
#include <pthread.h>

static int count_tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void wait_for_tasks(int count)
{
	for (int i = 0; i < 2000 && count_tasks() < count; i++)
		usleep(1000);
}

static int set_up(struct io_uring_params *params, unsigned flags)
{
	memset(params, 0, sizeof(*params));
	params->flags = flags;
	params->sq_thread_idle = 1000;
	return (int)raw(SYS_io_uring_setup, 8, params);
}

/* A thread of the kernel's that looks for new entries. */
static void start_poller(void)
{
	struct io_uring_params params;

	NEED(set_up(&params, IORING_SETUP_SQPOLL) >= 0);
	wait_for_tasks(2);
}

/* A thread of the kernel's that reads what never comes. */
static void start_worker(void)
{
	struct io_uring_params params;
	int fd = set_up(&params, 0), ends[2];
	static char buffer[8];
	struct io_uring_sqe *entry;
	char *ring;

	NEED(fd >= 0);
	ring = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, IORING_OFF_SQ_RING);
	entry = mmap(NULL, params.sq_entries * sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	NEED(ring != MAP_FAILED && entry != MAP_FAILED);
	NEED(pipe(ends) == 0);
	*entry = (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_ASYNC, .fd = ends[0], .off = -1, .addr = (uintptr_t)buffer,
		.len = sizeof(buffer),
	};
	*(unsigned *)(ring + params.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(ring + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	EXPECT(raw(SYS_io_uring_enter, fd, 1, 0, 0, 0, 0), 1);
	wait_for_tasks(2);
}

static void need_rings(void)
{
	struct io_uring_params params;
	int fd = set_up(&params, 0);

	if (fd < 0)
		guest_skip("io_uring is not there for this user");
	close(fd);
}

static void end_group(void)
{
	raw(SYS_exit_group, 5);
}

static void *end_group_later(void *arg)
{
	usleep(1000);
	end_group();
	return arg;
}

static void end_leader(void)
{
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, end_group_later, NULL) == 0);
	raw(SYS_exit, 6);
}

static void exec_nothing(void)
{
	execl("/bin/sh", "sh", "-c", "exit 5", NULL);
}

/* exit_group, of the only thread that is the program's or of one of two, and execve end the kernel's threads, too. */
static void end_in_every_way(void (*start)(void))
{
	void (*const ends[])(void) = { end_group, end_leader, exec_nothing };

	need_rings();
	for (int i = 0; i < 12; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			start();
			ends[i % ARRAY_SIZE(ends)]();
			_exit(99);
		}
		EXPECT(wait_for(pid), 5);
	}
	no_children();
}

CASE(worker)
{
	end_in_every_way(start_worker);
}

CASE(poller)
{
	end_in_every_way(start_poller);
}
