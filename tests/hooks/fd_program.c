/*
 * The program of fd.c. usage: fd-program objects|sockets|native STEP...
 *
 * With `objects` and `sockets` it says what is wrong with objects; natively, where all are /dev/null, only what it says
 * in all cases: the numbers of descriptors, and their flags.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 300
#define STACK (64 << 10)

extern char **environ;

static bool objects; /* otherwise natively */
static bool sockets; /* which the objects are */
static char **arguments;

static void fail(const char *what, long a, long b)
{
	dprintf(2, "%s: %ld, %ld (%s)\n", what, a, b, strerror(errno));
	exit(1);
}

static long must(const char *what, long r)
{
	if (r < 0)
		fail(what, r, 0);
	return r;
}

static int plain(void)
{
	return (int)must("/dev/null", syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0));
}

static int make(unsigned number, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/object/%u", number);
	return (int)must(path, syscall(SYS_openat, AT_FDCWD, objects ? path : "/dev/null", flags, 0));
}

/* -1: none of the objects; -2: not open. */
static void check_quietly(const char *what, int fd, long number)
{
	char text[32] = "";
	long r;

	if (!objects)
		return;
	r = syscall(500, fd);
	if (r != (number < 0 ? -1 : number) || (r < 0 && errno != (number == -1 ? ENOENT : EBADF)))
		fail(what, r, number);
	if (number >= 0 && (read(fd, text, sizeof(text) - 1) <= 0 || atol(text) != number))
		fail("read", fd, number);
}

static void check(const char *what, int fd, long number)
{
	int flags = fcntl(fd, F_GETFD);

	printf("%s %d %d\n", what, fd, flags);
	check_quietly(what, fd, number);
}

static void await(pid_t child)
{
	int status;

	must("waitpid", waitpid(child, &status, __WALL));
	if (status != 0)
		fail("child", child, status);
}

/* The numbers are the lowest that are free, and one that is used again is another file's. */
static void numbers(void)
{
	int a = make(1, O_RDWR), b = make(2, O_RDWR | O_CLOEXEC), c = dup(a), d = plain();

	check("open", a, 1);
	check("open cloexec", b, 2);
	check("dup", c, 1);
	check("plain", d, -1);
	check("dup2", dup2(b, d), 2);
	check("dup2 same", dup2(b, b), 2);
	check("dup3", dup3(a, 40, O_CLOEXEC), 1);
	check("F_DUPFD", fcntl(b, F_DUPFD, 30), 2);
	check("F_DUPFD_CLOEXEC", fcntl(a, F_DUPFD_CLOEXEC, 30), 1);
	must("F_SETFD", fcntl(a, F_SETFD, FD_CLOEXEC));
	check("F_SETFD", a, 1);
	close(a);
	check("closed", a, -2);
	check("negative", -1, -2);
	check("cwd", AT_FDCWD, -2);
	check("still", c, 1);
	check("again", plain(), -1);
	close(a);
	check("again", make(3, O_RDWR), 3);
	check("plain over one", dup2(plain(), a), -1);
	close_range(30, 35, 0);
	check("close_range", 30, -2);
	check("close_range", 40, 1);
	close_range(3, 50, CLOSE_RANGE_CLOEXEC);
	check("CLOSE_RANGE_CLOEXEC", c, 1);
	close_range(3, ~0u, 0);
	check("close_range", c, -2);
}

static int run_exec(void)
{
	return execv("/proc/self/exe", (char *[]){ arguments[0], arguments[1], "executed", NULL });
}

static void execs(void)
{
	pid_t child;
	posix_spawn_file_actions_t actions;

	make(1, O_RDWR);
	make(2, O_RDWR | O_CLOEXEC);
	fcntl(3, F_DUPFD_CLOEXEC, 5);
	dup2(4, 6);
	fflush(stdout);
	child = fork();
	if (child == 0)
		exit(run_exec());
	await(child);
	child = vfork();
	if (child == 0)
		_exit(run_exec());
	await(child);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, 4, 7);
	posix_spawn_file_actions_addclose(&actions, 3);
	must("spawn", -posix_spawn(&child, "/proc/self/exe", &actions, NULL,
				   (char *[]){ arguments[0], arguments[1], "spawned", NULL }, environ));
	await(child);
	close_range(3, ~0u, 0);
}

static void executed(void)
{
	check("exec", 3, 1);
	check("exec", 4, -2);
	check("exec", 5, -2);
	check("exec", 6, 2);
}

static void spawned(void)
{
	check("spawn", 3, -2);
	check("spawn", 6, 2);
	check("spawn", 7, 2);
}

static int change(void *number)
{
	close(4);
	check("in the other", 3, 1);
	check("in the other", make((unsigned)(long)number, O_RDWR), (long)number);
	fflush(stdout);
	return 0;
}

