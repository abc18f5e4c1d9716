/*
 * A hosted hook that forwards every call, does with its C library what hooks without one cannot, and says what comes
 * out wrong. hosted:count: how many calls each process made.
 */
#include <k23/hook.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS 8

static bool counts;
static unsigned long calls, ended; /* ended: by threads that are over */
static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local struct {
	int tid;
	unsigned long calls;
	char *blocks[BLOCKS];
} own;

static _Thread_local unsigned long constant = 23;

static void wrong(const char *what)
{
	k23_print("hosted: wrong: %s in %d\n", what, k23_tid());
}

static void end_thread(void *value)
{
	if (value != &own)
		wrong("destructor");
	pthread_mutex_lock(&lock);
	ended += own.calls;
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < BLOCKS; i++)
		free(own.blocks[i]);
}

#define ROUNDED_UP 0x5f80u /* MXCSR */
#define ROUNDED_DOWN 0x77fu /* the control word of the x87 */

/* Some of all registers, so that what is not restored shows: each kind now and then. */
static void overwrite_vectors(unsigned kinds)
{
	static const unsigned mxcsr = ROUNDED_UP;
	static const unsigned short x87 = ROUNDED_DOWN;

	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm1, %%xmm1\n\tpcmpeqd %%xmm7, %%xmm7\n\t"
			 "pcmpeqd %%xmm8, %%xmm8\n\tpcmpeqd %%xmm15, %%xmm15\n\tldmxcsr %0"
			 : : "m"(mxcsr) : "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
	if (kinds & 1)
		__asm__ volatile("fld1\n\tfldpi\n\tfstp %%st(0)\n\tfstp %%st(0)\n\tfldcw %0" : : "m"(x87));
	if (kinds & 2 && __builtin_cpu_supports("avx"))
		__asm__ volatile("vcmptrueps %%ymm0, %%ymm0, %%ymm0\n\tvmovaps %%ymm0, %%ymm5\n\t"
				 "vmovaps %%ymm0, %%ymm12" : : : "xmm0", "xmm5", "xmm12");
	if (kinds & 4 && __builtin_cpu_supports("avx512bw"))
		__asm__ volatile("vpternlogd $255, %zmm3, %zmm3, %zmm3\n\tkxnorq %k3, %k3, %k3");
	if (kinds & 8 && __builtin_cpu_supports("avx512bw"))
		__asm__ volatile("vpternlogd $255, %zmm16, %zmm16, %zmm16\n\tvmovdqa64 %zmm16, %zmm31");
}

/* What C functions keep is kept by a call, too. */
static void check_control(unsigned kinds)
{
	unsigned short x87;
	unsigned mxcsr;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
	if ((mxcsr & ~63u) != ROUNDED_UP || (kinds & 1 && x87 != ROUNDED_DOWN))
		wrong("control word");
}

static void print_check(const struct k23_call *call)
{
	char text[64], expected[64];

	snprintf(text, sizeof(text), "%.1f %ld", 0.5 * (double)call->nr, call->nr);
	k23_format(expected, sizeof(expected), "%ld.%c %ld", call->nr / 2, call->nr & 1 ? '5' : '0', call->nr);
	if (call->nr >= 0 && strcmp(text, expected) != 0)
		wrong(text);
}

static long on_call(struct k23_call *call)
{
	size_t size = 16 + (size_t)own.calls * 37 % 5000;
	unsigned long at = own.calls % BLOCKS;
	unsigned kinds = (unsigned)own.calls * 7 / 3;
	long result, nr = call->nr;
	char *block = malloc(size);

	if (!own.tid)
		pthread_setspecific(key, &own);
	if (own.tid && own.tid != k23_tid())
		wrong("thread");
	if (constant != 23 || !block)
		wrong("thread-local variable");
	own.tid = k23_tid();
	own.calls++;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	memset(block, (int)size, size);
	print_check(call);
	overwrite_vectors(kinds);
	errno = (int)size;
	result = k23_forward(call);
	check_control(kinds);
	if (errno != (int)size)
		wrong("errno");
	for (size_t i = 0; i < size; i += 97)
		if (block[i] != (char)size)
			wrong("block");
	if (call->nr != nr)
		wrong("call");
	free(own.blocks[at]);
	own.blocks[at] = block;
	return result;
}

static int init(const struct k23_options *options)
{
	counts = k23_option(options, "count") != NULL;
	return pthread_key_create(&key, end_thread);
}

static void fork_child(void)
{
	own.tid = k23_tid();
}

static void process_exit(int status)
{
	(void)status;
	if (counts)
		fprintf(stderr, "hosted: %lu calls, %lu of threads that have ended\n", calls, ended);
}

K23_HOOK(hosted, .init = init, .all = on_call, .fork_child = fork_child, .process_exit = process_exit);
