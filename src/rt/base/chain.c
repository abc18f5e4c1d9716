#include "rt/base/chain.h"

#include "rt/base/entry_points.h"

RT_TABLE __attribute__((aligned(CORE_PAGE))) struct rt_chain rt_chains[K23_NUMBERS];
/* Sets of hooks, a bit for each: those that name a number in their table of calls, ... */
static RT_TABLE __attribute__((aligned(CORE_PAGE / 2))) uint32_t naming_hooks[K23_NUMBERS];
static uint32_t other_hooks; /* ... those that also want numbers that they do not name */
static uint32_t i386_hooks;  /* those that want calls by int $0x80 */
/* Where in the table of a hook that names a number the number is. */
static RT_TABLE uint8_t positions[BUNDLE_MAX_HOOKS][K23_NUMBERS];
static const struct k23_descriptor *descriptors[BUNDLE_MAX_HOOKS];
uint64_t rt_chain_indirect[K23_NUMBERS / 64];
static uint64_t specials[K23_NUMBERS / 64];

_Static_assert(BUNDLE_MAX_HOOKS < 32, "struct rt_chain has a bit for each hook, and one more");

/* ctx: any */
struct k23_descriptor *rt_chain_hook(uint32_t index)
{
	return (struct k23_descriptor *)(rt.start + rt.bundle->hooks[index].descriptor);
}

/* ctx: any */
static bool has_number(const uint64_t *set, unsigned long nr)
{
	return set[nr / 64] & 1ul << nr % 64;
}

/* ctx: any */
k23_call_fn *rt_chain_function(uint32_t index, uint32_t arch, unsigned long nr)
{
	const struct k23_descriptor *hook = descriptors[index];

	if (arch != K23_ARCH_X86_64)
		return hook->i386 ? hook->i386 : hook->all;
	if (nr < K23_NUMBERS && naming_hooks[nr] & 1u << index)
		return hook->calls[positions[index][nr]].fn;
	return hook->all;
}

/* ctx: boot */
static void add_hook(uint32_t index, const struct k23_descriptor *hook)
{
	descriptors[index] = hook;
	for (uint32_t k = 0; k < K23_MAX_CALLS && hook->calls[k].fn; k++) {
		unsigned long nr = (unsigned long)hook->calls[k].nr;

		if (nr >= K23_NUMBERS)
			continue;
		naming_hooks[nr] |= 1u << index;
		positions[index][nr] = (uint8_t)k;
	}
	if (hook->all)
		other_hooks |= 1u << index;
	if (hook->i386 || hook->all)
		i386_hooks |= 1u << index;
}

/* What the fast path is to call, as a distance from rt_chains. ctx: boot */
static int32_t first_function(uint32_t index, unsigned long nr)
{
	uintptr_t function = (uintptr_t)rt_chain_function(index, K23_ARCH_X86_64, nr);

	if (rt_in_world(function))
		function = (uintptr_t)rt_world_first;
	return (int32_t)(function - (uintptr_t)rt_chains);
}

/* ctx: boot */
void rt_chain_build(const uint64_t special[K23_NUMBERS / 64])
{
	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		add_hook(i, rt_chain_hook(i));
	for (size_t i = 0; i < K23_NUMBERS / 64; i++)
		rt_chain_indirect[i] = specials[i] = special[i];
	for (unsigned long nr = 0; nr < K23_NUMBERS && rt.bundle->hook_count; nr++) {
		uint32_t wanted = naming_hooks[nr] | other_hooks;

		rt_chains[nr].who = wanted | (has_number(special, nr) ? RT_CHAIN_SPECIAL : 0);
		if (!wanted)
			continue;
		rt_chains[nr].first = first_function((uint32_t)__builtin_ctz(wanted), nr);
		rt_chain_indirect[nr / 64] |= 1ul << nr % 64;
	}
}

/* ctx: entry */
void rt_chain_claim(void)
{
	for (unsigned long nr = 0; nr < K23_NUMBERS && rt.bundle->hook_count; nr++)
		rt_chains[nr].who |= RT_CHAIN_SPECIAL;
}

/* ctx: any */
bool rt_chain_special(unsigned long nr)
{
	return nr < K23_NUMBERS && has_number(specials, nr);
}

/* ctx: any */
uint32_t rt_chain_hooks(uint32_t arch, unsigned long nr)
{
	if (arch != K23_ARCH_X86_64)
		return i386_hooks;
	return nr < K23_NUMBERS ? rt_chains[nr].who & ~RT_CHAIN_SPECIAL : other_hooks;
}

/* ctx: any */
bool rt_chain_wants(long nr)
{
	/* Without hooks rt_chains is not filled in: reading it would cost a page. */
	return rt.bundle->hook_count && rt_chain_hooks(K23_ARCH_X86_64, (unsigned long)nr);
}

/* ctx: any */
bool rt_chain_wants_all(void)
{
	return other_hooks != 0;
}

/* ctx: any */
bool rt_chain_direct(long nr)
{
	return (unsigned long)nr < K23_NUMBERS && !has_number(rt_chain_indirect, (unsigned long)nr);
}
