/*
 * A program whose system calls are known in number and in their arguments.
 *
 * usage: calls WHAT [NUMBER]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int number;

/* Reads and writes of many sizes, some from where there is no memory. */
static int bytes(void)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 15, 31, 32, 33, 51, 52, 63, 64, 65, 200, 600 };
	static char data[600], back[600];
	int ends[2];

	if (pipe(ends) != 0)
		_exit(1);
	for (int i = 0; i < number; i++) {
		size_t size = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];

		for (size_t at = 0; at < size; at++)
			data[at] = (char)('a' + (at + (size_t)i) % 26);
		syscall(SYS_write, ends[1], data, size);
		if (size)
			syscall(SYS_read, ends[0], back, i % 2 ? size : sizeof(back));
		syscall(SYS_write, ends[1], NULL, size);
		syscall(SYS_write, ends[1], 16, size);
		syscall(SYS_read, -1, 16, size);
		syscall(SYS_pwrite64, ends[1], data, size, 0);
		syscall(SYS_sendto, ends[1], data, size, 0, NULL, 0);
		syscall(SYS_getppid);
	}
	return 0;
}

static void make_calls(int count)
{
	for (int i = 0; i < count; i++)
		syscall(SYS_getppid);
}

static void *thread(void *unused)
{
	make_calls(number);
	return unused;
}

/* NUMBER calls in each of four threads. */
static int threads(void)
{
	pthread_t id[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&id[i], NULL, thread, NULL) != 0)
			return 1;
	for (int i = 0; i < 4; i++)
		pthread_join(id[i], NULL);
	return 0;
}

/* fchown(-1, THREAD, NUMBER), which changes nothing, from 0 on; without a number for ever. */
static void *make_numbered(void *thread)
{
	for (int i = 0; !number || i < number; i++) {
		syscall(SYS_fchown, -1, thread, i);
		if (i == 1000 && !thread && !number)
			puts("begun"), fflush(stdout);
	}
	return NULL;
}

