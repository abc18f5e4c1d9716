/*
 * A hosted hook that is told of signals, does then with its C library what it can, and says what comes out wrong.
 * hosted_signals:count: how many of each number were delivered, and of what the process dies.
 */
#include <k23/hook.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool counts;
static unsigned long told[NSIG], all, ended; /* ended: in threads that are over */
static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local struct {
	bool known, inside; /* inside: a call is in flight */
	unsigned long told;
	char *last;
} own;

static void wrong(const char *what)
{
	k23_print("hosted_signals: wrong: %s in %d\n", what, k23_tid());
}

static void end_thread(void *value)
{
	if (value != &own)
		wrong("destructor");
	pthread_mutex_lock(&lock);
	ended += own.told;
	pthread_mutex_unlock(&lock);
	free(own.last);
}

/* A call where the program may jump between what would have to be displaced: the guard catches it, by SIGSYS. */
static long caught_getpid(void)
{
	long result;

	__asm__ volatile("mov %1, %%eax\n\t"
			 "jmp 1f\n\t"
			 "nop\n"
			 "1:\tsyscall" : "=&a"(result) : "i"(SYS_getpid) : "rcx", "r11", "memory");
	return result;
}

static void overwrite_vectors(void)
{
	static const unsigned int mxcsr = 0x5f80;

	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm7, %%xmm7\n\tpcmpeqd %%xmm15, %%xmm15\n\t"
			 "fld1\n\tldmxcsr %0" : : "m"(mxcsr) : "xmm0", "xmm7", "xmm15");
	__asm__ volatile("fstp %st(0)");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vcmptrueps %%ymm0, %%ymm0, %%ymm0\n\tvmovaps %%ymm0, %%ymm12" : : : "xmm0", "xmm12");
}

static void on_signal(const struct k23_signal *signal)
{
	const siginfo_t *info = signal->info;
	size_t size = 64 + own.told * 97 % 3000;
	char *text = malloc(size), expected[64];

	if (own.inside)
		wrong("inside a call");
	if (info->si_signo != signal->number)
		wrong("siginfo");
	if (caught_getpid() != k23_pid() || getpid() != k23_pid())
		wrong("pid");
	snprintf(text, size, "signal %d, %.1f", signal->number, 0.5 * signal->number);
	k23_format(expected, sizeof(expected), "signal %d, %d.%c", signal->number, signal->number / 2,
		   signal->number & 1 ? '5' : '0');
	if (strcmp(text, expected) != 0)
		wrong(text);
	overwrite_vectors();
	if (!own.known)
		pthread_setspecific(key, &own);
	own.known = true;
	own.told++;
	free(own.last);
	own.last = text;
	__atomic_fetch_add(&told[signal->number], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&all, 1, __ATOMIC_RELAXED);
	if (counts && !signal->handled)
		k23_print("left %d\n", signal->number);
}

static long on_call(struct k23_call *call)
{
	long result;

	own.inside = call->nr != SYS_rt_sigreturn; /* which does not come back */
	result = k23_forward(call);
	own.inside = false;
	return result;
}

static int init(const struct k23_options *options)
{
	counts = k23_option(options, "count") != NULL;
	return pthread_key_create(&key, end_thread);
}

static void fork_child(void)
{
	own.inside = false;
	own.told = 0;
	all = ended = 0;
	memset(told, 0, sizeof(told));
}

static void process_exit(int status)
{
	(void)status;
	for (int i = 1; counts && i < NSIG; i++)
		if (told[i])
			fprintf(stderr, "told %d: %lu\n", i, told[i]);
	if (counts)
		fprintf(stderr, "all: %lu, %lu in this thread or ended ones\n", all, ended + own.told);
}

K23_HOOK(hosted_signals, .init = init, .all = on_call, .signal = on_signal, .fork_child = fork_child,
	 .process_exit = process_exit);
