/*
 * ctx: boot | entry, for all here.
 */
#include "rt/world/memory.h"

#include <asm/errno.h>
#include <linux/mman.h>

#include "abi/syscall.h"
#include "core/page.h"
#include "rt/base/image.h"
#include "rt/base/thread.h"
#include "rt/world/template.h"

/* Below the area of the regions of threads (base/thread.c). One mapping lies behind the other: many become one. */
#define AREA 0x680000000000ul
#define AREA_SIZE (1ul << 42)
#define TRIES 24
#define PLACED_FLAGS (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_HUGETLB)

/* Finds room in the area, and maps there. -EEXIST: there is none. */
static long map_in_area(uint64_t size, uint64_t prot, uint64_t flags, uint64_t fd, uint64_t offset)
{
	static uint64_t placed;
	uint64_t base = AREA + (rt_random_offset(AREA_SIZE) & -(uint64_t)CORE_PAGE), step;
	long r = -EEXIST;

	size = step = (size + CORE_PAGE - 1) & -(uint64_t)CORE_PAGE;
	/* What is in the way may be large: a mapping that has grown. */
	for (int i = 0; i < TRIES && r == -EEXIST && size < AREA_SIZE; i++, step *= 2) {
		uint64_t place = __atomic_fetch_add(&placed, step, __ATOMIC_RELAXED) % AREA_SIZE;

		r = sys(mmap, base + place, size, prot, flags | MAP_FIXED_NOREPLACE, fd, offset);
	}
	return r;
}

long rt_world_mmap(const struct core_regs *regs)
{
	uint64_t at = regs->rdi, size = regs->rsi, prot = regs->rdx, flags = regs->r10;
	uint64_t fd = regs->r8, offset = regs->r9;
	long r = -EEXIST;

	if (rt.bundle->template && !(flags & PLACED_FLAGS))
		return sys(mmap, rt_template_room(size), size, prot, flags | MAP_FIXED_NOREPLACE, fd, offset);
	if (rt.begun && !(flags & PLACED_FLAGS)) {
		if (at >= CORE_PAGE)
			r = sys(mmap, at & -(uint64_t)CORE_PAGE, size, prot, flags | MAP_FIXED_NOREPLACE, fd, offset);
		if (failed(r))
			r = map_in_area(size, prot, flags, fd, offset);
	}
	/* Before the program begins, it has made no hole. Later there may be no other room. */
	return failed(r) ? sys(mmap, at, size, prot, flags, fd, offset) : r;
}

long rt_world_mremap(const struct core_regs *regs)
{
	uint64_t at = regs->rdi, old_size = regs->rsi, size = regs->rdx, flags = regs->r10;
	long r, room;

	if (!rt.begun || flags != MREMAP_MAYMOVE)
		return sys(mremap, at, old_size, size, flags, regs->r8);
	r = sys(mremap, at, old_size, size, 0);
	if (!failed(r))
		return r;
	room = map_in_area(size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0);
	if (failed(room))
		return sys(mremap, at, old_size, size, flags);
	r = sys(mremap, at, old_size, size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	if (failed(r))
		sys(munmap, room, size);
	return r;
}

bool rt_world_open_stack(uint64_t stack, const struct core_regs *regs)
{
	uint64_t at = regs->rdi, size = regs->rsi;

	return regs->rdx == (PROT_READ | PROT_WRITE) && at == stack + CORE_PAGE &&
	       !failed(sys(mprotect, stack, CORE_PAGE + size, PROT_READ | PROT_WRITE)) &&
	       !failed(rt_guard_page(stack));
}
