/* fork, vfork and posix_spawn: many, from many threads, from handlers. */
#include "guest.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/epoll.h>

extern char **environ;

HELPER(nothing)
{
}

HELPER(code)
{
	_exit(atoi(guest_argv[1]));
}

static void *fork_many(void *arg)
{
	int i, times = turns(32, 250);

	for (i = 0; i < times; i++) {
		int code = (int)((long)arg * 16 + i % 16);
		pid_t pid = (pid_t)raw(SYS_fork);

		if (pid == 0) {
			if (raw(SYS_close, -1) != -EBADF || raw(SYS_getpid) != raw(SYS_gettid))
				raw(SYS_exit_group, 255);
			raw(SYS_exit_group, code);
		}
		CHECK(pid > 0);
		EXPECT(wait_for(pid), code);
	}
	return NULL;
}

/* Hundreds of forks from eight threads at once. */
STRESS(threaded)
{
	pthread_t t[8];
	long i;

	for (i = 0; i < 8; i++)
		NEED(pthread_create(&t[i], NULL, fork_many, (void *)i) == 0);
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	no_children();
}

static void *libc_forks(void *arg)
{
	int i, times = turns(12, 50);

	for (i = 0; i < times; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			free(malloc(100000));
			_exit((int)(long)arg);
		}
		EXPECT(wait_for(pid), (long)arg);
	}
	return NULL;
}

STRESS(threaded_libc)
{
	pthread_t t[8];
	long i;

	for (i = 0; i < 8; i++)
		NEED(pthread_create(&t[i], NULL, libc_forks, (void *)i) == 0);
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	no_children();
}

/* Generations: each child forks the next. */
CASE(chain)
{
	int depth;

	for (depth = 0; depth < 50; depth++) {
		pid_t pid = fork();

		if (pid > 0) {
			int code = wait_for(pid);

			no_children();
			if (depth == 0)
				say("chain -> %d", code);
			if (depth)
				_exit(code);
			return;
		}
	}
	_exit(21);
}

CASE(private_memory)
{
	volatile int value = 1;
	pid_t pid = fork();

	if (pid == 0) {
		value = 2;
		_exit(value);
	}
	EXPECT(wait_for(pid), 2);
	EXPECT(value, 1);
}

/* vfork: memory is shared and the parent waits. */
CASE(vfork)
{
	volatile int value = 0;
	struct timespec ts = { 0, 20000000 };
	volatile int i;

	for (i = 0; i < 20; i++) {
		pid_t pid;

		value = 0;
		pid = vfork();
		if (pid == 0) {
			raw(SYS_nanosleep, &ts, 0);
			ts.tv_nsec = 0;
			value = 7;
			_exit(3);
		}
		EXPECT(value, 7);
		EXPECT(wait_for(pid), 3);
	}
	no_children();
}

static volatile int handled;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	handled++;
}

/* Signals and masks around vfork: the parent's are its own. */
CASE(vfork_signals)
{
	volatile pid_t self = getpid();
	pid_t pid;

	set_handler(SIGUSR1, on_signal, 0);
	pid = vfork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_IGN);
		kill(self, SIGUSR1);
		EXPECT(handled, 0);
		_exit(0);
	}
	EXPECT(wait_for(pid), 0);
	EXPECT(handled, 1);
	raise(SIGUSR1);
	EXPECT(handled, 2);
}

static void *vfork_many(void *arg)
{
	volatile int i;

	for (i = 0; i < 50; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit((int)(long)arg);
		EXPECT(wait_for(pid), (long)arg);
	}
	return NULL;
}

STRESS(vfork_threaded)
{
	pthread_t t[8];
	long i;

	for (i = 0; i < 8; i++)
		NEED(pthread_create(&t[i], NULL, vfork_many, (void *)i) == 0);
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	no_children();
}

static int to_thread[2], to_child[2];

