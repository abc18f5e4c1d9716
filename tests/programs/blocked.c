/*
 * A program for debuggers to look at: threads that are blocked in calls, or that make calls one after the other, below
 * a chain of functions whose arguments and registers are known. Built also without frame pointers, so that only unwind
 * tables tell where they are.
 *
 * usage: blocked waiting   until standard input ends or has a line
 *        blocked stepped   until a debugger sets `go`
 * With one more argument nothing is waited for: the same calls, and they return at once.
 */
#include "guest.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

typedef void block_fn(void);
void begin(void), end(void);

static bool at_once;
static int never[2]; /* a pipe that nothing is written to */
static uint32_t word;
static volatile int handled;
volatile int go;

/* Six values that live across a call fill the registers that a function has to preserve. This hides where they are
 * from, and that they did not change. */
#define HIDE(a, b, c, d, e, f) __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f))

#define CHAIN(name, factor, ...)                                                                             \
	__attribute__((noinline)) long name(long number, block_fn *block);                                   \
	__attribute__((noinline)) long name(long number, block_fn *block)                                    \
	{                                                                                                    \
		long a = number * factor, b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5;             \
                                                                                                             \
		HIDE(a, b, c, d, e, f);                                                                      \
		__VA_ARGS__;                                                                                 \
		HIDE(a, b, c, d, e, f);                                                                      \
		return (a ^ b ^ c) + (d ^ e ^ f) + number;                                                   \
	}

CHAIN(inner, 1000, block())
CHAIN(middle, 2000, inner(number, block))
CHAIN(outer, 3000, middle(number, block))

/* A call with its number right in front of the `syscall`, whatever the compiler does. */
#define CALL_HERE(nr, a, b, c)                                                                               \
	({                                                                                                   \
		long ret_;                                                                                   \
		register long r10 __asm__("r10") = 0;                                                        \
                                                                                                             \
		__asm__ volatile("movl %1, %%eax\n\tsyscall"                                                 \
				 : "=&a"(ret_)                                                               \
				 : "i"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)                                 \
				 : "rcx", "r11", "memory");                                                  \
		ret_;                                                                                        \
	})

static void block_read(void)
{
	char c;

	if (at_once)
		EXPECT(read(never[0], &c, 0), 0);
	else
		NEED(read(never[0], &c, 1) == 1);
}

static void block_sleep(void)
{
	struct timespec ts = { at_once ? 0 : 1000000, 0 };

	EXPECT(nanosleep(&ts, NULL), 0);
}

static void block_number(void)
{
	long r = syscall(SYS_futex, &word, FUTEX_WAIT, at_once ? 1 : 0, NULL, NULL, 0);

	CHECK(r == -1 && errno == EAGAIN);
}

static void block_here(void)
{
	EXPECT(CALL_HERE(SYS_poll, 0l, 0l, at_once ? 0l : -1l), 0);
}

/* The handler is below a chain, too, and blocked. */
static void on_signal(int sig)
{
	CHECK(outer(sig, block_here) != 0);
	handled++;
}

static void block_interrupted(void)
{
	sigset_t set = sigset_of(SIGUSR1);

	EXPECT(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	if (at_once)
		raise(SIGUSR1);
	block_read();
}

static void block_input(void)
{
	char c;

	if (!at_once)
		NEED(read(0, &c, 1) >= 0);
}

static const struct situation {
	const char *name; /* the thread's */
	block_fn *block;
} situations[] = {
	{ "read", block_read },
	{ "sleep", block_sleep },
	{ "number", block_number },
	{ "here", block_here },
	{ "interrupted", block_interrupted },
};

static void *thread(void *arg)
{
	const struct situation *situation = arg;

	NEED(prctl(PR_SET_NAME, situation->name) == 0);
	CHECK(outer(situation - situations + 1, situation->block) != 0);
	return NULL;
}

CASE(waiting)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t threads[ARRAY_SIZE(situations)];
	sigset_t set = sigset_of(SIGUSR1);
	size_t i;

	at_once = guest_argc > 1;
	NEED(sigaction(SIGUSR1, &action, NULL) == 0 && pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 && pipe(never) == 0);
	for (i = 0; i < ARRAY_SIZE(situations); i++)
		NEED(pthread_create(&threads[i], NULL, thread, (void *)&situations[i]) == 0);
	CHECK(outer(10, block_input) != 0);
	for (i = 0; i < ARRAY_SIZE(situations) && at_once; i++)
		pthread_join(threads[i], NULL);
	EXPECT(handled, at_once);
}

__attribute__((noinline)) void begin(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void end(void)
{
	__asm__ volatile("");
}

static void calls_in_a_row(void)
{
	struct timespec ts;

	begin();
	EXPECT(umask(022), 022);
	EXPECT(read(0, NULL, 0), 0);
	EXPECT(syscall(SYS_getppid), getppid());
	EXPECT(CALL_HERE(SYS_getppid, 0l, 0l, 0l), getppid());
	/* The vDSO asks the kernel for this one. */
	EXPECT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	end();
}

CASE(stepped)
{
	struct timespec ts = { 0, 1000000 };

	umask(022);
	while (!go && guest_argc == 1)
		nanosleep(&ts, NULL);
	CHECK(outer(1, calls_in_a_row) != 0);
	say("done");
}
