/* Mixed load for as long as one likes, and what the process has grown to: a line each second. */
#include "guest.h"
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <time.h>

extern char **environ;

static const char *library;
static int feed[2];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The threads wait for each other, so that there are always as many at once. */
static void *calls_in_thread(void *barrier)
{
	char byte = 'x';

	pthread_barrier_wait(barrier);
	for (int i = 0; i < 20; i++) {
		EXPECT(write(feed[1], &byte, 1), 1);
		EXPECT(read(feed[0], &byte, 1), 1);
	}
	return NULL;
}

static void run_threads(int count)
{
	pthread_t threads[400];
	pthread_barrier_t barrier;
	pthread_attr_t small;

	pthread_barrier_init(&barrier, NULL, (unsigned)count);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 1 << 16);
	for (int i = 0; i < count; i++)
		NEED(pthread_create(&threads[i], &small, calls_in_thread, &barrier) == 0);
	for (int i = 0; i < count; i++)
		NEED(pthread_join(threads[i], NULL) == 0);
	pthread_attr_destroy(&small);
	pthread_barrier_destroy(&barrier);
}

HELPER(nothing)
{
}

static void run_programs(void)
{
	char *argv[] = { "soak", "nothing", NULL };
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		pid = vfork();
		if (pid == 0) {
			execv(self_path(), argv);
			_exit(3);
		}
		EXPECT(wait_for(pid), 0);
		NEED(posix_spawn(&pid, self_path(), NULL, NULL, argv, environ) == 0);
		EXPECT(wait_for(pid), 0);
		EXPECT(raw(SYS_execve, "/nonexistent", argv, environ), -ENOENT);
		EXPECT(raw(SYS_execve, "/dev/null", argv, environ), -EACCES);
	}
}

static void fork_and_thread(void)
{
	run_threads(2);
}

static void run_filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 7),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	EXPECT(raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog), 0);
	EXPECT(raw(SYS_getppid), -7);
	run_threads(2);
}

static void run_traced(void)
{
	int status;
	pid_t pid = fork();

	NEED(pid >= 0);
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (int i = 0; i < 10; i++)
			raw(SYS_getppid);
		execl(self_path(), "soak", "nothing", NULL);
		_exit(3);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		NEED(ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0);
	EXPECT(status, 0);
}

static void run_forks(void)
{
	for (int i = 0; i < 5; i++)
		EXPECT(in_child(fork_and_thread), 0);
	EXPECT(in_child(run_filtered), 0);
}

/* Shares the memory, and is killed wherever it is. */
static int call_for_ever(void *argument)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	(void)argument;
	while (!guest_failures) {
		raw(SYS_rt_sigaction, SIGUSR2, &action, NULL, 8);
		raw(SYS_getppid);
	}
	return 1;
}

static void run_killed(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));

	for (int i = 0; i < 3; i++) {
		pid_t pid = clone(call_for_ever, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

		NEED(pid > 0);
		usleep(100 + 37 * (unsigned)i);
		kill(pid, SIGKILL);
		EXPECT(wait_for(pid), 1000 + SIGKILL);
	}
}

static void run_libraries(void)
{
	int fd = open(library, O_RDONLY | O_CLOEXEC);

	NEED(fd >= 0);
	for (int i = 0; i < 5; i++) {
		void *handle = dlopen(library, RTLD_NOW), *text;

		NEED(handle);
		dlclose(handle);
		text = mmap(NULL, 1 << 16, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		NEED(text != MAP_FAILED);
		munmap(text, 1 << 16);
	}
	close(fd);
}

static sigjmp_buf out;
static volatile long handled;

static void on_signal(int sig)
{
	handled++;
	if (sig == SIGUSR1)
		siglongjmp(out, 1);
}

static void run_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGSYS, &action, NULL);
	for (volatile int i = 0; i < 20; i++) {
		if (sigsetjmp(out, 1) == 0)
			raise(SIGUSR1);
		raise(SIGUSR2);
		raise(SIGSYS);
	}
}

static long count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	long lines = 0;
	int c;

	NEED(file);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static long count_entries(const char *path)
{
	DIR *directory = opendir(path);
	long count = 0;

	NEED(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static long private_kilobytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long value = 0;

	NEED(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Private_Dirty: %ld", &value) == 1)
			break;
	fclose(file);
	return value;
}

/* SECONDS LIBRARY */
HELPER(load)
{
	double end = now() + (guest_argc > 1 ? atof(guest_argv[1]) : 1), next = 0;

	NEED(guest_argc > 2);
	library = guest_argv[2];
	NEED(pipe(feed) == 0);
	for (long round = 0; now() < end && !guest_failures; round++) {
		run_threads(round % 10 ? 20 : 400);
		run_programs();
		run_forks();
		run_traced();
		run_killed();
		run_libraries();
		run_signals();
		no_children();
		if (now() < next)
			continue;
		next = now() + 1;
		say("%ld %ld %ld %ld", round, count_lines("/proc/self/maps"), private_kilobytes(),
		    count_entries("/proc/self/fd"));
	}
}
