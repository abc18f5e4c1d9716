/*
 * stat: counts calls, errors and time for `k23 stat`.
 */
#include <k23/counters.h>

#include "collector.h"
#include "stat_files.h"
#include "stat_sites.h"
#include "stat_threads.h"

/* The index of a call, as `now` of a thread's entry has it. */
static uint32_t index_of(const struct k23_call *call)
{
	uint32_t arch = call->arch == K23_ARCH_I386 ? K23_CHANNEL_I386 : K23_CHANNEL_X86_64;

	return arch * K23_COUNTERS_NUMBERS +
	       ((unsigned long)call->nr < K23_NUMBERS ? (uint32_t)call->nr : K23_NUMBERS);
}

/* Gives a number a histogram, if there is one left. Two threads that come at once may take two, of which one stays
 * unused. Returns 1 + its index, or 0. */
static uint32_t take_histogram(struct k23_counters *counters, uint32_t *number)
{
	uint32_t taken, none = 0;

	if (__atomic_load_n(&counters->histograms_used, __ATOMIC_RELAXED) >= K23_COUNTERS_HISTOGRAMS)
		return 0;
	taken = __atomic_add_fetch(&counters->histograms_used, 1, __ATOMIC_RELAXED);
	if (taken > K23_COUNTERS_HISTOGRAMS)
		return 0;
	__atomic_compare_exchange_n(number, &none, taken, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static void count_site(const struct stat_thread *thread, const struct k23_call *call, uint64_t value)
{
	add_to(thread, &thread->shard->sites[site_of(counters_of_run(), call)][call->way == K23_BY_SITE], value);
}

static void raise_max(const struct stat_thread *thread, uint64_t *max, uint64_t value)
{
	uint64_t old = __atomic_load_n(max, __ATOMIC_RELAXED);

	if (__builtin_expect(old >= value, 1))
		return;
	if (thread->owns)
		__atomic_store_n(max, value, __ATOMIC_RELAXED);
	while (!thread->owns && old < value &&
	       !__atomic_compare_exchange_n(max, &old, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* A call has returned, after so many cycles. */
static void count_return(const struct stat_thread *thread, struct k23_counter *counter, uint32_t index, uint32_t bucket,
			 uint64_t cycles)
{
	uint32_t *number = &counters_of_run()->histogram_of[0][0] + index;
	uint32_t histogram = __atomic_load_n(number, __ATOMIC_RELAXED);

	if (__builtin_expect(!histogram, 0))
		histogram = take_histogram(counters_of_run(), number);
	add_to(thread, histogram ? &thread->shard->histograms[histogram - 1][bucket] : &counter->calls, 1);
	add_to(thread, &counter->cycles, cycles);
	raise_max(thread, &counter->max, cycles);
}

static long on_call(struct k23_call *call)
{
	struct stat_thread *thread = k23_thread_state();
	struct k23_counter_file *file = NULL;
	struct k23_counter *counter;
	uint64_t start, end;
	uint32_t index, bucket;
	long result;

	if (!channel)
		return k23_forward(call);
	index = index_of(call);
	counter = &thread->shard->numbers[0][0] + index;
	/* A thread without an entry counts a call here, until it returns. */
	if (thread->entry)
		__atomic_store_n(&thread->entry->now, 1 + index, __ATOMIC_RELAXED);
	else
		add_to(thread, &counter->calls, 1);
	count_site(thread, call, 1);
	if (__builtin_expect(counters_of_run()->files_wanted, 0))
		file = find_file(call);
	start = k23_cycles();
	result = k23_forward(call);
	end = k23_cycles();
	end = end > start ? end - start : 0;
	bucket = k23_histogram_bucket(end);
	/* The program makes a call again that a signal has interrupted, and it counts then. */
	if (result == -K23_ERESTART)
		count_site(thread, call, -1ul);
	else
		count_return(thread, counter, index, bucket, end);
	if (result != -K23_ERESTART && k23_failed(result))
		add_to(thread, &counter->errors, 1);
	if (file && result != -K23_ERESTART)
		count_file(file, end, result);
	if (thread->entry)
		thread_count(thread->entry, start, end, bucket, result);
	else
		add_to(thread, &counter->calls, -1ul);
	return result;
}

static int init(const struct k23_options *options)
{
	int r = channel_init(options, K23_COUNTERS_MAGIC, "stat");

	if (r == 0 && channel)
		thread_image();
	return r;
}

K23_HOOK(stat,
	.init = init,
	.fork_child = thread_began,
	.thread_start = thread_began,
	.thread_exit = thread_leaves,
	.process_exit = process_leaves,
	.thread_size = sizeof(struct stat_thread),
	.all = on_call,
	.calls = {
		CHANNEL_CALLS,
		{ SYS_clone, on_namespace }, { SYS_clone3, on_namespace }, { SYS_unshare, on_namespace },
		{ SYS_setns, on_namespace },
	});
