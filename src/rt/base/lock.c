#include "rt/base/lock.h"

#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>

#include "abi/syscall.h"
#include "rt/base/owner.h"

#define WAITED_FOR (1ul << 31) /* a task may sleep until the lock is free */

/* What a lock is while the calling thread holds it: the number of the thread's region, which fits into the half that
 * the kernel compares; above, how often the region was taken. ctx: any */
static uint64_t own_state(void)
{
	const struct rt_thread *self = rt_self();

	return ((uint64_t)self / RT_REGION_SIZE) | rt_owner_turn(rt_owner_begin(self));
}

/* Whether the holder of a lock is dead: a process that shares the memory can be killed while it holds one. ctx: boot |
 * entry | sigsys | helper */
static bool is_abandoned(uint64_t state)
{
	uint64_t region = (uint32_t)(state & ~WAITED_FOR);

	return rt_owner_is_dead(rt_region_thread(region * RT_REGION_SIZE), rt_owner_turn(state));
}

/* ctx: boot | entry | sigsys | helper */
void rt_lock(uint64_t *lock)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 20000000 };
	uint64_t self = own_state(), state = 0;
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
			r = sys(futex, lock, FUTEX_WAIT_PRIVATE, (uint32_t)(state | WAITED_FOR), &moment);
		state = __atomic_load_n(lock, __ATOMIC_RELAXED);
		if (r == -ETIMEDOUT && state && is_abandoned(state) &&
		    __atomic_compare_exchange_n(lock, &state, self | WAITED_FOR, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
	}
}

/* ctx: boot | entry | sigsys | helper */
void rt_unlock(uint64_t *lock)
{
	if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) & WAITED_FOR)
		sys(futex, lock, FUTEX_WAKE_PRIVATE, 1);
}

/* ctx: any */
bool rt_lock_is_held(const uint64_t *lock)
{
	return (__atomic_load_n(lock, __ATOMIC_RELAXED) & ~WAITED_FOR) == own_state();
}
