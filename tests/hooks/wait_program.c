/*
 * Waits that signals end, or do not end. Says what came of each: natively, and where a hook has made the call instead.
 * usage: wait-program [few]
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STORM_BYTES 1500
#define QUEUED 5000

static int ends[2];
static volatile sig_atomic_t handled, writes;

static void handle(int sig)
{
	(void)sig;
	handled++;
	if (writes && write(ends[1], "x", 1) != 1)
		abort();
}

static void on(int sig, int flags, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &action, NULL);
}

static void alarm_in(int milliseconds)
{
	struct itimerval timer = { .it_value = { .tv_usec = milliseconds * 1000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void say(const char *what, long result)
{
	int error = errno;

	printf("%s: %ld%s%s, handled %d\n", what, result, result < 0 ? " " : "", result < 0 ? strerror(error) : "",
	       (int)handled);
	fflush(stdout);
	handled = 0;
}

static long read_one(void)
{
	char byte;

	return read(ends[0], &byte, 1);
}

static void *write_later(void *argument)
{
	usleep(100000);
	return write(ends[1], "x", 1) == 1 ? argument : ends;
}

/* Data comes after the signal. */
static long read_late(void)
{
	pthread_t thread;
	long r;

	pthread_create(&thread, NULL, write_later, NULL);
	r = read_one();
	pthread_join(thread, NULL);
	return r;
}

static void single(void)
{
	struct timespec second = { .tv_sec = 1 }, half = { .tv_nsec = 300000000 }, left = { 0 };
	struct pollfd fd = { .fd = ends[0], .events = POLLIN };
	sigset_t set, old;

	on(SIGALRM, 0, handle);
	alarm_in(20);
	say("read", read_one());
	on(SIGALRM, SA_RESTART, handle);
	writes = 1;
	alarm_in(20);
	say("read, made again", read_one());
	writes = 0;
	alarm_in(20);
	say("poll", poll(&fd, 1, -1));
	alarm_in(20);
	say("sleep", nanosleep(&second, &left));
	printf("left: %d\n", left.tv_sec == 0 && left.tv_nsec > 500000000);
	on(SIGALRM, 0, SIG_IGN);
	alarm_in(20);
	say("ignored", read_late());
	alarm_in(20);
	say("ignored in a sleep", nanosleep(&half, NULL));
	on(SIGALRM, 0, handle);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	alarm_in(20);
	say("blocked", read_late());
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	say("unblocked", 0);
}

/* Signals for the program alone do their default. */
static void defaults(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGCONT, SIGSTOP };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t child = fork();
		int status = 0;

		if (child == 0)
			_exit(read_one() == 1 ? 7 : 8);
		usleep(50000);
		kill(child, signals[i]);
		usleep(20000);
		if (signals[i] == SIGSTOP) {
			waitpid(child, &status, WUNTRACED);
			printf("stopped: %x\n", (unsigned)status);
			kill(child, SIGCONT);
		}
		if (i >= 2 && write(ends[1], "x", 1) != 1)
			abort();
		waitpid(child, &status, 0);
		printf("signal %d: %x\n", signals[i], (unsigned)status);
		fflush(stdout);
	}
}

static void *write_many(void *argument)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (int i = 0; i < STORM_BYTES; i++) {
		if (write(ends[1], "x", 1) != 1)
			abort();
		if (i % 4 == 0)
			usleep(100);
	}
	return argument;
}

/* Each byte comes once. */
static void storm(int flags)
{
	struct itimerval often = { { .tv_usec = 200 }, { .tv_usec = 200 } }, never = { 0 };
	pthread_t thread;
	long bytes = 0, r;

	on(SIGALRM, flags, handle);
	pthread_create(&thread, NULL, write_many, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (bytes < STORM_BYTES && ((r = read_one()) == 1 || (r < 0 && errno == EINTR && !flags)))
		bytes += r == 1;
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_join(thread, NULL);
	printf("storm: %ld, handled %d\n", bytes, handled > 0);
	handled = 0;
}

static void *queue(void *target)
{
	union sigval value = { 0 };

	for (int i = 0; i < QUEUED; i++)
		while (pthread_sigqueue(*(pthread_t *)target, SIGRTMIN, value) != 0)
			sched_yield();
	return NULL;
}

/* None is lost, wherever it comes: waits are short. */
static void queued(void)
{
	const struct timespec moment = { .tv_nsec = 1 };
	pthread_t thread, self = pthread_self();

	on(SIGRTMIN, 0, handle);
	pthread_create(&thread, NULL, queue, &self);
	for (int i = 0; handled < QUEUED && i < 10000000; i++)
		nanosleep(&moment, NULL);
	pthread_join(thread, NULL);
	say("queued", 0);
}

int main(int argc, char **argv)
{
	if (pipe(ends) != 0)
		return 1;
	single();
	defaults();
	if (argc > 1 && strcmp(argv[1], "few") == 0)
		return 0;
	storm(0);
	storm(SA_RESTART);
	queued();
	return 0;
}
