/*
 * The regions of threads: see thread.h for what is in one. Regions lie in chunks, which are never unmapped. Each region
 * has a slot, which says whether it is taken. A region is freed by a single store to its slot, so that a thread can
 * free its own region as its last act before it exits.
 */
#include "rt/base/thread.h"

#include <linux/mman.h>

#include "core/string.h"
#include "rt/base/dumpable.h"
#include "rt/base/lock.h"
#include "rt/base/owner.h"

static struct rt_chunk bundle_chunk; /* the regions in the bundle */

_Static_assert(sizeof(struct rt_chunk) <= CORE_PAGE, "a chunk's head is one page");
_Static_assert(sizeof(struct rt_thread) <= 3 * CORE_PAGE, "a region must have room for its stacks");

struct rt_chunk *rt_chunks;
static uint64_t reclaim_lock;

/* ctx: boot */
long rt_threads_start(void)
{
	bundle_chunk.count = BUNDLE_REGIONS;
	bundle_chunk.regions = (rt.start + rt.bundle->regions + RT_REGION_SIZE - 1) & ~(RT_REGION_SIZE - 1);
	bundle_chunk.end = bundle_chunk.regions + BUNDLE_REGIONS * RT_REGION_SIZE;
	rt_chunks = &bundle_chunk;
	return sys(mprotect, bundle_chunk.regions, CORE_PAGE, PROT_NONE);
}

/* ctx: entry; no locks */
static struct rt_chunk *map_chunk(void)
{
	size_t size = (RT_CHUNK_REGIONS + 1) * RT_REGION_SIZE + CORE_PAGE;
	uintptr_t start = (uintptr_t)sys(mmap, 0, size, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct rt_chunk *chunk = (struct rt_chunk *)start;

	if (failed((long)start))
		return NULL;
	chunk->count = RT_CHUNK_REGIONS;
	chunk->regions = (start + 2 * CORE_PAGE + RT_REGION_SIZE - 1) & ~(RT_REGION_SIZE - 1);
	chunk->end = start + size;
	/* The gap before the first region, and that region's guard page. The gap after the last region is never
	 * touched. */
	if (failed(sys(mprotect, start + CORE_PAGE, chunk->regions - start, PROT_NONE))) {
		sys(munmap, start, size);
		return NULL;
	}
	return chunk;
}

/* ctx: boot | entry; no locks */
static struct rt_thread *prepare_region(struct rt_chunk *chunk, uint32_t i)
{
	uintptr_t region = chunk->regions + i * RT_REGION_SIZE;
	struct rt_thread *thread = rt_region_thread(region);
	struct rt_region_slot *slot = &chunk->slots[i];

	if (slot->prepared) {
		memset((char *)thread - RT_HOOK_STATE_SIZE, 0, RT_HOOK_STATE_SIZE + sizeof(*thread));
	} else if (i && failed(sys(mprotect, region, CORE_PAGE, PROT_NONE))) {
		__atomic_store_n(&slot->state, RT_SLOT_FREE, __ATOMIC_RELEASE);
		return NULL;
	}
	slot->prepared = 1;
	__atomic_store_n(&slot->owner, ((slot->owner >> 32) + 1) << 32, __ATOMIC_RELEASE);
	thread->slot = slot;
	thread->stack_top = region + RT_REGION_SIZE - RT_REGION_TAIL - RT_SIGNAL_STACK_SIZE;
	return thread;
}

/* Frees a region whose owner is gone: a process that shared the memory and was killed, or a thread whose exit a filter
 * of the program had to judge. Returns whether it did. ctx: entry; locked */
static bool reclaim_region(struct rt_chunk *chunk, uint32_t i)
{
	struct rt_thread *thread = rt_region_thread(chunk->regions + i * RT_REGION_SIZE);
	struct rt_region_slot *slot = &chunk->slots[i];
	uint64_t owner = __atomic_load_n(&slot->owner, __ATOMIC_ACQUIRE);

	/* The region of a vfork child is freed by its parent. */
	if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != RT_SLOT_TAKEN || thread->vforked ||
	    !(thread->alone || thread->exits) || !rt_owner_is_gone(owner))
		return false;
	/* Other threads may use the struct rt_sighand in this region. */
	if (rt_sighand_leave(thread) && thread->leads)
		return false;
	if (!__atomic_compare_exchange_n(&slot->owner, &owner, rt_owner_turn(owner), false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return false;
	rt_dumpable_abandon(thread);
	rt_thread_free(thread);
	return true;
}

/* Frees the regions of all owners that were killed, before more memory is mapped. Returns whether there were any.
 * ctx: entry; no locks */
static bool reclaim_regions(void)
{
	uint32_t count = 0;

	rt_lock(&reclaim_lock);
	for (struct rt_chunk *chunk = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE); chunk; chunk = chunk->next)
		for (uint32_t i = 0; i < chunk->count; i++)
			count += reclaim_region(chunk, i);
	rt_unlock(&reclaim_lock);
	return count;
}

/* ctx: boot | entry; no locks */
struct rt_thread *rt_thread_new(void)
{
	for (;;) {
		struct rt_chunk *head = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE);
		struct rt_chunk *chunk;

