/*
 * The entry of each thread in the memory of `k23 stat`: k23/counters.h. No other thread writes to it.
 */
#ifndef HOOKS_STAT_THREADS_H
#define HOOKS_STAT_THREADS_H

#include <k23/counters.h>

#include "collector.h"
#include "stat_sites.h"

/* What the hook keeps for a thread. */
struct stat_thread {
	struct k23_counters_thread *entry; /* NULL: there was no room */
	struct k23_counters_shard *shard;
	uint32_t owns; /* the shard */
};

static struct k23_counters *counters_of_run(void)
{
	return (struct k23_counters *)channel;
}

/* Adds to what is the thread's own, or to what it shares. */
static void add_to(const struct stat_thread *thread, uint64_t *to, uint64_t value)
{
	if (__builtin_expect(thread->owns, 1))
		__atomic_store_n(to, __atomic_load_n(to, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
	else
		__atomic_add_fetch(to, value, __ATOMIC_RELAXED);
}

static void share_shard(struct stat_thread *thread)
{
	uint32_t shard = K23_COUNTERS_OWNED + (uint32_t)k23_tid() % K23_COUNTERS_SHARED;

	thread->shard = &counters_of_run()->shards[shard];
	thread->owns = 0;
	__atomic_store_n(&thread->shard->used, 1, __ATOMIC_RELAXED);
}

static uint32_t number_of(const struct k23_counters_thread *entry)
{
	return 1 + (uint32_t)(entry - counters_of_run()->threads);
}

/* A shard of the thread's own, if there is one left. */
static void choose_shard(struct stat_thread *thread)
{
	struct k23_counters *counters = counters_of_run();

	thread->owns = 0;
	for (uint32_t i = 0; i < K23_COUNTERS_OWNED && thread->entry && !thread->owns; i++) {
		uint32_t none = 0;

		if (__atomic_load_n(&counters->owners[i], __ATOMIC_RELAXED) ||
		    !__atomic_compare_exchange_n(&counters->owners[i], &none, number_of(thread->entry), 0,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		thread->entry->shard = 1 + i;
		thread->shard = &counters->shards[i];
		thread->owns = 1;
		__atomic_store_n(&thread->shard->used, 1, __ATOMIC_RELAXED);
	}
	if (!thread->owns)
		share_shard(thread);
}

/* The thread is about to end, or goes on without. */
static void thread_leaves(void)
{
	struct stat_thread *thread = k23_thread_state();
	struct k23_counters_thread *entry = thread->entry;

	if (!channel || !entry || !thread->owns)
		return;
	share_shard(thread);
	__atomic_store_n(&counters_of_run()->owners[entry->shard - 1], 0, __ATOMIC_RELEASE);
	entry->shard = 0;
}

static void process_leaves(int status)
{
	(void)status;
	thread_leaves();
}

/* Takes an entry that nobody had before. NULL: there is none. */
static struct k23_counters_thread *thread_take(struct k23_counters *counters, uint32_t key)
{
	for (uint32_t n = 0; n < K23_COUNTERS_THREADS; n++) {
		uint32_t i = (key + n) % K23_COUNTERS_THREADS;
		uint64_t bit = 1ul << i % 64;

		if (!k23_counters_has_thread(counters, i) &&
		    !(__atomic_fetch_or(&counters->threads_used[i / 64], bit, __ATOMIC_RELAXED) & bit))
			return &counters->threads[i];
	}
	__atomic_add_fetch(&counters->unlisted, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The entry of this process before the execve that has just succeeded: the newest of that id. Ids in several PID
 * namespaces say nothing. */
static struct k23_counters_thread *thread_before_exec(struct k23_counters *counters)
{
	struct k23_counters_thread *found = NULL;
	int pid = k23_pid();

	for (uint32_t n = 0; n < K23_COUNTERS_THREADS && !channel->foreign_pids; n++) {
		uint32_t i = ((uint32_t)pid + n) % K23_COUNTERS_THREADS;
		struct k23_counters_thread *entry = &counters->threads[i];

		if (!k23_counters_has_thread(counters, i))
			break;
		if (entry->pid == pid && entry->tid == pid && (!found || entry->start > found->start))
			found = entry;
	}
	return found;
}

/* The thread, or the only thread of the process, is new. */
static void thread_began(void)
{
	struct stat_thread *thread = k23_thread_state();
	struct k23_counters_thread *entry;

	*thread = (struct stat_thread){ 0 };
	if (!channel)
		return;
	entry = thread->entry = thread_take(counters_of_run(), (uint32_t)k23_tid());
	choose_shard(thread);
	if (!entry)
		return;
	entry->pid = k23_pid();
	entry->tid = k23_tid();
	entry->parent = (int32_t)k23_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
	entry->path = K23_COUNTERS_PATHS;
	entry->start = entry->last = k23_cycles();
}

/* The process is what it was before its execve: a call that has not returned. Its shard may be its own still. */
static void thread_goes_on(struct stat_thread *thread)
{
	struct k23_counters_thread *entry = thread->entry;
	uint32_t now = entry->now;

	if (entry->shard && entry->shard <= K23_COUNTERS_OWNED &&
	    __atomic_load_n(&counters_of_run()->owners[entry->shard - 1], __ATOMIC_RELAXED) == number_of(entry)) {
		thread->shard = &counters_of_run()->shards[entry->shard - 1];
		thread->owns = 1;
	} else {
		choose_shard(thread);
	}
	if (!now || now > K23_CHANNEL_ARCHES * K23_COUNTERS_NUMBERS)
		return;
	add_to(thread, &(&thread->shard->numbers[0][0] + (now - 1))->calls, 1);
	entry->now = 0;
	entry->ended++;
}

/* A program starts. */
static void thread_image(void)
{
	struct k23_counters *counters = counters_of_run();
	struct stat_thread *thread = k23_thread_state();
	char path[K23_PATH_MAX];
	long length;

	thread->entry = thread_before_exec(counters);
	if (thread->entry)
		thread_goes_on(thread);
	else
		thread_began();
	if (!thread->entry)
		return;
	length = k23_syscall(SYS_readlink, (unsigned long)"/proc/self/exe", (unsigned long)path, sizeof(path) - 1, 0, 0,
			     0);
	if (k23_failed(length))
		return;
	path[length] = '\0';
	thread->entry->path = find_path(counters, path, (size_t)length + 1);
}

/* The thread's call has returned, or is to be made again. */
static void thread_count(struct k23_counters_thread *entry, uint64_t start, uint64_t cycles, uint32_t bucket,
			 long result)
{
	entry->last = start + cycles;
	if (result != -K23_ERESTART) {
		entry->histogram[bucket]++;
		entry->cycles += cycles;
		if (__builtin_expect(cycles > entry->max, 0))
			entry->max = cycles;
		if (k23_failed(result))
			entry->errors++;
	}
	__atomic_store_n(&entry->now, 0, __ATOMIC_RELAXED);
}

#endif