static void *answer_child(void *arg)
{
	int fd = open(self_path(), O_RDONLY);
	void *text;
	char c;

	EXPECT(read(to_thread[0], &c, 1), 1);
	set_handler(SIGUSR2, on_signal, 0);
	pthread_kill(pthread_self(), SIGUSR2);
	text = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	NEED(text != MAP_FAILED);
	munmap(text, PAGE);
	close(fd);
	EXPECT(write(to_child[1], "y", 1), 1);
	return arg;
}

/* vfork without the shared memory: the other threads of the parent go on, and the child waits for one of them. */
CASE(vfork_without_memory)
{
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		long pid;

		NEED(pipe(to_thread) == 0 && pipe(to_child) == 0);
		NEED(pthread_create(&thread, NULL, answer_child, NULL) == 0);
		pid = raw(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0) {
			struct pollfd answer = { .fd = to_child[0], .events = POLLIN };

			(void)raw(SYS_write, to_thread[1], "x", 1);
			raw(SYS_exit_group, raw(SYS_poll, &answer, 1, 3000) == 1 ? 5 : 6);
		}
		EXPECT(wait_for((pid_t)pid), 5);
		pthread_join(thread, NULL);
		EXPECT(handled, i + 1);
		for (int k = 0; k < 2; k++) {
			close(to_thread[k]);
			close(to_child[k]);
		}
	}
	no_children();
}

static void *spawn_many(void *arg)
{
	char code[8], *argv[] = { "zero", "code", code, NULL };
	pid_t pid;
	int i, times = turns(4, 10);

	for (i = 0; i < times; i++) {
		snprintf(code, sizeof(code), "%ld", (long)arg * 10 + i);
		NEED(posix_spawn(&pid, self_path(), NULL, NULL, argv, environ) == 0);
		EXPECT(wait_for(pid), (long)arg * 10 + i);
	}
	return NULL;
}

static volatile bool vforking;

static void *nothing_to_do(void *arg)
{
	return arg;
}

static void *make_threads(void *arg)
{
	while (vforking) {
		pthread_t t;

		NEED(pthread_create(&t, NULL, nothing_to_do, NULL) == 0);
		pthread_join(t, NULL);
	}
	return arg;
}

static void *vfork_much(void *arg)
{
	int i;

	for (i = 0; i < 400; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(5);
		EXPECT(wait_for(pid), 5);
	}
	return arg;
}

/* Threads come and go while others wait for their vfork children. */
STRESS(vforks_among_threads)
{
	pthread_t makers[4], vforkers[2];
	int i;

	vforking = true;
	for (i = 0; i < 4; i++)
		NEED(pthread_create(&makers[i], NULL, make_threads, NULL) == 0);
	for (i = 0; i < 2; i++)
		NEED(pthread_create(&vforkers[i], NULL, vfork_much, NULL) == 0);
	for (i = 0; i < 2; i++)
		pthread_join(vforkers[i], NULL);
	vforking = false;
	for (i = 0; i < 4; i++)
		pthread_join(makers[i], NULL);
	no_children();
}

STRESS(spawn_threaded)
{
	pthread_t t[4];
	long i;

	self_path();
	for (i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, spawn_many, (void *)i) == 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	no_children();
}

CASE(spawn_loop)
{
	char *argv[] = { "zero", "nothing", NULL };
	pid_t pid;
	int i;

	for (i = 0; i < 20; i++) {
		NEED(posix_spawn(&pid, self_path(), NULL, NULL, argv, environ) == 0);
		EXPECT(wait_for(pid), 0);
	}
}

HELPER(spawned)
{
	unsigned long mask = 0;
	struct sigaction sa;
	char text[32] = "";

	EXPECT(raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8), 0);
	sigaction(SIGUSR1, NULL, &sa);
	say("mask %lx, USR1 %s, own group %d, 9 %s", mask,
	    sa.sa_handler == SIG_DFL ? "default" : "ignored", getpgrp() == getpid(),
	    raw(SYS_fcntl, 9, F_GETFD) >= 0 ? "open" : "closed");
	EXPECT(read(0, text, sizeof(text) - 1), 5);
	say("read %s", text);
}

