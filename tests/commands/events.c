/*
 * A program of threads, signals and ends, for events.py. usage: events WHAT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS 512

/* A thread and its maker meet here, so that threads begin one after the other. */
static pthread_barrier_t barrier;
static char **arguments;

static void start(void *(*function)(void *))
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, function, NULL);
	pthread_barrier_wait(&barrier);
	usleep(30000);
}

static void *wait_in_pause(void *unused)
{
	pthread_barrier_wait(&barrier);
	pause();
	return unused;
}

static void *wait_in_sleep(void *unused)
{
	pthread_barrier_wait(&barrier);
	syscall(SYS_nanosleep, &(struct timespec){ 100, 0 }, NULL);
	return unused;
}

static void *end_soon(void *unused)
{
	usleep(20000);
	return unused;
}

static void *execute(void *unused)
{
	pthread_barrier_wait(&barrier);
	usleep(60000);
	execl(arguments[2], arguments[2], NULL);
	return unused;
}

/* Two threads that wait. */
static void start_threads(void)
{
	start(wait_in_pause);
	start(wait_in_sleep);
}

static void threads(void)
{
	pthread_t thread;

	start_threads();
	pthread_create(&thread, NULL, end_soon, NULL);
	pthread_join(thread, NULL);
	_exit(3);
}

static void *end_process(void *unused)
{
	usleep(50000);
	_exit(5);
	return unused;
}

/* The first thread ends before the others. */
static void leader(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_process, NULL);
	syscall(SYS_exit, 4);
}

static void exec_thread(void)
{
	start_threads();
	start(execute);
	pause();
}

static void killed(int sig)
{
	start_threads();
	kill(getpid(), sig);
	pause();
}

static void children(void)
{
	static const int signals[] = { 0, SIGKILL, SIGUSR1 };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t child = fork();

		if (child == 0) {
			if (signals[i])
				kill(getpid(), signals[i]);
			_exit(7);
		}
		waitpid(child, NULL, 0);
	}
}

/* A child's end is looked at twice before the child is reaped. */
static void peeked(void)
{
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(7);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	waitpid(child, NULL, 0);
}

static void renamed(void)
{
	static const char *const names[] = { "another", "<of>", "a name that is too long" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		syscall(SYS_prctl, PR_SET_NAME, names[i], 0, 0, 0);
		kill(getpid(), 0);
		if (fork() == 0)
			_exit(getppid() < 0);
		wait(NULL);
	}
}

static void child(void)
{
	syscall(SYS_getppid);
	if (vfork() == 0) {
		syscall(SYS_getppid);
		_exit(0);
	}
	wait(NULL);
	syscall(SYS_getppid);
}

static void handle(int sig)
{
	(void)sig;
}

static void leave(int sig)
{
	(void)sig;
	_exit(0);
}

static void handle_all(int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };

	for (int sig = 1; sig <= 64; sig++)
		sigaction(sig, &action, NULL);
}

static void queue(int sig, int code, int value)
{
	siginfo_t info = { .si_signo = sig };

	info.si_code = code;
	info.si_pid = 7;
	info.si_uid = 8;
	info.si_int = value;
	syscall(SYS_rt_sigqueueinfo, getpid(), sig, &info);
}

/* What is to interrupt a call comes again if it came before the call, where little else gets done. */
static const struct itimerval soon = { .it_value = { 0, 50000 }, .it_interval = { 3, 0 } };

static void handled(void)
{
	struct itimerspec timer_soon = { .it_value = { 0, 50000000 }, .it_interval = { 3, 0 } };
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGRTMIN + 3,
		.sigev_value.sival_int = 9,
	};
	timer_t timer;

	handle_all(0);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR2);
	kill(getpid(), 40);
	kill(getpid(), 64);
	queue(SIGUSR1, SI_QUEUE, 5);
	queue(SIGUSR1, SI_QUEUE, 0);
	queue(SIGALRM, -77, 0);
	queue(SIGIO, SI_TKILL, 1);
	setitimer(ITIMER_REAL, &soon, NULL);
	pause();
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &timer_soon, NULL);
	pause();
	signal(SIGFPE, leave);
	__asm__ volatile("xor %%edx, %%edx\n\t"
			 "mov $1, %%eax\n\t"
			 "xor %%ecx, %%ecx\n\t"
			 "div %%ecx"
			 :
			 :
			 : "eax", "ecx", "edx", "cc");
}

/* Each call is interrupted once, and is or is not made again. */
static void interrupted(void)
{
	struct epoll_event event;
	int epoll = epoll_create1(0), pipes[2];
	sigset_t none;
	char byte;

	if (pipe(pipes) != 0)
		return;
	sigemptyset(&none);
	handle_all(0);
	setitimer(ITIMER_REAL, &soon, NULL);
	pause();
	setitimer(ITIMER_REAL, &soon, NULL);
	syscall(SYS_rt_sigsuspend, &none, 8);
	setitimer(ITIMER_REAL, &soon, NULL);
	syscall(SYS_nanosleep, &(struct timespec){ 5, 0 }, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	syscall(SYS_read, pipes[0], &byte, 1);
	setitimer(ITIMER_REAL, &soon, NULL);
	syscall(SYS_epoll_wait, epoll, &event, 1, -1);
	handle_all(SA_RESTART);
	signal(SIGUSR1, leave);
	if (fork() == 0) {
		usleep(250000);
		kill(getppid(), SIGUSR1);
		usleep(60000);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	syscall(SYS_read, pipes[0], &byte, 1);
}

static void trapped(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	syscall(SYS_getppid);
}

/* Requests for strict mode that the kernel refuses change nothing: a signal that ends the process is seen. */
static void refused(void)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &code };

	syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, "");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
	raise(SIGTERM);
}

