/* Threads: many, short-lived, with tiny stacks, ending in every possible way. */
#include "guest.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>

static volatile long counter;

static void *count(void *arg)
{
	EXPECT(raw(SYS_close, -1), -EBADF);
	CHECK(raw(SYS_gettid) != raw(SYS_getpid));
	__atomic_add_fetch(&counter, (long)arg, __ATOMIC_SEQ_CST);
	return arg;
}

/* 1,000 threads, ten at a time. */
STRESS(short_lived)
{
	pthread_t t[10];
	void *got;
	int i, j;

	counter = 0;
	for (i = 0; i < 100; i++) {
		for (j = 0; j < 10; j++)
			NEED(pthread_create(&t[j], NULL, count, (void *)1L) == 0);
		for (j = 0; j < 10; j++) {
			NEED(pthread_join(t[j], &got) == 0);
			EXPECT(got, 1);
		}
	}
	EXPECT(counter, 1000);
	no_children();
}

STRESS(detached)
{
	pthread_attr_t attr;
	pthread_t t;
	int i;

	counter = 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (i = 0; i < 200; i++)
		while (pthread_create(&t, &attr, count, (void *)1L) != 0)
			sched_yield();
	while (__atomic_load_n(&counter, __ATOMIC_SEQ_CST) < 200)
		usleep(500);
}

/* A pool that hands work over by mutex and condition. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, done_cond = PTHREAD_COND_INITIALIZER;
static int queued, finished, stop;

static void *worker(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!queued && !stop)
			pthread_cond_wait(&more, &lock);
		if (!queued)
			break;
		queued--;
		pthread_mutex_unlock(&lock);
		EXPECT(raw(SYS_getppid), getppid());
		pthread_mutex_lock(&lock);
		finished++;
		pthread_cond_signal(&done_cond);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

STRESS(pool)
{
	pthread_t t[4];
	int i;

	queued = finished = stop = 0;
	for (i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, worker, NULL) == 0);
	for (i = 0; i < 2000; i++) {
		pthread_mutex_lock(&lock);
		queued++;
		pthread_cond_signal(&more);
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_lock(&lock);
	while (finished < 2000)
		pthread_cond_wait(&done_cond, &lock);
	stop = 1;
	pthread_cond_broadcast(&more);
	pthread_mutex_unlock(&lock);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT(finished, 2000);
}

/* The same calls in each thread, and a fixed number of them: for counting. */
static void *fixed(void *arg)
{
	int i;

	for (i = 0; i < 25; i++)
		raw(SYS_getppid);
	return arg;
}

CASE(counted)
{
	pthread_t t;
	int i;

	for (i = 0; i < 8; i++) {
		NEED(pthread_create(&t, NULL, fixed, NULL) == 0);
		pthread_join(t, NULL);
	}
}

STRESS(small_stacks)
{
	pthread_attr_t attr;
	pthread_t t;
	int i;

	counter = 0;
	pthread_attr_init(&attr);
	NEED(pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN) == 0);
	for (i = 0; i < 100; i++) {
		NEED(pthread_create(&t, &attr, count, (void *)2L) == 0);
		pthread_join(t, NULL);
	}
	EXPECT(counter, 200);
}

/* The leader goes, the others finish. */
static bool leader_is_gone(void)
{
	char path[64], text[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	f = fopen(path, "r");
	NEED(f && fgets(text, sizeof(text), f));
	fclose(f);
	return strstr(text, ") Z") != NULL;
}

static void *outlive(void *arg)
{
	(void)arg;
	while (!leader_is_gone())
		usleep(500);
	EXPECT(raw(SYS_close, -1), -EBADF);
	say("after the leader");
	usleep(10000);
	exit(12);
}

static void leader_exits(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, outlive, NULL) == 0);
	pthread_exit(NULL);
}

CASE(leader_exit)
{
	say("-> %d", in_child(leader_exits));
	no_children();
}

static void *sleep_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *end_all(void *arg)
{
	(void)arg;
	raw(SYS_exit_group, 33);
	return NULL;
}

static void group_exit(void)
{
	pthread_t t;
	int i;

	for (i = 0; i < 20; i++)
		NEED(pthread_create(&t, NULL, sleep_forever, NULL) == 0);
	NEED(pthread_create(&t, NULL, end_all, NULL) == 0);
	for (;;)
		pause();
}

STRESS(exit_group_from_thread)
{
	EXPECT(in_child(group_exit), 33);
}

static void *busy(void *arg)
{
	for (;;)
		raw(SYS_getppid);
	return arg;
}

static void exit_while_busy(void)
{
	pthread_t t;
	int i;

	for (i = 0; i < 6; i++)
		NEED(pthread_create(&t, NULL, busy, NULL) == 0);
	usleep(2000);
	raw(SYS_exit_group, 34);
}

