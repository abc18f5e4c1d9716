/*
 * Calls with which k23 and strace tamper: what the program is, its first argument says. Prints what it has seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 200
#define THREADS 4

/* A call without arguments that nothing else makes: its result, the error, or 'n' if it is the kernel's. */
static void say_call(FILE *to)
{
	long result = syscall(SYS_getpgrp);

	if (result < 0)
		fprintf(to, " %s", strerrorname_np(errno));
	else if (result == getpgid(0))
		fprintf(to, " n");
	else
		fprintf(to, " %ld", result);
}

static void say_calls(int count)
{
	for (int i = 0; i < count; i++)
		say_call(stdout);
	printf("\n");
	fflush(stdout);
}

static void *three(void *unused)
{
	say_calls(3);
	return unused;
}

static int calls(char **argv)
{
	(void)argv;
	say_calls(6);
	return 0;
}

/* Executes the program that makes calls, after three of them. */
static int again(char **argv)
{
	say_calls(3);
	execl(argv[0], argv[0], "calls", NULL);
	return 1;
}

/* Changes the directory five times. */
static int directories(char **argv)
{
	(void)argv;
	for (int i = 0; i < 5; i++)
		printf("%s\n", chdir("/") != 0 ? strerrorname_np(errno) : "there");
	return 0;
}

/* Three calls in each of two threads, in a child, and in what it executes. */
static int tree(char **argv)
{
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, three, NULL);
		pthread_join(thread, NULL);
	}
	if (fork() == 0) {
		say_calls(3);
		execl(argv[0], argv[0], "calls", NULL);
		_exit(1);
	}
	wait(NULL);
	return 0;
}

static pthread_barrier_t barrier;

/* What each of many calls gave, as a text. */
static void *race(void *to)
{
	char *text = to;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < MANY; i++)
		text[i] = syscall(SYS_getpgrp) < 0 ? 'x' : '.';
	return NULL;
}

/* Threads that make the same calls at the same time, and children of them, forked and vforked. */
static int races(char **argv)
{
	static char texts[THREADS][MANY + 1];
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, race, texts[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		puts(texts[i]);
	}
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pid_t child = i ? vfork() : fork();

		if (child == 0) {
			execl(argv[0], argv[0], "calls", NULL);
			_exit(1);
		}
		waitpid(child, NULL, 0);
	}
	return 0;
}

static int fds[2]; /* of a pipe */

static void on_signal(int sig)
{
	dprintf(1, "handler %d\n", sig);
}

static void on_signal_write(int sig)
{
	dprintf(1, "handler %d\n", sig);
	if (write(fds[1], "2", 1) != 1)
		_exit(1);
}

/* Calls that do not wait, that wait, and that need not wait, with a handler; one that lets calls be made again writes
 * what the last one waits for. */
static int signals(char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	char byte = '-';
	long r;

	if (pipe(fds) != 0 || write(fds[1], "1", 1) != 1)
		return 1;
	if (argv[2]) {
		action.sa_handler = on_signal_write;
		action.sa_flags = SA_RESTART;
	}
	sigaction(SIGUSR1, &action, NULL);
	dprintf(1, "getpgrp %d\n", syscall(SYS_getpgrp) == getpgid(0));
	r = pause();
	dprintf(1, "pause %ld %d\n", r, errno);
	r = syscall(SYS_read, fds[0], &byte, 1);
	dprintf(1, "read %ld %c\n", r, byte);
	r = syscall(SYS_read, fds[0], &byte, 1);
	dprintf(1, "read %ld %d %c\n", r, errno, byte);
	return 0;
}

static void say_result(const char *call, long result)
{
	dprintf(1, "%s %s\n", call, result < 0 ? strerrorname_np(errno) : "done");
}

