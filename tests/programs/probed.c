/* A program whose text others touch while it runs (tests/probes.py): threads make calls of the C library, and compare
 * each result with what it has to be, until there is a file `stop`. */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#define MOST_THREADS 3
#define BYTES 64

volatile long probed_turns;

static long failures;
static pid_t parent, self;
static uid_t user;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long waiting, holders, threads;
static int file;

/* Says the first few wrong results. */
#define SAME(expr, want)                                                                                   \
	do {                                                                                               \
		long got_ = (long)(expr), want_ = (long)(want);                                            \
		if (got_ != want_ && __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) < 10)              \
			say("%s is %ld, not %ld (%s)", #expr, got_, want_, strerror(errno));               \
	} while (0)

static void ids(void)
{
	struct utsname name;
	cpu_set_t set;

	SAME(getppid(), parent);
	SAME(getpid(), self);
	SAME(getuid(), user);
	SAME(syscall(SYS_getuid), user);
	SAME(uname(&name), 0);
	SAME(sched_getaffinity(0, sizeof(set), &set), 0);
	SAME(sched_yield(), 0);
}

static void files(void)
{
	char bytes[BYTES], wanted[BYTES];
	struct iovec vector = { bytes, sizeof(bytes) };
	int fd = open("/dev/zero", O_RDWR), other;
	long page;

	memset(bytes, 1, sizeof(bytes));
	memset(wanted, 0, sizeof(wanted));
	SAME(fd >= 0, 1);
	SAME(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	SAME(memcmp(bytes, wanted, sizeof(bytes)), 0);
	SAME(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	SAME(readv(fd, &vector, 1), sizeof(bytes));
	SAME(lseek(file, 0, SEEK_END), 2 * PAGE);
	memset(wanted, 'b', sizeof(wanted));
	SAME(pread(file, bytes, sizeof(bytes), PAGE), sizeof(bytes));
	SAME(memcmp(bytes, wanted, sizeof(bytes)), 0);
	SAME(pwrite(file, wanted, sizeof(wanted), PAGE), sizeof(wanted));
	/* All six arguments count. */
	page = syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, file, PAGE);
	SAME(memcmp((void *)page, wanted, sizeof(wanted)), 0);
	SAME(munmap((void *)page, PAGE), 0);
	other = dup(fd);
	SAME(close(fd), 0);
	SAME(fcntl(other, F_GETFD), 0);
	SAME(close(other), 0);
	SAME(access("none", F_OK) < 0 && errno == ENOENT, 1);
	SAME(close(-1) < 0 && errno == EBADF, 1);
}

static void sockets(void)
{
	char bytes[BYTES] = "k", got[BYTES];
	int pair[2];

	SAME(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	SAME(sendto(pair[0], bytes, sizeof(bytes), 0, NULL, 0), sizeof(bytes));
	SAME(recvfrom(pair[1], got, sizeof(got), 0, NULL, NULL), sizeof(bytes));
	SAME(memcmp(bytes, got, sizeof(bytes)), 0);
	close(pair[0]);
	close(pair[1]);
}

static void locks(void)
{
	struct timespec nap = { 0, 1000 };
	long inside;

	for (int i = 0; i < 10; i++) {
		SAME(pthread_mutex_lock(&mutex), 0);
		inside = __atomic_add_fetch(&holders, 1, __ATOMIC_RELAXED);
		SAME(inside, 1);
		if (!i)
			SAME(nanosleep(&nap, NULL), 0);
		__atomic_sub_fetch(&holders, 1, __ATOMIC_RELAXED);
		SAME(pthread_mutex_unlock(&mutex), 0);
	}
	pthread_mutex_lock(&mutex);
	if (++waiting == threads) {
		waiting = 0;
		SAME(pthread_cond_broadcast(&condition), 0);
	} else {
		SAME(pthread_cond_wait(&condition, &mutex), 0);
	}
	pthread_mutex_unlock(&mutex);
}

__attribute__((noinline)) void probed_turn(void)
{
	__atomic_add_fetch(&probed_turns, 1, __ATOMIC_RELAXED);
}

/* The threads go round together, so that all of them stop in the same round. */
static void *work(void *first)
{
	static volatile int stop;
	int result;

	while (!stop) {
		ids();
		files();
		sockets();
		locks();
		result = pthread_barrier_wait(&barrier);
		SAME(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD, 1);
		if (first) {
			probed_turn();
			stop = access("stop", F_OK) == 0;
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void run(long count)
{
	char page[PAGE];
	pthread_t others[MOST_THREADS];
	int fd;

	parent = (pid_t)raw(SYS_getppid);
	self = (pid_t)raw(SYS_getpid);
	user = (uid_t)raw(SYS_getuid);
	file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < 2; i++) {
		memset(page, 'a' + i, sizeof(page));
		NEED(write(file, page, sizeof(page)) == sizeof(page));
	}
	threads = count;
	pthread_barrier_init(&barrier, NULL, (unsigned)count);
	for (long i = 1; i < count; i++)
		NEED(pthread_create(&others[i], NULL, work, NULL) == 0);
	fd = creat("ready", 0644);
	CHECK(fd >= 0);
	close(fd);
	work(others);
	for (int i = 1; i < count; i++)
		pthread_join(others[i], NULL);
	say("%ld wrong results", failures);
}

CASE(threads)
{
	run(MOST_THREADS);
}

/* The C library takes other ways where there is one thread. */
CASE(alone)
{
	run(1);
}