static void killed_while_busy(void)
{
	pthread_t t;
	int i;

	for (i = 0; i < 6; i++)
		NEED(pthread_create(&t, NULL, busy, NULL) == 0);
	usleep(2000);
	raw(SYS_kill, getpid(), SIGKILL);
	busy(NULL);
}

static void term_while_busy(void)
{
	pthread_t t;
	int i;

	for (i = 0; i < 6; i++)
		NEED(pthread_create(&t, NULL, busy, NULL) == 0);
	usleep(2000);
	raw(SYS_kill, getpid(), SIGTERM);
	busy(NULL);
}

STRESS(end_while_busy)
{
	EXPECT(in_child(exit_while_busy), 34);
	EXPECT(in_child(killed_while_busy), 1000 + SIGKILL);
	EXPECT(in_child(term_while_busy), 1000 + SIGTERM);
}

/* A robust mutex whose owner died. */
static pthread_mutex_t robust;

static void *die_owning(void *arg)
{
	pthread_mutex_lock(&robust);
	return arg;
}

CASE(robust_mutex)
{
	pthread_mutexattr_t attr;
	pthread_t t;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	NEED(pthread_mutex_init(&robust, &attr) == 0);
	NEED(pthread_create(&t, NULL, die_owning, NULL) == 0);
	pthread_join(t, NULL);
	EXPECT(pthread_mutex_lock(&robust), EOWNERDEAD);
	EXPECT(pthread_mutex_consistent(&robust), 0);
	EXPECT(pthread_mutex_unlock(&robust), 0);
}

/* Cancellation: a blocking call ended by glibc's own signal. */
CASE(cancelled)
{
	pthread_t t;
	void *got;
	int i;

	for (i = 0; i < 50; i++) {
		NEED(pthread_create(&t, NULL, sleep_forever, NULL) == 0);
		if (i & 1)
			usleep(500);
		NEED(pthread_cancel(t) == 0);
		pthread_join(t, &got);
		CHECK(got == PTHREAD_CANCELED);
	}
}

/* setuid in all threads, by glibc's signal: every thread has it afterwards. */
static volatile int release;

static void *show_uid(void *arg)
{
	while (!release)
		usleep(500);
	EXPECT(raw(SYS_getuid), (long)arg);
	return NULL;
}

static void drop_all(void)
{
	pthread_t t[5];
	int i;

	for (i = 0; i < 5; i++)
		NEED(pthread_create(&t[i], NULL, show_uid, (void *)(getuid() ? (long)getuid() : 65534L)) == 0);
	NEED(setuid(getuid() ? getuid() : 65534) == 0);
	release = 1;
	for (i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
}

CASE(setuid_everywhere)
{
	EXPECT(in_child(drop_all), 0);
}

#define MANY 1000
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static pthread_barrier_t barrier;

static void *stand_by(void *arg)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return arg;
}

static long count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	long count = 0;

	NEED(maps);
	while (fgets(line, sizeof(line), maps))
		count++;
	fclose(maps);
	return count;
}

static long resident_kib(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long size, resident;

	NEED(statm && fscanf(statm, "%ld %ld", &size, &resident) == 2);
	fclose(statm);
	return resident * 4;
}

/* Many threads take a stack and its guard page each, and when they are gone their memory is, too. */
CASE(many)
{
	static pthread_t threads[MANY];
	long mappings = count_mappings(), resident = resident_kib();
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (raw(SYS_madvise, page, PAGE, MADV_GUARD_INSTALL) == -EINVAL)
		guest_skip("the kernel has guard pages only as mappings");
	NEED(pthread_barrier_init(&barrier, NULL, MANY + 1) == 0);
	for (int i = 0; i < MANY; i++)
		NEED(pthread_create(&threads[i], NULL, stand_by, NULL) == 0);
	pthread_barrier_wait(&barrier);
	/* The first 256 of k23's guard pages take two mappings each. */
	CHECK(count_mappings() - mappings <= 2 * MANY + 2 * 256 + 50);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	CHECK(resident_kib() - resident < 6000);
}

/* Many threads call, block and wake one another over pipes. */
static void *echo(void *arg)
{
	int *fds = arg, i;
	char c;

	for (i = 0; i < 200; i++) {
		EXPECT(raw(SYS_read, fds[0], &c, 1), 1);
		EXPECT(raw(SYS_write, fds[3], &c, 1), 1);
	}
	return NULL;
}

STRESS(ping_pong)
{
	int fds[4][4], i, j;
	pthread_t t[4];
	char c;

	for (i = 0; i < 4; i++) {
		NEED(pipe(fds[i]) == 0 && pipe(fds[i] + 2) == 0);
		NEED(pthread_create(&t[i], NULL, echo, fds[i]) == 0);
	}
	for (j = 0; j < 200; j++) {
		for (i = 0; i < 4; i++)
			EXPECT(raw(SYS_write, fds[i][1], &"abcd"[i], 1), 1);
		for (i = 0; i < 4; i++) {
			EXPECT(raw(SYS_read, fds[i][2], &c, 1), 1);
			EXPECT(c, 'a' + i);
		}
	}
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		for (j = 0; j < 4; j++)
			close(fds[i][j]);
	}
}

