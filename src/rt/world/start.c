/*
 * The start of the world, as the kernel would start it.
 *
 * ctx: boot, for all here.
 */
#include <linux/auxvec.h>
#include <linux/mman.h>

#include <k23/world.h>

#include "abi/kernel.h"
#include "core/string.h"
#include "rt/base/auxv.h"
#include "rt/base/entry_points.h"
#include "rt/base/message.h"
#include "rt/world/start.h"
#include "rt/world/switch.h"
#include "rt/world/template.h"
#include "rt/world/world.h"

#define STACK_SIZE (1ul << 20) /* of the first thread, with a page that nothing can be in */

/* It is not told of the vDSO: all of its code is to be in the bundle. */
static const uint8_t as_the_programs[] = { AT_HWCAP, AT_HWCAP2, AT_CLKTCK, AT_MINSIGSTKSZ };

/* Makes the initial stack, which ends at `top`, and returns its address. Without an environment: the program may write
 * to its own. */
static uint64_t make_stack(const struct bundle_world *world, uint64_t top, const uint64_t *programs)
{
	const uint64_t fixed[][2] = {
		{ AT_PHDR, rt.start + world->headers },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, world->header_count },
		{ AT_PAGESZ, CORE_PAGE },
		{ AT_ENTRY, rt.start + world->entry },
		{ AT_RANDOM, top - 16 },
		{ AT_SECURE, 0 },
	};
	uint64_t words[40] = { 1, rt.start + rt.bundle->hooks[world->hook].file }, at;
	size_t n = 4; /* behind the ends of argv and of the environment */

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		words[n++] = fixed[i][0];
		words[n++] = fixed[i][1];
	}
	for (size_t i = 0; i < sizeof(as_the_programs); i++) {
		const uint64_t *entry = rt_auxv_find(programs, as_the_programs[i]);

		if (!entry)
			continue;
		words[n++] = entry[0];
		words[n++] = entry[1];
	}
	n += 2; /* AT_NULL */
	sys(getrandom, top - 16, 16, 0);
	at = (top - 16 - n * sizeof(words[0])) & ~15ul;
	memcpy((void *)at, words, n * sizeof(words[0]));
	return at;
}

bool rt_world_map(const struct bundle_segment *segment)
{
	uintptr_t to = rt.start + segment->offset;

	if (rt.ready && segment->prot & PROT_WRITE && segment->offset >= rt.bundle->worlds_start &&
	    segment->offset < rt.bundle->worlds_end)
		return true;
	return rt.bundle->shared_id >= 0 && segment->initial_size == segment->size &&
	       segment->initial % CORE_PAGE == 0 &&
	       sys(mremap, rt.start + segment->initial, 0, segment->size, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
		       (long)to;
}

static void find_fsgsbase(void)
{
	const uint64_t *capabilities = rt_auxv_find((const uint64_t *)rt_start_block.stack, AT_HWCAP2);

	rt.fsgsbase = capabilities && capabilities[1] & KERNEL_HWCAP2_FSGSBASE;
}

static void fill_parts(const struct bundle_ready_part *parts, uint32_t count)
{
	/* Their contents lie one behind the other. */
	if (count)
		sys(madvise, rt.start + parts[0].contents,
		    parts[count - 1].contents + parts[count - 1].size - parts[0].contents, MADV_POPULATE_READ);
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].size > 2 * CORE_PAGE)
			sys(madvise, parts[i].address, parts[i].size, MADV_POPULATE_WRITE);
		memcpy((void *)parts[i].address, (const void *)(rt.start + parts[i].contents), parts[i].size);
	}
}

bool rt_worlds_load(void)
{
	const struct bundle_ready *ready = &rt.bundle->ready;
	const struct bundle_ready_part *parts = (const struct bundle_ready_part *)(rt.start + ready->parts);
	uint32_t filled = 0;
	long r;

	if (ready->address != rt.start || rt.bundle->shared_id < 0)
		return false;
	r = sys(mmap, ready->memory, ready->memory_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (r != (long)ready->memory) {
		if (!failed(r))
			sys(munmap, r, ready->memory_size); /* the kernel does not know MAP_FIXED_NOREPLACE */
		return false;
	}
	while (filled < ready->part_count && parts[filled].contents)
		filled++;
	fill_parts(parts, filled);
	for (uint32_t i = filled; i < ready->part_count; i++) {
		r = sys(mprotect, parts[i].address, parts[i].size, parts[i].prot);
		if (failed(r))
			rt_panic("no memory for a hosted hook", r);
	}
	return true;
}

long rt_world_go_on_ready(struct rt_world *world)
{
	struct rt_thread *thread = rt_self();
	const struct rt_world *ready = (const struct rt_world *)(rt.start + rt.bundle->ready.threads);

	find_fsgsbase();
	*world = ready[world - thread->worlds];
	world->sp = world->base;
	world->make = NULL;
	world->outer = NULL;
	world->inside = world->held = false;
	rt_world_is_child(world);
	return rt_world_first_begin(thread, world);
}

long rt_world_start(struct rt_world *world)
{
	struct rt_thread *thread = rt_self();
	const struct bundle_world *bundle = &rt.bundle->worlds[world - thread->worlds];
	struct k23_world *program = (struct k23_world *)(rt.start + bundle->world);
	const uint64_t *programs = (const uint64_t *)rt_start_block.stack;
	long stack;

	find_fsgsbase();
	stack = sys(mmap, rt.bundle->template ? rt_template_room(STACK_SIZE) : 0, STACK_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (failed(stack) || failed(sys(mprotect, stack, CORE_PAGE, PROT_NONE)))
		rt_panic("no memory for a hosted hook", stack);
	program->api = &rt.api;
	program->out = (long (*)(void *, const void *, const unsigned long *))(uintptr_t)rt_world_out;
	program->entered = rt_world_called;
	program->first = world;
	memset(world, 0, sizeof(*world));
	world->index = (uint32_t)(bundle - rt.bundle->worlds);
	world->stack = (uint64_t)stack;
	rt_regs_start(&world->regs, rt.start + bundle->entry,
		      make_stack(bundle, (uint64_t)stack + STACK_SIZE, programs), 0x202);
	return rt_world_first_begin(thread, world);
}
