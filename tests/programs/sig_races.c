/* The action that a signal has when the kernel takes it counts, whatever other threads set before its handler runs. */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>

extern char **environ;

/* Threads that signals find in calls of all lengths. */
struct caller {
	pthread_t thread;
	volatile pid_t tid;
	volatile unsigned long calls;
	void (*call)(void);
};

static volatile bool ended;
static volatile int handled;

static void call_shortly(void)
{
	EXPECT(raw(SYS_close, -1), -EBADF);
}

static void call_fork(void)
{
	pid_t pid = (pid_t)raw(SYS_fork);

	if (pid == 0)
		raw(SYS_exit_group, 3);
	EXPECT(wait_for(pid), 3);
}

static void call_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(4);
	EXPECT(wait_for(pid), 4);
}

static void call_execve(void)
{
	static char *words[] = { "cut-elf", NULL };

	EXPECT(raw(SYS_execve, "./cut-elf", words, environ), -ENOEXEC);
}

static struct caller callers[] = {
	{ .call = call_shortly }, { .call = call_fork }, { .call = call_vfork }, { .call = call_execve },
};

static void *make_calls(void *arg)
{
	struct caller *caller = arg;

	caller->tid = (pid_t)raw(SYS_gettid);
	while (!ended) {
		caller->call();
		caller->calls++;
	}
	return NULL;
}

/* The main thread blocks the signal, which is the callers' from now on. */
static void start_callers(int sig)
{
	sigset_t set = sigset_of(sig);
	int fd = open("cut-elf", O_WRONLY | O_CREAT | O_TRUNC, 0755);

	NEED(write(fd, "\177ELF\2\1\1", 7) == 7);
	close(fd);
	ended = false;
	handled = 0;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i].tid = 0;
		NEED(pthread_create(&callers[i].thread, NULL, make_calls, &callers[i]) == 0);
		/* clone(CLONE_FS) fails while another thread is in execve. */
		while (!callers[i].tid)
			usleep(100);
	}
	NEED(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

static void stop_callers(int sig)
{
	sigset_t set = sigset_of(sig);

	ended = true;
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		pthread_join(callers[i].thread, NULL);
	NEED(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	no_children();
	unlink("cut-elf");
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

/* A timer is stopped and its signal ignored, and then the signal would end the process: none is left to do so. */
STRESS(disarmed)
{
	struct itimerval every = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };

	start_callers(SIGALRM);
	for (int i = 0; i < 150; i++) {
		set_handler(SIGALRM, on_signal, SA_RESTART);
		NEED(setitimer(ITIMER_REAL, &every, NULL) == 0);
		usleep(1000);
		NEED(setitimer(ITIMER_REAL, &never, NULL) == 0);
		signal(SIGALRM, SIG_IGN);
		signal(SIGALRM, SIG_DFL);
		usleep(300);
	}
	stop_callers(SIGALRM);
	CHECK(handled > 0);
}

/* Two threads are sent a signal whose handler is for one only: the other's is ignored, as SIGURG is by default. */
STRESS(reset)
{
	struct caller *pairs[][2] = {
		{ &callers[0], &callers[1] }, { &callers[2], &callers[3] }, { &callers[1], &callers[3] },
	};

	start_callers(SIGURG);
	for (int i = 0, n = turns(30, 150); i < n; i++) {
		struct caller **pair = pairs[i % ARRAY_SIZE(pairs)];
		unsigned long before[2];

		handled = 0;
		set_handler(SIGURG, on_signal, SA_RESTART | (int)SA_RESETHAND);
		for (int k = 0; k < 2; k++)
			EXPECT(raw(SYS_tgkill, getpid(), pair[k]->tid, SIGURG), 0);
		for (int k = 0; k < 2; k++)
			before[k] = pair[k]->calls;
		for (int k = 0; k < 2; k++)
			while (pair[k]->calls < before[k] + 2)
				usleep(50);
		EXPECT(handled, 1);
	}
	stop_callers(SIGURG);
}

static void expect_mask(int sig, int also)
{
	unsigned long mask = 0;

	raw(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
	EXPECT(mask, 1UL << (sig - 1) | 1UL << (also - 1));
	__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static void on_first(int sig, siginfo_t *info, void *context)
{
	(void)context;
	EXPECT(info->si_code, SI_QUEUE);
	expect_mask(sig, SIGUSR1);
}

static void on_second(int sig)
{
	expect_mask(sig, SIGUSR2);
}

/* One handler after the other: each signal has one of the two, with the mask of that one. */
STRESS(swapped)
{
	struct sigaction actions[] = {
		{ .sa_sigaction = on_first, .sa_flags = SA_SIGINFO | SA_RESTART, .sa_mask = sigset_of(SIGUSR1) },
		{ .sa_handler = on_second, .sa_flags = SA_RESTART, .sa_mask = sigset_of(SIGUSR2) },
	};

	NEED(sigaction(SIGRTMIN, &actions[1], NULL) == 0);
	start_callers(SIGRTMIN);
	for (int sent = 0; sent < 1500;) {
		struct sigaction old;

		NEED(sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }) == 0);
		NEED(sigaction(SIGRTMIN, &actions[sent & 1], &old) == 0);
		CHECK(old.sa_handler == actions[~sent & 1].sa_handler);
		sent++;
		while (handled < sent - 8)
			usleep(50);
	}
	while (handled < 1500)
		usleep(50);
	stop_callers(SIGRTMIN);
}
