#include "rt/base/lock.h"

#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>

#include "abi/syscall.h"
#include "rt/base/owner.h"

#define WAITED_FOR (1u << 31) /* a task may sleep until the lock is free */

/* What a lock is while the calling thread holds it: the number of the thread's region. ctx: any */
static uint32_t own_state(void)
{
	return (uint32_t)((uint64_t)rt_self() / RT_REGION_SIZE) & ~WAITED_FOR;
}

/* Whether the holder of a lock is dead: a process that shares the memory can be killed while it holds one. ctx: boot |
 * entry | sigsys | helper */
static bool is_abandoned(uint32_t state)
{
	return rt_owner_is_dead(rt_region_thread((state & ~WAITED_FOR) * RT_REGION_SIZE));
}

/* ctx: boot | entry | sigsys | helper */
void rt_lock(uint32_t *lock)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 20000000 };
	uint32_t self = own_state(), state = 0;
	long r = 0;

	if (__atomic_compare_exchange_n(lock, &state, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	for (;;) {
		/* After a sleep: other tasks may still sleep, so the lock stays marked for them. */
		if (!state) {
			if (__atomic_compare_exchange_n(lock, &state, self | WAITED_FOR, false, __ATOMIC_ACQUIRE,
							__ATOMIC_RELAXED))
				return;
			continue;
		}
		if (state & WAITED_FOR || __atomic_compare_exchange_n(lock, &state, state | WAITED_FOR, false,
								      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			r = sys(futex, lock, FUTEX_WAIT_PRIVATE, state | WAITED_FOR, &moment);
		state = __atomic_load_n(lock, __ATOMIC_RELAXED);
		if (r == -ETIMEDOUT && state && is_abandoned(state) &&
		    __atomic_compare_exchange_n(lock, &state, self | WAITED_FOR, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
	}
}

/* ctx: boot | entry | sigsys | helper */
void rt_unlock(uint32_t *lock)
{
	if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) & WAITED_FOR)
		sys(futex, lock, FUTEX_WAKE_PRIVATE, 1);
}

/* ctx: any */
bool rt_lock_is_held(const uint32_t *lock)
{
	return (__atomic_load_n(lock, __ATOMIC_RELAXED) & ~WAITED_FOR) == own_state();
}
