#include "rt/base/owner.h"

#include "abi/transfer.h"

/* ctx: any */
uint64_t rt_owner_begin(const struct rt_thread *thread)
{
	return __atomic_load_n(&thread->slot->owner, __ATOMIC_RELAXED);
}

/* ctx: boot | entry | helper */
void rt_owner_began(struct rt_region_slot *slot, uint64_t begin, int tid)
{
	begin = rt_owner_turn(begin);
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

/* A region whose `slot` is not set is being made ready for its next owner. ctx: any */
bool rt_owner_is_dead(const struct rt_thread *thread, uint64_t turn)
{
	const struct rt_region_slot *slot = __atomic_load_n(&thread->slot, __ATOMIC_RELAXED);
	uint64_t owner;

	if (!slot || __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != RT_SLOT_TAKEN)
		return true;
	owner = __atomic_load_n(&slot->owner, __ATOMIC_RELAXED);
	return rt_owner_turn(owner) != turn || rt_owner_is_gone(owner);
}
