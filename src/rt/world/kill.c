#include "rt/world/kill.h"

#include <linux/time.h>
#include <linux/time_types.h>

#include "abi/syscall.h"
#include "rt/base/lock.h"
#include "rt/base/owner.h"

#define NANOSECONDS 1000000000l
#define PATIENCE NANOSECONDS /* a function of the hook may wait for anything */
#define PAUSE 50000l
/* They kill nobody. */
#define HARMLESS (SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU) | SIGBIT(SIGCONT))

static uint64_t kill_lock; /* of who is sending a signal */

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
bool rt_kill_begin(int32_t pid, int sig)
{
	static const struct __kernel_timespec pause = { .tv_nsec = PAUSE };
	int64_t end;

	if (!rt.bundle->world_count || sig < 1 || sig > RT_SIGNALS || SIGBIT(sig) & HARMLESS ||
	    !rt_thread_find(is_meant, &pid))
		return false;
	rt_lock(&kill_lock);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (end = now() + PATIENCE; rt_thread_find(is_inside, &pid) && now() < end;)
		sys(nanosleep, &pause, 0);
	return true;
}

/* ctx: entry */
void rt_kill_end(void)
{
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
