#include "rt/world/kill.h"

#include <linux/time.h>
#include <linux/time_types.h>

#include "abi/syscall.h"
#include "rt/base/lock.h"
#include "rt/base/owner.h"

#define NANOSECONDS 1000000000l
#define PATIENCE NANOSECONDS /* a function of the hook may wait for anything */
#define SHORT_PATIENCE 10000000l /* if nobody else has the memory */
#define PAUSE 50000l
/* They kill nobody. */
#define HARMLESS (SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU) | SIGBIT(SIGCONT))

static uint64_t kill_lock; /* of who is sending a signal, or ends threads */

/* Whether a thread is another process's, which has the same memory. Threads that are about to begin have no process id
 * yet. ctx: any */
static bool is_sharing(const struct rt_thread *thread, const void *key)
{
	const struct rt_region_slot *slot = __atomic_load_n(&thread->slot, __ATOMIC_RELAXED);
	int32_t pid = thread->pid;

	if (!slot || (pid ? pid == ((const struct rt_thread *)key)->pid : !thread->shares_memory))
		return false;
	return !rt_owner_is_gone(__atomic_load_n(&slot->owner, __ATOMIC_RELAXED));
}

/* ctx: any */
bool rt_memory_is_shared(const struct rt_thread *thread)
{
	return rt_thread_find(is_sharing, thread);
}

/* ctx: entry */
static bool is_meant(const struct rt_thread *thread, const void *key)
{
	int32_t pid = *(const int32_t *)key, own = (int32_t)(uint32_t)rt_owner_begin(thread);

	return thread->shares_memory && own && (pid <= 0 || pid == own);
}

/* ctx: entry */
static bool is_inside(const struct rt_thread *thread, const void *key)
{
	return is_meant(thread, key) && __atomic_load_n(&thread->world, __ATOMIC_SEQ_CST) &&
	       !rt_owner_is_gone(rt_owner_begin(thread));
}

/* ctx: entry */
static int64_t now(void)
{
	struct __kernel_timespec time = { 0 };

	sys(clock_gettime, CLOCK_MONOTONIC, &time);
	return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* ctx: entry */
static bool is_ended(const struct rt_thread *thread, const void *key)
{
	const struct rt_thread *caller = key;

	return thread != caller && thread->pid == caller->pid && !thread->own &&
	       __atomic_load_n(&thread->world, __ATOMIC_SEQ_CST) && !rt_owner_is_gone(rt_owner_begin(thread));
}

/* Whoever enters a world from now on looks at the lock. Stores of others that did not look yet have long arrived when
 * the clock has been read. ctx: entry */
static int64_t hold(void)
{
	rt_lock(&kill_lock);
	__atomic_fetch_add(&rt.sharers, 1, __ATOMIC_SEQ_CST);
	return now();
}

/* ctx: entry */
static void pause(void)
{
	static const struct __kernel_timespec time = { .tv_nsec = PAUSE };

	sys(nanosleep, &time, 0);
}

/* ctx: entry */
bool rt_kill_begin(int32_t pid, int sig)
{
	int64_t start;

	if (!rt.bundle->world_count || sig < 1 || sig > RT_SIGNALS || SIGBIT(sig) & HARMLESS ||
	    !rt_thread_find(is_meant, &pid))
		return false;
	for (start = hold(); rt_thread_find(is_inside, &pid) && now() - start < PATIENCE;)
		pause();
	return true;
}

/* Where ids say nothing, nobody would find out that the caller is gone. ctx: entry */
bool rt_kill_threads_begin(struct rt_thread *thread)
{
	int64_t start;

	if (!rt.bundle->world_count || thread->alone || rt.namespaces)
		return false;
	/* A process that shares the memory may be about to be made. */
	for (start = hold(); rt_thread_find(is_ended, thread) &&
			     now() - start < (rt_memory_is_shared(thread) ? PATIENCE : SHORT_PATIENCE);)
		pause();
	return true;
}

/* ctx: entry */
void rt_kill_end(void)
{
	__atomic_fetch_sub(&rt.sharers, 1, __ATOMIC_SEQ_CST);
	rt_unlock(&kill_lock);
}

/* ctx: boot | entry */
bool rt_kill_allows(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !__atomic_load_n(&kill_lock, __ATOMIC_RELAXED) || rt_lock_is_held(&kill_lock);
}

/* ctx: boot | entry */
void rt_kill_wait(void)
{
	rt_lock(&kill_lock);
	rt_unlock(&kill_lock);
}

/* ctx: entry */
void rt_kill_counts(const struct rt_thread *child, int by)
{
	if (child->shares_memory)
		__atomic_fetch_add(&rt.sharers, (uint32_t)by, __ATOMIC_SEQ_CST);
}
