/*
 * The table of regions: which regions are taken, and which task owns each. A process that shares the memory can be
 * killed at any moment, so other processes have to find out that it is gone.
 */
#ifndef RT_BASE_OWNER_H
#define RT_BASE_OWNER_H

#include "rt/base/thread.h"

enum rt_slot_state {
	RT_SLOT_FREE,
	RT_SLOT_TAKEN,
	RT_SLOT_LEFT, /* the owner was killed, and has left threads of hosted hooks: rt_thread_left() */
};

struct rt_region_slot {
	uint32_t state;
	bool prepared; /* the region was used before: its guard page is in place, its contents are old */
	bool cold;     /* its memory has been given back */
	bool mortal;   /* its owner may be killed, and others live on; here, as a search looks at all slots */
	uint64_t owner;    /* how often the region was taken; low half: the id of the task in it, 0: not known yet */
};

#define RT_CHUNK_REGIONS 16u

/* Several regions. Lies at the beginning of the chunk's memory; the regions follow, each aligned to its size. */
struct rt_chunk {
	struct rt_chunk *next;
	uintptr_t regions;
	uintptr_t end;
	uint64_t count;
	struct rt_region_slot slots[RT_CHUNK_REGIONS];
};

/* The list of all chunks. Chunks are never unmapped. */
extern struct rt_chunk *rt_chunks;

/* The owner of a new region, without a task's id. ctx: any */
uint64_t rt_owner_begin(const struct rt_thread *thread);
/* How often the region was taken, as it stands in an owner: another number is another owner. ctx: any */
static inline uint64_t rt_owner_turn(uint64_t owner)
{
	return owner & ~(uint64_t)UINT32_MAX;
}
/* Writes the id of a new task into its region's slot. The task and its creator both call this, as either may be first.
 * begin: what rt_owner_begin returned when the region was new. ctx: boot | entry | helper */
void rt_owner_began(struct rt_region_slot *slot, uint64_t begin, int tid);
/* Whether the owner of a region was killed before it could free the region. False if that cannot be known. ctx: any */
bool rt_owner_is_gone(uint64_t owner);
/* Whether the task that had taken the region at `turn` is dead; the region may be free now, or another's. ctx: any */
bool rt_owner_is_dead(const struct rt_thread *thread, uint64_t turn);

#endif
