#include "rt/base/lock.h"

#include <linux/futex.h>

#include "abi/syscall.h"

enum { FREE, HELD, CONTENDED };

/* ctx: entry | sigsys | helper */
void rt_lock(uint32_t *lock)
{
	uint32_t state = FREE;

	if (__atomic_compare_exchange_n(lock, &state, HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(lock, CONTENDED, __ATOMIC_ACQUIRE) != FREE)
		sys(futex, lock, FUTEX_WAIT_PRIVATE, CONTENDED);
}

/* ctx: entry | sigsys | helper */
void rt_unlock(uint32_t *lock)
{
	if (__atomic_exchange_n(lock, FREE, __ATOMIC_RELEASE) == CONTENDED)
		sys(futex, lock, FUTEX_WAKE_PRIVATE, 1);
}
