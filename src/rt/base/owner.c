#include "rt/base/owner.h"

#include "abi/transfer.h"

/* ctx: boot | entry */
uint64_t rt_owner_begin(const struct rt_thread *thread)
{
	return __atomic_load_n(&thread->slot->owner, __ATOMIC_RELAXED);
}

/* ctx: boot | entry */
void rt_owner_began(struct rt_region_slot *slot, uint64_t begin, int tid)
{
	begin &= ~(uint64_t)UINT32_MAX;
	__atomic_compare_exchange_n(&slot->owner, &begin, begin | (uint32_t)tid, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

/* With several PID namespaces the id may be that of an unrelated task here, so no owner counts as gone. ctx: any */
bool rt_owner_is_gone(uint64_t owner)
{
	int tid = (int)(uint32_t)owner;
	uint64_t local;

	return tid && !rt.namespaces &&
	       abi_transfer(__NR_process_vm_readv, tid, &local, (uint64_t)&rt.start, sizeof(local)) == -ESRCH;
}

/* ctx: any */
bool rt_owner_is_dead(const struct rt_thread *thread)
{
	return rt_owner_is_gone(__atomic_load_n(&thread->slot->owner, __ATOMIC_RELAXED));
}