static int numbered(void)
{
	pthread_t threads[3];

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, make_numbered, (void *)(i + 1));
	make_numbered(NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* NUMBER children with ten calls each, eight at a time. */
static int forks(void)
{
	for (int started = 0, ended = 0; ended < number;) {
		if (started < number && started - ended < 8) {
			if (fork() == 0) {
				make_calls(10);
				_exit(0);
			}
			started++;
			continue;
		}
		if (wait(NULL) > 0)
			ended++;
	}
	return 0;
}

/* As many processes, one after the other, without what a copy of the memory costs. */
static int vforks(void)
{
	while (number-- > 0) {
		pid_t child = vfork();

		if (child == 0) {
			make_calls(10);
			_exit(0);
		}
		if (waitpid(child, NULL, 0) != child)
			return 1;
	}
	return 0;
}

/* This program again, NUMBER times one in the other, with a call each. */
static int execs(char **argv)
{
	char left[16];

	make_calls(1);
	if (number == 0)
		return 0;
	snprintf(left, sizeof(left), "%d", number - 1);
	execl(argv[0], argv[0], argv[1], left, NULL);
	return 1;
}

/* NUMBER calls, and then a death in the middle of one. */
static int killed(void)
{
	make_calls(number);
	kill(getpid(), SIGKILL);
	return 1;
}

/* NUMBER children that make calls until they are killed. */
static int massacre(void)
{
	for (int i = 0; i < number; i++) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				open("/nonexistent/a/long/path/that/fills/several/cells/of/the/buffer/with/its/name/"
				     "/nonexistent/a/long/path/that/fills/several/cells/of/the/buffer/with/its/name",
				     O_RDONLY);
		usleep(1000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static int errors(void)
{
	for (int i = 0; i < number; i++)
		syscall(SYS_close, -1);
	return 0;
}

static int naps(void)
{
	struct timespec time = { 0, 1000000l * number };

	syscall(SYS_nanosleep, &time, NULL);
	return 0;
}

static sigjmp_buf forbidden;

static void on_fault(int sig)
{
	siglongjmp(forbidden, sig);
}

/* NUMBER calls of a program that has forbidden the time stamp counter to itself. */
static int without_counter(void)
{
	struct sigaction action = { .sa_handler = on_fault };

	if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0)
		return 1;
	make_calls(number);
	sigaction(SIGSEGV, &action, NULL);
	if (sigsetjmp(forbidden, 1) == SIGSEGV)
		return 0;
	__builtin_ia32_rdtsc();
	return 3;
}

/* Calls of every kind of argument; what they print is in commands.py. */
static int arguments(void)
{
	char buffer[64], name[8] = "a\n\"\\\1" "1";
	int pair[2];

	syscall(SYS_write, -1, "0123456789012345678901234567890123456789", 40);
	syscall(SYS_write, -1, name, 6);
	syscall(SYS_write, -1, (void *)8, 6);
	syscall(SYS_openat, AT_FDCWD, "/nonexistent/name/that is longer than strings are", O_RDONLY);
	syscall(SYS_openat, 77, "x", O_CREAT | O_WRONLY, 0640);
	syscall(SYS_open, (void *)16, O_RDONLY);
	syscall(SYS_open, NULL, O_RDONLY);
	syscall(SYS_readlink, "/proc/self/ns", buffer, sizeof(buffer));
	syscall(SYS_chmod, "/nonexistent", 0);
	syscall(SYS_kill, 0, 0);
	syscall(SYS_tgkill, -1, -1, SIGUSR1);
	syscall(SYS_tgkill, -1, -1, 40);
	if (syscall(SYS_pipe2, pair, O_CLOEXEC) == 0) {
		syscall(SYS_write, pair[1], "out", 3);
		syscall(SYS_read, pair[0], buffer, sizeof(buffer));
	}
	syscall(SYS_lseek, -1, -5l, SEEK_CUR);
	syscall(SYS_getcwd, buffer, 1);
	syscall(SYS_mmap, NULL, 0, 0, 0, -1, 0l);
	syscall(500, 1, 2, 3, 4, 5, 6l);
	syscall(-1l, 1, 2, 3, 4, 5, 6l);
	syscall(SYS_umask, 022);
	execl("/nonexistent", "an", "argument", NULL);
	return 0;
}

static int i386(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(6 /* close */), "b"(-1l), "c"(0l), "d"(0l) : "memory");
	return r != -EBADF && r != -ENOSYS;
}

/* A child that outlives the program. */
/* A call whose structures lead to 20 MB. */
static int nested(void)
{
	static struct mmsghdr messages[64];
	static struct iovec parts[64][64];
	static char bytes[64][64][5000];

	for (int i = 0; i < 64; i++) {
		for (int j = 0; j < 64; j++)
			parts[i][j] = (struct iovec){ bytes[i][j], sizeof(bytes[i][j]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = parts[i], .msg_iovlen = 64 };
	}
	return syscall(SYS_sendmmsg, -1, messages, 64, 0) != -1;
}

static int orphan(void)
{
	if (fork() == 0) {
		usleep(300000);
		make_calls(number);
		_exit(0);
	}
	return 7;
}

/* The parent, who knows nothing of it, is the tracer; so it is of a child that is made the parent's. */
static int traceme(void)
{
	for (int i = 0; i < 2; i++) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			return 1;
		make_calls(number);
		if (i == 0 && syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) != 0)
			return 7;
	}
	_exit(0);
}

/* Root becomes somebody else, and then another program. */
static int drop(char **argv)
{
	if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
		return 1;
	execl(argv[0], argv[0], "calls", "5", NULL);
	return 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	number = argc > 2 ? atoi(argv[2]) : 0;
	if (strcmp(what, "calls") == 0)
		return make_calls(number), 0;
	if (strcmp(what, "execs") == 0)
		return execs(argv);
	if (strcmp(what, "drop") == 0)
		return drop(argv);
	if (strcmp(what, "exit") == 0)
		return number;
	if (strcmp(what, "signal") == 0)
		return raise(number);
	static const struct {
		const char *name;
		int (*function)(void);
	} table[] = {
		{ "threads", threads }, { "forks", forks }, { "vforks", vforks }, { "killed", killed },
		{ "massacre", massacre }, { "numbered", numbered }, { "numbered-forever", numbered },
		{ "errors", errors }, { "naps", naps }, { "arguments", arguments }, { "i386", i386 },
		{ "nested", nested }, { "bytes", bytes }, { "orphan", orphan }, { "without-counter", without_counter },
		{ "traceme", traceme },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(what, table[i].name) == 0)
			return table[i].function();
	return 2;
}
