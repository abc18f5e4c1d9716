#include "rt/special/refused.h"

#include <asm/errno.h>
#include <linux/mman.h>

#include "core/page.h"
#include "rt/text/owned.h"

/* ctx: any */
static bool is_aligned(uint64_t address)
{
	return !(address & (CORE_PAGE - 1));
}

/* ctx: any */
bool rt_is_bad_munmap(const struct k23_call *call)
{
	return !is_aligned(call->args[0]) || !call->args[1] || !rt_ends_low(call->args[0], call->args[1]);
}

/* ctx: any */
bool rt_is_bad_mprotect(const struct k23_call *call)
{
	const unsigned grows = PROT_GROWSDOWN | PROT_GROWSUP;
	unsigned prot = (unsigned)call->args[2];

	return !is_aligned(call->args[0]) || (prot & grows) == grows ||
	       prot & ~(grows | PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM);
}

/* ctx: any */
bool rt_is_bad_mremap(const struct k23_call *call)
{
	uint64_t old = call->args[0], old_size = core_page_up(call->args[1]), size = core_page_up(call->args[2]);
	uint64_t flags = call->args[3], to = call->args[4];

	if (flags & ~(uint64_t)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP) || !is_aligned(old) || !size)
		return true;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return true;
	if (flags & MREMAP_DONTUNMAP && old_size != size)
		return true;
	return flags & MREMAP_FIXED && (!is_aligned(to) || !rt_ends_low(to, size) ||
					(to < old + old_size && old < to + size));
}

/* How many bytes of a refused range come before the runtime's. ctx: entry; no locks */
static uint64_t size_before(uint64_t start, uint64_t size)
{
	uint64_t free = 0, taken = core_page_up(size) / CORE_PAGE;

	while (taken - free > 1) {
		uint64_t middle = free + (taken - free) / 2;

		*(rt_owned(start, middle * CORE_PAGE) ? &taken : &free) = middle;
	}
	return free * CORE_PAGE;
}

/* ctx: entry; no locks */
long rt_make_less(struct rt_thread *thread, struct k23_call *less, rt_special_fn *make)
{
	long r = make(thread, less);

	return failed(r) || rt_trapped(thread) ? r : -ENOMEM;
}

/* ctx: entry; no locks */
long rt_make_before(struct rt_thread *thread, const struct k23_call *call, rt_special_fn *make)
{
	struct k23_call before = *call;

	before.args[1] = size_before(call->args[0], call->args[1]);
	return rt_make_less(thread, &before, make);
}
