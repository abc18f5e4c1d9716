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

/* Where chunks are mapped, one after the other: far below what the kernel maps, and far above a program and its heap.
 * There is no hole that the program has made, in order to map something there later. */
#define AREA 0x700000000000ul
#define AREA_SIZE (1ul << 42)
#define CHUNK_STRIDE ((RT_CHUNK_REGIONS + 1) * RT_REGION_SIZE)
#define CHUNK_TRIES 4
static uint64_t chunks_placed;
/* All but the bundle's chunk lie between UINTPTR_MAX - chunks_below and chunks_end. */
static uintptr_t chunks_below, chunks_end;

/* Regions that wait for a thread, with memory from the last one: so many are kept, and the memory of others is given
 * back. */
#define MAX_WARM 32
static int32_t warm_regions; /* roughly: a process that was killed is not counted */

static uint32_t regions_left; /* in RT_SLOT_LEFT */

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* So many guard pages are mappings of their own, of which a process may have 65,530. From Linux 6.13 on others are
 * none, but gdb's gcore does not get past those. */
#define MAX_GUARD_MAPPINGS 256u
static uint32_t guard_mappings;

/* ctx: boot | entry; no locks */
long rt_guard_page(uintptr_t page)
{
	if (__atomic_add_fetch(&guard_mappings, 1, __ATOMIC_RELAXED) > MAX_GUARD_MAPPINGS &&
	    !failed(sys(madvise, page, CORE_PAGE, MADV_GUARD_INSTALL)))
		return 0;
	return sys(mprotect, page, CORE_PAGE, PROT_NONE);
}

/* ctx: boot */
long rt_threads_start(void)
{
	bundle_chunk.count = BUNDLE_REGIONS;
	bundle_chunk.regions = (rt.start + rt.bundle->regions + RT_REGION_SIZE - 1) & ~(RT_REGION_SIZE - 1);
	bundle_chunk.end = bundle_chunk.regions + BUNDLE_REGIONS * RT_REGION_SIZE;
	rt_chunks = &bundle_chunk;
	return rt_guard_page(bundle_chunk.regions);
}

/* Maps memory for a chunk whose head is the page before its first region. Each ends where the next one begins, and so
 * they are one mapping. Returns its address, or 0. ctx: entry; no locks */