static long call_i386_with(long nr, long a1, long a2, long a3, long a4)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(a1), "c"(a2), "d"(a3), "S"(a4), "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static long call_i386(long nr)
{
	return call_i386_with(nr, 0, 0, 0, 0);
}

/* Calls of i386 with structures, which have words of four bytes there. */
static void compat(void)
{
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t at = (uint32_t)(uintptr_t)low, text = at + 512;
	static const uint32_t action[] = { 1 /* SIG_IGN */, 0x10000000, 0, 1 << 1, 0 };
	int fd = memfd_create("compat", 0);

	memcpy((char *)low + 512, "one\0two\n", 8);
	low[0] = text;
	low[1] = 3;
	low[2] = text + 4;
	low[3] = 4;
	call_i386_with(146 /* writev */, fd, at, 2, 0);
	call_i386_with(140 /* _llseek */, fd, 0, 1, at + 64);
	low[0] = at + 1024;
	low[2] = at + 1032;
	low[1] = low[3] = 3;
	call_i386_with(145 /* readv */, fd, at, 2, 0);
	call_i386_with(197 /* fstat64 */, fd, at + 2048, 0, 0);
	call_i386_with(108 /* fstat */, fd, at + 2048, 0, 0);
	low[0] = 0;
	low[1] = 1;
	call_i386_with(162 /* nanosleep */, at, 0, 0, 0);
	low[0] = 64;
	low[1] = 64;
	call_i386_with(75 /* setrlimit */, RLIMIT_NOFILE, at, 0, 0);
	call_i386_with(191 /* ugetrlimit */, RLIMIT_NOFILE, at + 64, 0, 0);
	memcpy(low, action, sizeof(action));
	call_i386_with(174 /* rt_sigaction */, SIGUSR2, at, at + 64, 8);
	low[0] = AF_UNIX;
	low[1] = SOCK_STREAM;
	low[2] = 0;
	call_i386_with(102 /* socketcall */, 1, at, 0, 0);
}

/* Makes every call, under a filter that lets none of them happen. uretprobe and uprobe raise a signal all the same. */
static void every(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	for (long nr = 0; nr < NUMBERS; nr++)
		if (nr != SYS_exit_group && nr != 335 && nr != 336)
			syscall(nr, 0, 0, 0, 0, 0, 0l);
	for (long nr = 0; nr < NUMBERS; nr++)
		call_i386(nr);
	syscall(SYS_exit_group, 0);
}

/* A child of the parent's own parent, who has to wait for it, or it stays a zombie. */
static void sibling(void)
{
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(3);
	for (int i = 0; i < 500 && kill((pid_t)pid, 0) == 0; i++)
		usleep(10000);
	puts(kill((pid_t)pid, 0) == 0 ? "still there" : "gone");
	exit(0);
}

static void none(void)
{
	syscall(SYS_getppid);
	close(-1);
}

/* In seccomp's strict mode a system call more would kill. */
static void strict(void)
{
	syscall(SYS_getppid);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	syscall(SYS_write, 1, "one\n", 4);
	syscall(SYS_write, 1, "two\n", 4);
	syscall(SYS_exit, 3);
}

static void wait_for_input(void)
{
	char byte;

	printf("%d\n", getpid());
	fflush(stdout);
	syscall(SYS_read, 0, &byte, 1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	static const struct {
		const char *what;
		void (*run)(void);
	} table[] = {
		{ "threads", threads }, { "leader", leader }, { "exec-thread", exec_thread },
		{ "children", children }, { "peeked", peeked }, { "renamed", renamed }, { "child", child },
		{ "handled", handled }, { "interrupted", interrupted }, { "seccomp", trapped },
		{ "every", every }, { "none", none }, { "wait", wait_for_input }, { "strict", strict },
		{ "refused", refused }, { "compat", compat }, { "sibling", sibling },
	};

	arguments = argv;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(what, table[i].what) == 0)
			return table[i].run(), 0;
	if (strcmp(what, "killed") == 0)
		killed(SIGKILL);
	if (strcmp(what, "term-threads") == 0)
		killed(SIGTERM);
	if (strcmp(what, "term") == 0)
		kill(getpid(), SIGTERM);
	if (strcmp(what, "realtime") == 0)
		kill(getpid(), 50);
	if (strcmp(what, "abort") == 0)
		abort();
	if (strcmp(what, "fault") == 0)
		__asm__ volatile("movl $1, 8");
	if (strcmp(what, "exec") == 0)
		execl(argv[2], argv[2], NULL);
	return 1;
}
