/* Processes that share memory are killed at any moment: those that are left go on as if nothing had happened. */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>

extern char **environ;

long raw_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls,
	       int (*fn)(void *), void *arg);

static char *new_stack(void)
{
	return (char *)guarded(65536) + 65536;
}

static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled++;
}

/* The children have no thread-local storage of their own: raw calls only. */
static int set_handlers(void *arg)
{
	unsigned long act[4] = { 0, 0, 0, 0 }, old[4];

	for (;;) {
		raw(SYS_rt_sigaction, SIGUSR1, 0, old, 8);
		raw(SYS_rt_sigaction, SIGUSR1, old, 0, 8);
		raw(SYS_rt_sigaction, SIGUSR2, act, 0, 8);
	}
	return (int)(long)arg;
}

static int file;

static void map_text(void)
{
	long text = raw(SYS_mmap, 0, 4 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);

	if (text > 0) {
		raw(SYS_mprotect, text, PAGE, PROT_READ);
		raw(SYS_mprotect, text, PAGE, PROT_READ | PROT_EXEC);
		raw(SYS_munmap, text, 4 * PAGE);
	}
}

static int map_texts(void *arg)
{
	for (;;)
		map_text();
	return (int)(long)arg;
}

static int pause_for_ever(void *arg)
{
	for (;;)
		raw(SYS_pause);
	return (int)(long)arg;
}

/* Starts children that do this, and kills each a bit later than the one before, up to a third of a millisecond. */
static void kill_children(int count, unsigned long flags, int (*fn)(void *))
{
	static char *stack;

	if (!stack)
		stack = new_stack();
	for (int i = 0; i < count; i++) {
		struct timespec ts = { 0, i * 7919 % 300000 };
		long pid = raw_clone(flags | SIGCHLD, stack, NULL, NULL, 0, fn, NULL);

		NEED(pid > 0);
		raw(SYS_nanosleep, &ts, 0);
		EXPECT(raw(SYS_kill, pid, SIGKILL), 0);
		EXPECT(wait_for((pid_t)pid), 1000 + SIGKILL);
	}
}

/* While they set the handlers that they share with their parent. */
STRESS(setting_handlers)
{
	for (int i = 0; i < 200; i++) {
		kill_children(1, CLONE_VM | CLONE_SIGHAND, set_handlers);
		handled = 0;
		set_handler(SIGUSR1, on_signal, 0);
		raise(SIGUSR1);
		EXPECT(handled, 1);
	}
	no_children();
}

/* While they map text. Their parent does so afterwards. */
STRESS(mapping_text)
{
	file = open(self_path(), O_RDONLY);
	for (int i = 0; i < 200; i++) {
		kill_children(1, i & 1 ? CLONE_VM | CLONE_SIGHAND : CLONE_VM, map_texts);
		map_text();
	}
	close(file);
	no_children();
}

static int count_mappings(void)
{
	char text[4096];
	long fd = raw(SYS_open, "/proc/self/maps", O_RDONLY, 0), n;
	int lines = 0;

	while ((n = raw(SYS_read, fd, text, sizeof(text))) > 0)
		for (long i = 0; i < n; i++)
			lines += text[i] == '\n';
	raw(SYS_close, fd);
	return lines;
}

/* What is shared keeps nothing of those that are gone. */
CASE(nothing_grows)
{
	int before;

	kill_children(50, CLONE_VM, pause_for_ever);
	before = count_mappings();
	kill_children(500, CLONE_VM, pause_for_ever);
	EXPECT(count_mappings(), before);
	no_children();
}

HELPER(nothing)
{
}

static char *words[] = { "zero", "nothing", NULL };
static volatile int victim; /* -1: there will be none */

static int become_nothing(void *arg)
{
	raw(SYS_execve, arg, words, environ);
	return 99;
}

static void *kill_victims(void *arg)
{
	for (int i = 0; victim >= 0; i++) {
		int pid;

		while (!(pid = victim))
			sched_yield();
		if (pid < 0)
			break;
		usleep(i * 61 % 600);
		raw(SYS_kill, pid, SIGKILL);
		victim = 0;
	}
	return arg;
}

static volatile bool ended;

static void *spawn(void *arg)
{
	while (!ended) {
		pid_t pid;

		NEED(posix_spawn(&pid, arg, NULL, NULL, words, environ) == 0);
		EXPECT(wait_for(pid), 0);
	}
	return arg;
}

/* In their execve, while their parent waits as vfork's does, and another thread starts programs. */
STRESS(in_execve)
{
	const char *path = self_path();
	char *stack = new_stack();
	pthread_t killer, spawner;

	/* What a process that is killed leaves in the middle of its work is somebody else's. */
	NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	NEED(prctl(PR_SET_DUMPABLE, 0) == 0);
	ended = false;
	victim = 0;
	NEED(pthread_create(&killer, NULL, kill_victims, NULL) == 0);
	NEED(pthread_create(&spawner, NULL, spawn, (void *)path) == 0);
	for (int i = 0; i < 100; i++) {
		long pid = raw_clone(CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD, stack, (int *)&victim,
				     NULL, 0, become_nothing, (void *)path);
		int status;

		NEED(pid > 0);
		while (victim)
			usleep(50);
		status = wait_for((pid_t)pid);
		CHECK(status == 0 || status == 1000 + SIGKILL);
	}
	ended = true;
	victim = -1;
	pthread_join(killer, NULL);
	pthread_join(spawner, NULL);
	EXPECT(prctl(PR_GET_DUMPABLE), 0);
	while (raw(SYS_wait4, -1, 0, __WALL, 0) > 0)
		;
	no_children();
}

static volatile int threads;

static int begin_thread(void *arg)
{
	threads++;
	return (int)(long)arg;
}

/* Its parent, with which it shares the handlers, is gone. */
static int outlive(void *arg)
{
	struct timespec ts = { 0, 1000000 };

	while (raw(SYS_getppid) == (long)arg)
		raw(SYS_nanosleep, &ts, 0);
	if (raw_clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, new_stack(),
		      NULL, NULL, 0, begin_thread, NULL) < 0)
		return 9;
	while (!threads)
		raw(SYS_nanosleep, &ts, 0);
	raw(SYS_tgkill, raw(SYS_getpid), raw(SYS_gettid), SIGUSR1);
	/* Of several threads that end by exit(2), the last one would decide. */
	raw(SYS_exit_group, 40 + handled);
	return 9;
}

/* Whoever of those that share handlers ends first: the others keep them. */
CASE(leader_first)
{
	NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			set_handler(SIGUSR1, on_signal, SA_RESTART);
			NEED(raw_clone(CLONE_VM | CLONE_SIGHAND | SIGCHLD, new_stack(), NULL, NULL, 0, outlive,
				       (void *)(long)getpid()) > 0);
			raw(SYS_exit_group, 3);
		}
		EXPECT(wait_for(pid), 3);
		EXPECT(wait_for(-1), 41);
	}
	no_children();
}