static uintptr_t map_at_stride(void)
{
	uint64_t base = AREA + rt_random_offset(AREA_SIZE);

	for (int i = 0; i < CHUNK_TRIES; i++) {
		uint64_t place = __atomic_fetch_add(&chunks_placed, 1, __ATOMIC_RELAXED);
		uint64_t at = (base & ~(RT_REGION_SIZE - 1)) + place * CHUNK_STRIDE - CORE_PAGE;
		long r = sys(mmap, at, CHUNK_STRIDE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

		if (r == (long)at)
			return at;
		if (!failed(r))
			sys(munmap, r, CHUNK_STRIDE); /* the kernel does not know MAP_FIXED_NOREPLACE */
	}
	return 0;
}

/* ctx: entry; no locks */
static struct rt_chunk *map_chunk(void)
{
	size_t size = CHUNK_STRIDE;
	uintptr_t start = map_at_stride();
	struct rt_chunk *chunk;

	if (!start) {
		size += CORE_PAGE;
		start = (uintptr_t)sys(mmap, 0, size, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (failed((long)start))
			return NULL;
	}
	chunk = (struct rt_chunk *)start;
	chunk->count = RT_CHUNK_REGIONS;
	chunk->regions = (start + CORE_PAGE + RT_REGION_SIZE - 1) & ~(RT_REGION_SIZE - 1);
	chunk->end = start + size;
	/* Gaps before the first region and after the last one are never touched. */
	if (failed(rt_guard_page(chunk->regions))) {
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
		if (!slot->cold)
			__atomic_fetch_sub(&warm_regions, 1, __ATOMIC_RELAXED);
		memset((char *)thread - RT_HOOK_STATE_SIZE, 0, RT_HOOK_STATE_SIZE + sizeof(*thread));
	} else if (i && failed(rt_guard_page(region))) {
		__atomic_store_n(&slot->state, RT_SLOT_FREE, __ATOMIC_RELEASE);
		return NULL;
	}
	slot->prepared = true;
	slot->cold = slot->mortal = false;
	__atomic_store_n(&slot->owner, ((slot->owner >> 32) + 1) << 32, __ATOMIC_RELEASE);
	thread->slot = slot;
	thread->stack_top = region + RT_REGION_SIZE - RT_REGION_TAIL - RT_SIGNAL_STACK_SIZE;
	return thread;
}

/* Frees a region whose owner is gone: a process that shared the memory and was killed, or a thread whose exit a filter
 * of the program had to judge. Where threads of hosted hooks are left, that is for others. Returns whether it is free.
 * ctx: entry; locked */
static bool reclaim_region(struct rt_chunk *chunk, uint32_t i)
{
	struct rt_thread *thread = rt_region_thread(chunk->regions + i * RT_REGION_SIZE);
	struct rt_region_slot *slot = &chunk->slots[i];
	uint64_t owner = __atomic_load_n(&slot->owner, __ATOMIC_ACQUIRE);

	/* The region of a vfork child is freed by its parent. */
	if (!slot->mortal || __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != RT_SLOT_TAKEN || thread->vforked ||
	    !(thread->alone || thread->exits) || !rt_owner_is_gone(owner))
		return false;
	/* Other threads may use the struct rt_sighand in this region. */
	if (rt_sighand_leave(thread) && thread->leads)
		return false;
	if (!__atomic_compare_exchange_n(&slot->owner, &owner, rt_owner_turn(owner), false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return false;
	rt_dumpable_abandon(thread);
	if (rt.bundle->world_count && thread->shares_memory) {
		__atomic_fetch_add(&regions_left, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->state, RT_SLOT_LEFT, __ATOMIC_RELEASE);
		return false;
	}
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

/* ctx: entry; no locks */
static void raise(uintptr_t *bound, uintptr_t to)
{
	uintptr_t now = __atomic_load_n(bound, __ATOMIC_RELAXED);

	while (to > now &&
	       !__atomic_compare_exchange_n(bound, &now, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

/* Looks for a region in a state, and takes it if it is to be taken. Returns its chunk, or NULL. ctx: boot | entry; no
 * locks */
static struct rt_chunk *find_region(uint32_t state, bool takes, uint32_t *i)
{
	struct rt_chunk *chunk;

	for (chunk = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE); chunk; chunk = chunk->next)
		for (*i = 0; *i < chunk->count; ++*i) {
			uint32_t found = state;

			if (__atomic_load_n(&chunk->slots[*i].state, __ATOMIC_RELAXED) == state &&
			    (!takes || __atomic_compare_exchange_n(&chunk->slots[*i].state, &found, RT_SLOT_TAKEN,
								   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
				return chunk;
		}
	return NULL;
}

/* ctx: entry; no locks */
static bool add_chunk(void)
{
	struct rt_chunk *chunk = map_chunk();

	if (!chunk)
		return false;
	raise(&chunks_below, UINTPTR_MAX - (uintptr_t)chunk);
	raise(&chunks_end, chunk->end);
	chunk->next = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE);
	/* Another thread may add a chunk meanwhile: this one goes in front of it. */
	while (!__atomic_compare_exchange_n(&rt_chunks, &chunk->next, chunk, false, __ATOMIC_RELEASE,
					    __ATOMIC_ACQUIRE))
		;
	return true;
}

/* ctx: boot | entry; no locks */
struct rt_thread *rt_thread_new(void)
{
	do {
		uint32_t i;
		struct rt_chunk *chunk = find_region(RT_SLOT_FREE, true, &i);

		if (chunk)
			return prepare_region(chunk, i);
	} while (reclaim_regions() || add_chunk());
	return NULL;
}

/* ctx: entry; no locks */
struct rt_thread *rt_thread_left(void)
{
	struct rt_chunk *chunk;
	uint32_t i;

	if (!__atomic_load_n(&regions_left, __ATOMIC_RELAXED) && !find_region(RT_SLOT_FREE, false, &i))
		reclaim_regions();
	if (!__atomic_load_n(&regions_left, __ATOMIC_RELAXED))
		return NULL;
	chunk = find_region(RT_SLOT_LEFT, true, &i);
	if (!chunk)
		return NULL;
	__atomic_fetch_sub(&regions_left, 1, __ATOMIC_RELAXED);
	return rt_region_thread(chunk->regions + i * RT_REGION_SIZE);
}

/* ctx: entry | sigsys */
bool rt_thread_has_noted(const struct rt_thread *thread, int sig)
{
	for (uint32_t i = 0; i < thread->signals; i++)
		if (thread->noted[i].sig == (uint32_t)sig)
			return true;
	return false;
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

/* Gives back the memory of one region of a chunk that waits for a thread. Returns whether there was one. ctx: entry |
 * helper; no locks */
static bool cool_region(struct rt_chunk *chunk)
{
	for (uint32_t i = 0; i < chunk->count; i++) {
		struct rt_region_slot *slot = &chunk->slots[i];
		uint32_t is_free = RT_SLOT_FREE;
		uintptr_t region = chunk->regions + i * RT_REGION_SIZE;

		if (__atomic_load_n(&slot->state, __ATOMIC_RELAXED) != RT_SLOT_FREE || !slot->prepared || slot->cold ||
		    !__atomic_compare_exchange_n(&slot->state, &is_free, RT_SLOT_TAKEN, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		sys(madvise, region + CORE_PAGE, RT_REGION_SIZE - CORE_PAGE, MADV_DONTNEED);
		slot->cold = true;
		__atomic_fetch_sub(&warm_regions, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->state, RT_SLOT_FREE, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

/* ctx: entry | helper; no locks */
void rt_thread_leaves(void)
{
	static struct rt_chunk *next;
	struct rt_chunk *chunk = __atomic_load_n(&next, __ATOMIC_RELAXED);

	if (__atomic_add_fetch(&warm_regions, 1, __ATOMIC_RELAXED) <= MAX_WARM)
		return;
	for (int i = 0, cooled = 0; i < 8 && cooled < 2; i++) {
		if (!chunk || chunk == &bundle_chunk) /* that is never given back */
			chunk = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE);
		if (chunk != &bundle_chunk && cool_region(chunk))
			cooled++;
		else
			chunk = chunk->next;
	}
	__atomic_store_n(&next, chunk, __ATOMIC_RELAXED);
}

/* ctx: entry | helper */
void rt_thread_free(struct rt_thread *thread)
{
	__atomic_fetch_add(&warm_regions, 1, __ATOMIC_RELAXED);
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
	regions_left = 0;
	self->slot->owner = rt_owner_turn(self->slot->owner);
}

/* ctx: any */
static bool is_in_chunk(const struct rt_chunk *chunk, uintptr_t start, uintptr_t end)
{
	return (start < (uintptr_t)chunk + CORE_PAGE && end > (uintptr_t)chunk) ||
	       (start < chunk->end && end > chunk->regions);
}

/* ctx: entry; no locks */
bool rt_threads_own(uintptr_t start, uintptr_t end)
{
	if (start >= __atomic_load_n(&chunks_end, __ATOMIC_SEQ_CST) ||
	    end <= UINTPTR_MAX - __atomic_load_n(&chunks_below, __ATOMIC_SEQ_CST))
		return is_in_chunk(&bundle_chunk, start, end);
	for (struct rt_chunk *chunk = __atomic_load_n(&rt_chunks, __ATOMIC_ACQUIRE); chunk; chunk = chunk->next)
		if (is_in_chunk(chunk, start, end))
			return true;
	return false;
}