		for (chunk = head; chunk; chunk = chunk->next)
			for (uint32_t i = 0; i < chunk->count; i++) {
				uint32_t is_free = RT_SLOT_FREE;

				if (__atomic_load_n(&chunk->slots[i].state, __ATOMIC_RELAXED) == RT_SLOT_FREE &&
				    __atomic_compare_exchange_n(&chunk->slots[i].state, &is_free, RT_SLOT_TAKEN, false,
								__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
					return prepare_region(chunk, i);
			}
		if (reclaim_regions())
			continue;
		chunk = map_chunk();
		if (!chunk)
			return NULL;
		chunk->next = head;
		/* Another thread may have added a chunk meanwhile: this one goes in front of it. */
		while (!__atomic_compare_exchange_n(&rt_chunks, &chunk->next, chunk, false, __ATOMIC_RELEASE,
						    __ATOMIC_ACQUIRE))
			;
	}
}

/* ctx: any; no locks */
struct rt_thread *rt_thread_find(bool (*matches)(const struct rt_thread *thread, const void *key), const void *key)
{
	for (struct rt_chunk *chunk = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE); chunk; chunk = chunk->next)
		for (uint32_t i = 0; i < chunk->count; i++) {
			struct rt_thread *thread = rt_region_thread(chunk->regions + i * RT_REGION_SIZE);

			if (__atomic_load_n(&chunk->slots[i].state, __ATOMIC_ACQUIRE) == RT_SLOT_TAKEN &&
			    matches(thread, key))
				return thread;
		}
	return NULL;
}

/* ctx: any */
uint32_t *rt_thread_slot_state(struct rt_thread *thread)
{
	return &thread->slot->state;
}

/* ctx: entry | helper */
void rt_thread_free(struct rt_thread *thread)
{
	__atomic_store_n(&thread->slot->state, RT_SLOT_FREE, __ATOMIC_RELEASE);
}

/* ctx: entry */
void rt_threads_forked(struct rt_thread *self)
{
	for (struct rt_chunk *chunk = rt_chunks; chunk; chunk = chunk->next)
		for (uint32_t i = 0; i < chunk->count; i++)
			if (&chunk->slots[i] != self->slot)
				chunk->slots[i].state = RT_SLOT_FREE;
	reclaim_lock = 0;
	self->slot->owner = rt_owner_turn(self->slot->owner);
}

/* ctx: entry; no locks */
bool rt_threads_own(uintptr_t start, uintptr_t end)
{
	for (struct rt_chunk *chunk = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE); chunk; chunk = chunk->next)
		if ((start < (uintptr_t)chunk + CORE_PAGE && end > (uintptr_t)chunk) ||
		    (start < chunk->end && end > chunk->regions))
			return true;
	return false;
}