/* Signals for the process, in turn. */
static const struct {
	int sig, code;
} sent[] = { { SIGUSR1, SI_USER }, { SIGUSR2, SI_QUEUE }, { SIGALRM, SI_KERNEL } };
static volatile int by_first[65], by_others[65], odd, taken;

static void take(int sig, const siginfo_t *info)
{
	bool known = info->si_signo == sig;

	for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
		known &= sent[i].sig != sig || info->si_code == sent[i].code;
	if (sig != SIGALRM)
		known &= info->si_pid == getpid() && info->si_uid == getuid();
	if (sig == SIGUSR2)
		known &= info->si_value.sival_int == 7;
	odd += !known;
	if (gettid() == getpid())
		by_first[sig]++;
	else
		by_others[sig]++;
	taken++;
}

static void on_process_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	take(sig, info);
}

static void *send_to_process(void *arg)
{
	const struct itimerval soon = { .it_value.tv_usec = 1 };
	sigset_t none = sigset_of(0);

	NEED(pthread_sigmask(SIG_SETMASK, &none, NULL) == 0);
	for (int i = 0; i < 60; i++) {
		int before = taken, sig = sent[i % ARRAY_SIZE(sent)].sig;

		if (sig == SIGUSR1)
			kill(getpid(), sig);
		else if (sig == SIGUSR2)
			sigqueue(getpid(), sig, (union sigval){ .sival_int = 7 });
		else
			setitimer(ITIMER_REAL, &soon, NULL);
		while (taken == before)
			raw(SYS_getppid);
	}
	return arg;
}

/* Whether the first thread has taken most of those that it does not block. */
static bool take_signals(int blocked, bool waits)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	sigset_t set = sigset_of(blocked), all = sigset_of(SIGUSR1);
	siginfo_t info;
	pthread_t thread;
	bool most = true;

	sigaddset(&all, SIGUSR2);
	sigaddset(&all, SIGALRM);
	memset((void *)by_first, 0, sizeof(by_first));
	memset((void *)by_others, 0, sizeof(by_others));
	NEED(pthread_sigmask(SIG_SETMASK, &set, NULL) == 0);
	NEED(pthread_create(&thread, NULL, send_to_process, NULL) == 0);
	while (waits && pthread_tryjoin_np(thread, NULL)) {
		int sig = sigtimedwait(&all, &info, &moment);

		if (sig > 0)
			take(sig, &info);
	}
	if (!waits)
		pthread_join(thread, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
		most &= sent[i].sig == blocked || by_first[sent[i].sig] >= 4 * by_others[sent[i].sig];
	return most;
}

/* A signal for the process comes to its first thread, if that does not block it, whatever others do; but where the
 * first one does not get a processor for long, the kernel has another one take it. */
CASE(first_takes_signals)
{
	bool most[3] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
		set_handler(sent[i].sig, on_process_signal, SA_RESTART);
	for (int tries = 0; tries < 50 && !(most[0] && most[1] && most[2]); tries++) {
		most[0] |= take_signals(0, false);
		most[1] |= take_signals(0, true);
		most[2] |= take_signals(SIGUSR2, false);
		NEED(by_first[SIGUSR2] == 0);
	}
	say("most: %d, waiting for them: %d, but those that it blocks: %d; odd: %d", most[0], most[1], most[2], odd);
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* How many of 30 signals come late. */
static void *send_without_first(void *first)
{
	int late = 0;

	pthread_join(*(pthread_t *)first, NULL);
	for (int i = 0; i < 30; i++) {
		int before = taken;
		double sent_at = seconds();
		pid_t pid = (pid_t)raw(SYS_fork);

		if (pid == 0) {
			raw(SYS_kill, raw(SYS_getppid), SIGUSR1);
			raw(SYS_exit_group, 0);
		}
		while (taken == before)
			raw(SYS_getppid);
		late += seconds() - sent_at > 0.02;
		waitpid(pid, NULL, 0);
	}
	say("late: %s, by the first thread: %d", late > 20 ? "most" : "few", by_first[SIGUSR1]);
	exit(0);
}

static void count_taken(int sig)
{
	(void)sig;
	if (gettid() == getpid())
		by_first[SIGUSR1]++;
	taken++;
}

/* The first thread has ended: nobody waits for it to take a signal. */
CASE(first_has_ended)
{
	static pthread_t first;
	pthread_t thread;

	first = pthread_self();
	NEED(signal(SIGUSR1, count_taken) != SIG_ERR);
	NEED(pthread_create(&thread, NULL, send_without_first, &first) == 0);
	pthread_exit(NULL);
}