/* Calls that wait, of each kind that has to be told apart from calls that do not, in pairs: the first need not wait. */
static int waits(char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	int file = memfd_create("lock", 0), word = 0;
	struct timespec second = { 1, 0 };
	pid_t dead, alive;
	siginfo_t info;

	(void)argv;
	if (pipe(fds) != 0)
		return 1;
	sigaction(SIGUSR1, &action, NULL);
	dead = fork();
	if (dead == 0)
		_exit(0);
	waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT);
	alive = fork();
	if (alive == 0) {
		pause();
		_exit(0);
	}
	say_result("wait4", syscall(SYS_wait4, dead, NULL, 0, NULL));
	say_result("wait4", syscall(SYS_wait4, alive, NULL, 0, NULL));
	say_result("wait4", syscall(SYS_wait4, alive, NULL, WNOHANG, NULL));
	say_result("poll", syscall(SYS_poll, &(struct pollfd){ .fd = fds[1], .events = POLLOUT }, 1, 1000));
	say_result("poll", syscall(SYS_poll, &(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, 1000));
	say_result("flock", syscall(SYS_flock, file, LOCK_EX));
	say_result("futex", syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0l));
	say_result("futex", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &second, NULL, 0l));
	say_result("clock_nanosleep", -syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &second, NULL));
	kill(alive, SIGKILL);
	waitid(P_PID, (id_t)alive, &info, WEXITED);
	return 0;
}

/* What is read into a buffer. */
static int data(char **argv)
{
	char buffer[] = "abcdefgh";
	long r;

	(void)argv;
	if (pipe(fds) != 0 || write(fds[1], "12345678", 8) != 8)
		return 1;
	r = syscall(SYS_pread64, fds[0], buffer, 8, 0); /* a pipe: ESPIPE */
	printf("%ld %s\n", r, buffer);
	r = syscall(SYS_read, fds[0], buffer, 8);
	printf("%ld %s\n", r, buffer);
	return 0;
}

/* Each way to transfer 12 bytes, in three vectors where there are some. */
static int transfers(char **argv)
{
	char in[13] = "", out[] = "abcdefghijkl";
	struct iovec from[3] = { { out, 2 }, { out + 2, 7 }, { out + 9, 3 } };
	struct iovec to[3] = { { in, 5 }, { in + 5, 6 }, { in + 11, 1 } };
	struct msghdr sent = { .msg_iov = from, .msg_iovlen = 3 }, taken = { .msg_iov = to, .msg_iovlen = 3 };
	int file = memfd_create("transfers", 0);

	(void)argv;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return 1;
#define SAY(call) (printf("%s %ld", strtok(strdup(#call), "("), (long)(call)), printf(" [%s]\n", in))
	SAY(write(file, out, 12));
	SAY(pread(file, in, 12, 0));
	SAY(pwritev(file, from, 3, 0));
	SAY(preadv(file, to, 3, 0));
	SAY(sendmsg(fds[0], &sent, 0));
	SAY(recvmsg(fds[1], &taken, 0));
	SAY(send(fds[0], out, 12, 0));
	SAY(recv(fds[1], in, 12, MSG_DONTWAIT));
	SAY(writev(file, from, 3));
	printf("%zu %zu %d\n", from[1].iov_len, taken.msg_iovlen, taken.msg_iov == to);
	return 0;
}

/* Opens each argument, reads a byte from it, and says what that gave. */
static int files(char **argv)
{
	for (int i = 2; argv[i]; i++) {
		int fd = open(argv[i], O_RDONLY), error = errno;
		char byte;

		printf("%s %s", argv[i], fd < 0 ? strerrorname_np(error) : "open");
		if (fd >= 0)
			printf(" %s", read(fd, &byte, 1) < 0 ? strerrorname_np(errno) : "read");
		printf("\n");
	}
	return 0;
}

/* Maps memory of several sizes. */
static int maps(char **argv)
{
	(void)argv;
	for (size_t size = 1 << 16; size <= 1 << 20; size *= 4)
		printf("%zu %d\n", size, mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **argv);
	} programs[] = {
		{ "calls", calls }, { "tree", tree },		{ "races", races }, { "signals", signals },
		{ "data", data },   { "transfers", transfers }, { "files", files }, { "maps", maps },
		{ "again", again }, { "directories", directories }, { "waits", waits },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(argv[1], programs[i].name) == 0)
			return programs[i].run(argv);
	return 99;
}
