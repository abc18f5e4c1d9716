/*
 * The table of regions: which are taken, and by which task. A process that shares the memory can be killed at any moment,
 * and others have to find out.
 */
#ifndef RT_BASE_OWNER_H
#define RT_BASE_OWNER_H

#include "rt/base/thread.h"

enum rt_slot_state { RT_SLOT_FREE, RT_SLOT_TAKEN };

struct rt_region_slot {
	uint32_t state;
	uint32_t prepared; /* it has been used: its guard page is in place, its contents are old */
	uint64_t owner;    /* how often it has been taken, and, in the low half, the id of the task in it; 0: not known yet */
};

#define RT_CHUNK_REGIONS 16u

/* Several regions. At the beginning of its mapping; the regions follow, aligned. */
struct rt_chunk {
	struct rt_chunk *next;
	uintptr_t regions;
	uintptr_t end;
	uint64_t count;
	struct rt_region_slot slots[RT_CHUNK_REGIONS];
};

/* All of them. They are never given back. */
extern struct rt_chunk *rt_chunks;

/* A new task runs in a region that its creator has made: both of them say so, whoever comes first. begin: what
 * rt_owner_begin said when the region was new. ctx: boot | entry */
uint64_t rt_owner_begin(const struct rt_thread *thread);
void rt_owner_began(struct rt_region_slot *slot, uint64_t begin, int tid);
/* Whether the owner of a region is no more, and was killed before it could give that back; not if nobody can know. ctx: any */
bool rt_owner_is_gone(uint64_t owner);
bool rt_owner_is_dead(const struct rt_thread *thread);

#endif