CASE(spawn_attributes)
{
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t actions;
	sigset_t set = sigset_of(SIGUSR2), def = sigset_of(SIGUSR1);
	char *argv[] = { "zero", "spawned", NULL };
	int fd = open("input", O_CREAT | O_RDWR, 0644);
	pid_t pid;

	NEED(write(fd, "input", 5) == 5);
	NEED(dup2(fd, 9) == 9);
	signal(SIGUSR1, SIG_IGN);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &set);
	posix_spawnattr_setsigdefault(&attr, &def);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "input", O_RDONLY, 0);
	posix_spawn_file_actions_addclose(&actions, 9);
	NEED(posix_spawn(&pid, self_path(), &actions, &attr, argv, environ) == 0);
	EXPECT(wait_for(pid), 0);
	posix_spawn_file_actions_addopen(&actions, 5, "missing", O_RDONLY, 0);
	EXPECT(posix_spawn(&pid, self_path(), &actions, &attr, argv, environ), ENOENT);
	no_children();
}

CASE(shell)
{
	FILE *f;
	char line[64] = "";

	EXPECT(system("exit 5"), 5 << 8);
	f = popen("echo from the shell", "r");
	NEED(f && fgets(line, sizeof(line), f));
	EXPECT(pclose(f), 0);
	say("%s", line);
}

static volatile pid_t from_handler;

static void on_fork(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	from_handler = (pid_t)raw(SYS_fork);
	if (from_handler == 0)
		EXPECT(raw(SYS_close, -1), -EBADF);
}

/* fork within a handler: both return from it. */
CASE(in_handler)
{
	int i;

	set_handler(SIGUSR1, on_fork, 0);
	for (i = 0; i < 20; i++) {
		raise(SIGUSR1);
		if (from_handler == 0)
			_exit(guest_failures ? 99 : 30 + i);
		EXPECT(wait_for(from_handler), 30 + i);
	}
}

static void *exec_nothing(void *arg)
{
	(void)arg;
	execl(self_path(), "zero", "code", "44", NULL);
	return NULL;
}

/* A forked child starts threads and one of them execs. */
static void child_thread_execs(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, exec_nothing, NULL) == 0);
	pthread_join(t, NULL);
}

CASE(child_threads_exec)
{
	EXPECT(in_child(child_thread_execs), 44);
}

/* SIGCHLD counts one per child at most, and at least one. */
static volatile bool ends_children;

static void *end_children(void *unused)
{
	static volatile int i;

	(void)unused;
	for (; !ends_children; i++) {
		/* Not fork(), for which a C library may block signals. */
		pid_t pid = i & 1 ? (pid_t)raw(SYS_fork) : vfork();

		if (pid == 0)
			_exit(0);
		NEED(pid > 0 && waitpid(pid, NULL, 0) == pid);
	}
	return NULL;
}

/* Nobody handles SIGCHLD, so the end of a child of one thread ends no wait of another, not of those either that the
 * kernel does not begin again. */
CASE(ignored_sigchld)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int epoll = epoll_create1(0), interrupted = 0;
	sigset_t set = sigset_of(SIGUSR1);
	struct epoll_event event;
	pthread_t thread;

	NEED(epoll >= 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	NEED(pthread_create(&thread, NULL, end_children, NULL) == 0);
	for (int i = 0; i < turns(300, 3000); i++) {
		interrupted += epoll_wait(epoll, &event, 1, 1) < 0;
		interrupted += sigtimedwait(&set, NULL, &moment) < 0 && errno == EINTR;
	}
	ends_children = true;
	pthread_join(thread, NULL);
	say("interrupted: %d", interrupted);
}

CASE(sigchld)
{
	int i;

	handled = 0;
	set_handler(SIGCHLD, on_signal, SA_RESTART);
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		wait_for(pid);
	}
	EXPECT(handled, 20);
	signal(SIGCHLD, SIG_IGN);
	for (i = 0; i < 5; i++)
		if (fork() == 0)
			_exit(0);
	EXPECT(raw(SYS_wait4, -1, 0, 0, 0), -ECHILD);
}