static void *change_unshared(void *number)
{
	must("unshare", unshare(CLONE_FILES));
	change(number);
	return NULL;
}

static void *close_all_unshared(void *unused)
{
	must("close_range", close_range(4, ~0u, CLOSE_RANGE_UNSHARE));
	check("CLOSE_RANGE_UNSHARE", 4, -2);
	check("CLOSE_RANGE_UNSHARE", 3, 1);
	return unused;
}

/* Who shares the table of descriptors, and who has one of their own. */
static void tables(void)
{
	static char stack[STACK] __attribute__((aligned(16)));
	pthread_t thread;
	long number = 10;
	pid_t child;

	make(1, O_RDWR);
	make(2, O_RDWR);
	fflush(stdout);
	child = fork();
	if (child == 0)
		exit(change((void *)number));
	await(child);
	check("fork", 4, 2);
	fflush(stdout);
	await((pid_t)must("clone", clone(change, stack + STACK, CLONE_FILES | SIGCHLD, (void *)11)));
	check("CLONE_FILES", 4, 11);
	fflush(stdout);
	await((pid_t)must("clone", clone(change, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)12)));
	check("CLONE_VM", 4, 11);
	pthread_create(&thread, NULL, change_unshared, (void *)13);
	pthread_join(thread, NULL);
	check("unshare", 4, 11);
	pthread_create(&thread, NULL, close_all_unshared, NULL);
	pthread_join(thread, NULL);
	check("unshared", 4, 11);
	close_range(3, ~0u, 0);
}

static void send_to(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec data = { (void *)"", 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	must("sendmsg", sendmsg(socket, &message, 0));
}

static int receive(int socket, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	must("recvmsg", recvmsg(socket, &message, flags));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void passed(void)
{
	int pair[2], fd, pidfd;
	pid_t child;
	char go;

	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		fd = make(6, O_RDWR);
		send_to(pair[1], fd);
		close(fd);
		fd = make(7, O_RDWR);
		send_to(pair[1], fd);
		dup2(fd, 20);
		must("write", write(pair[1], "", 1));
		exit(recv(pair[1], &go, 1, 0) != 1);
	}
	check("SCM_RIGHTS", receive(pair[0], 0), 6);
	check("SCM_RIGHTS", receive(pair[0], MSG_CMSG_CLOEXEC), 7);
	must("recv", recv(pair[0], &go, 1, 0));
	pidfd = (int)must("pidfd_open", syscall(SYS_pidfd_open, child, 0));
	check("pidfd_getfd", (int)must("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 20, 0)), 7);
	send(pair[0], "", 1, 0);
	await(child);
	/* One that is under way when all who have it are gone. */
	fd = make(8, O_RDWR);
	send_to(pair[0], fd);
	close(fd);
	check("under way", receive(pair[1], 0), 8);
	close_range(3, ~0u, 0);
}

/* Opened anew: a description of its own. */
static void anew(void)
{
	int fd = make(9, O_RDWR);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check("opened anew", (int)must(path, open(path, O_RDONLY | O_CLOEXEC)), 9);
	must("lseek", lseek(fd, 100, SEEK_SET));
	if (objects && (lseek(dup(fd), 0, SEEK_CUR) != 100 || lseek(fd + 1, 0, SEEK_CUR) != 0))
		fail("offsets", lseek(fd, 0, SEEK_CUR), lseek(fd + 1, 0, SEEK_CUR));
	close_range(3, ~0u, 0);
}

/* What else is a file in memory, sealed, or small. */
static void alike(void)
{
	const struct sockaddr_un like = { .sun_family = AF_UNIX };
	int fd = memfd_create("object", MFD_ALLOW_SEALING);

	check("memfd", fd, -1);
	must("write", write(fd, "0123456789abcdef", 16));
	must("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | 16));
	check("sealed", fd, -1);
	check("directory", open("/", O_RDONLY | O_DIRECTORY), -1);
	check("socket", socket(AF_UNIX, SOCK_STREAM, 0), -1);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	must("bind", bind(fd, (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_UNIX }, sizeof(sa_family_t)));
	check("address", fd, -1);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	must("bind", bind(fd, (struct sockaddr *)&like, sizeof(sa_family_t) + 1 + 3 * sizeof(uint64_t)));
	check("address", fd, -1);
	check("socket", socket(AF_INET, SOCK_DGRAM, 0), -1);
	close_range(3, ~0u, 0);
}

static void limits(void)
{
	struct rlimit old, low = { 8, 8 }, files;

	signal(SIGXFSZ, SIG_DFL);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &low);
	if (objects && !sockets && (syscall(SYS_openat, AT_FDCWD, "/object/1", O_RDWR) != -1 || errno != EFBIG))
		fail("EFBIG", errno, 0);
	setrlimit(RLIMIT_FSIZE, &old);
	getrlimit(RLIMIT_NOFILE, &files);
	low.rlim_cur = 4;
	low.rlim_max = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &low);
	check("last", make(1, O_RDWR), 1);
	if (syscall(SYS_openat, AT_FDCWD, objects ? "/object/1" : "/dev/null", O_RDWR) != -1 || errno != EMFILE)
		fail("EMFILE", errno, 0);
	setrlimit(RLIMIT_NOFILE, &files);
	close(3);
}

/* Each object that a thread makes is its own, and each file that it opens is no object, whatever number it has, and
 * whatever had it before. */
static void *race(void *argument)
{
	unsigned number = (unsigned)(long)argument * ROUNDS;

	for (int i = 0; i < ROUNDS; i++, number++) {
		int fds[4] = { make(number, O_RDWR), plain(), make(number + 1000000, O_RDWR | O_CLOEXEC) };

		fds[3] = dup(fds[i % 3]);
		check_quietly("raced", fds[0], number);
		check_quietly("raced plain", fds[1], -1);
		check_quietly("raced", fds[2], number + 1000000);
		check_quietly("raced dup", fds[3], i % 3 == 1 ? -1 : (long)number + i % 3 / 2 * 1000000);
		must("dup2", dup2(fds[1], fds[0]));
		check_quietly("raced dup2", fds[0], -1);
		must("dup2", dup2(fds[2], fds[1]));
		check_quietly("raced dup2", fds[1], number + 1000000);
		for (int k = 0; k < 4; k++)
			close(fds[k]);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t all[THREADS];

	for (long i = 0; i < THREADS; i++)
		pthread_create(&all[i], NULL, race, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	check("after threads", make(1, O_RDWR), 1);
	close(3);
}

static void *fork_often(void *argument)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0) {
			check_quietly("in a child", 3, 23);
			for (unsigned k = 0; k < 5; k++) {
				int fd = make(k, O_RDWR);

				check_quietly("of a child", fd, k);
				close(fd);
			}
			_exit(0);
		}
		await(child);
	}
	return argument;
}

static void forks(void)
{
	pthread_t all[THREADS];

	make(23, O_RDWR);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&all[i], NULL, i % 2 ? fork_often : race, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	check("after forks", 3, 23);
	close(3);
}

/* Some die wherever they are. */
static void kills(void)
{
	make(24, O_RDWR);
	for (int i = 0; i < 60; i++) {
		pid_t child = fork();

		if (child == 0)
			for (;;)
				race((void *)1);
		usleep((unsigned)(i * 37 % 5000));
		kill(child, SIGKILL);
		must("waitpid", waitpid(child, NULL, 0));
		check_quietly("after a kill", 3, 24);
	}
	check("after kills", make(25, O_RDWR), 25);
	close_range(3, ~0u, 0);
}

static void check_ready(int epoll, int fd, bool wanted, int timeout)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	struct epoll_event event = { 0 };
	int n = epoll_wait(epoll, &event, 1, timeout);

	if (n != wanted || event.events != (wanted ? EPOLLIN : 0u))
		fail("epoll_wait", n, (long)event.events);
	if (poll(&polled, 1, 0) != wanted || polled.revents != (wanted ? POLLIN : 0))
		fail("poll", polled.revents, wanted);
}

/* A socket becomes ready when another process says so, and is not any more when it was read. */
static void ready(void)
{
	int fd = make(26, O_RDWR), epoll = (int)must("epoll_create1", epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = { .events = EPOLLIN };

	must("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	for (int i = 0; i < 100; i++) {
		pid_t child;

		check_ready(epoll, fd, false, 0);
		child = fork();
		if (child == 0 && i % 10 == 0)
			_exit(execv("/proc/self/exe", (char *[]){ arguments[0], arguments[1], "readied", NULL }));
		if (child == 0)
			_exit(syscall(501, fd) != 1);
		check_ready(epoll, fd, true, 20000);
		check_quietly("ready", fd, 26);
		await(child);
	}
	close_range(3, ~0u, 0);
}

static void readied(void)
{
	must("501", syscall(501, 3));
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = { { "numbers", numbers }, { "execs", execs }, { "executed", executed }, { "spawned", spawned },
	      { "tables", tables }, { "passed", passed }, { "anew", anew }, { "ready", ready }, { "readied", readied },
	      { "alike", alike }, { "limits", limits },
	      { "threads", threads }, { "forks", forks }, { "kills", kills } };

int main(int argc, char **argv)
{
	arguments = argv;
	sockets = argc > 1 && strcmp(argv[1], "sockets") == 0;
	objects = sockets || (argc > 1 && strcmp(argv[1], "objects") == 0);
	for (int i = 2; i < argc; i++)
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
			if (strcmp(steps[k].name, argv[i]) == 0)
				steps[k].run();
	return 0;
}
