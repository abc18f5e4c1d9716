/*
 * Memory calls. Nobody unmaps, remaps or reprotects the runtime: a request that touches it fails with the error that
 * the kernel has for a range that it will not change: ENOMEM for munmap, mprotect, madvise and mremap's old range,
 * EINVAL for a fixed address, EEXIST for MAP_FIXED_NOREPLACE (which is the kernel's own answer).
 *
 * And a file that becomes executable is patched before its mapping is anybody's to run (rt/patch.h).
 */
#include <asm/errno.h>
#include <asm/shmbuf.h>
#include <linux/mman.h>

#include "rt/patch.h"
#include "rt/special/special.h"

#define SHM_REMAP 040000 /* linux/shm.h cannot be included without a libc */
#define IPC_STAT 2
#define NOREPLACE 0x100000u

static uint64_t page_end(uint64_t address)
{
	return (address + RT_PAGE - 1) & ~(RT_PAGE - 1);
}

/* A range that wraps is the kernel's to refuse. */
static bool refused(const struct k23_call *call)
{
	return call->args[0] + call->args[1] >= call->args[0] && rt_owns(call->args[0], call->args[1]);
}

long special_range(struct rt_thread *thread, struct k23_call *call)
{
	return refused(call) ? -ENOMEM : rt_gate_program(call, thread);
}

/* Nothing of the range is what it was. ctx: entry, locked */
static void replaced(uint64_t start, uint64_t end)
{
	rt_module_unmapped(start, end);
	rt_candidates_drop(start, end);
}

/* Whether anything is known of a range. */
static bool concerned(uint64_t start, uint64_t end)
{
	return rt_module_overlaps(start, end) || rt_candidates_overlap(start, end);
}

long special_munmap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], end = page_end(start + call->args[1]);
	long r;

	if (refused(call))
		return -ENOMEM;
	if (!concerned(start, end))
		return rt_gate_program(call, thread);
	rt_modules_lock();
	r = rt_gate_program(call, thread);
	if (r == 0)
		replaced(start, end);
	rt_modules_unlock();
	return r;
}

/* Text that the program may write to is its own: it finds there what the file has. */
long special_mprotect(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], end = page_end(start + call->args[1]);
	unsigned prot = (unsigned)call->args[2];

	if (refused(call))
		return -ENOMEM;
	if (prot & PROT_WRITE && concerned(start, end)) {
		rt_modules_lock();
		rt_module_restore(start, end);
		rt_candidates_drop(start, end);
		rt_modules_unlock();
	}
	if (prot & PROT_EXEC && !(start & (RT_PAGE - 1)) && rt_candidates_overlap(start, end))
		rt_patch_protected(start, end, (int)prot);
	return rt_gate_program(call, thread);
}

static bool is_private_file(const struct k23_call *call)
{
	return (call->args[3] & (MAP_TYPE | MAP_ANONYMOUS | MAP_LOCKED)) == MAP_PRIVATE && !(call->args[2] & PROT_WRITE);
}

/* Over a module somebody may be running there already: it is only forgotten. */
static long map_over(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	rt_modules_lock();
	r = rt_gate_program(call, thread);
	if (!failed(r))
		replaced((uint64_t)r, page_end((uint64_t)r + call->args[1]));
	rt_modules_unlock();
	return r;
}

long special_mmap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], size = call->args[1];
	bool replaces = call->args[3] & MAP_FIXED && !(call->args[3] & NOREPLACE);
	bool over = replaces && rt_module_overlaps(start, page_end(start + size));
	long r;

	if (replaces && rt_owns(start, size))
		return -EINVAL;
	r = replaces && concerned(start, page_end(start + size)) ? map_over(thread, call) : rt_gate_program(call, thread);
	if (failed(r) || over || !is_private_file(call) || rt_trapped(thread))
		return r;
	if (call->args[2] & PROT_EXEC)
		rt_patch_mapped((uint64_t)r, size, (int)call->args[2], (int)call->args[4], call->args[5]);
	else
		rt_patch_expect((uint64_t)r, size, (int)call->args[4], call->args[5]);
	return r;
}

long special_mremap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t old = call->args[0], old_end = page_end(old + call->args[1]);
	uint64_t new_end = page_end(call->args[4] + call->args[2]);
	bool fixed = call->args[3] & MREMAP_FIXED;
	long r;

	if (rt_owns(old, call->args[1] ? call->args[1] : 1))
		return -ENOMEM;
	if (fixed && rt_owns(call->args[4], call->args[2]))
		return -EINVAL;
	if (!concerned(old, old_end) && !(fixed && concerned(call->args[4], new_end)))
		return rt_gate_program(call, thread);
	/* A jump to a stub would lead elsewhere from another address. */
	rt_modules_lock();
	rt_module_restore(old, old_end);
	r = rt_gate_program(call, thread);
	if (!failed(r) && (uint64_t)r != old)
		replaced(old, old_end);
	if (!failed(r) && fixed)
		replaced(call->args[4], new_end);
	rt_modules_unlock();
	return r;
}

/* Nothing that the program attached. */
long special_shmdt(struct rt_thread *thread, struct k23_call *call)
{
	return rt_owns(call->args[0], 1) ? -EINVAL : rt_gate_program(call, thread);
}

long special_shmat(struct rt_thread *thread, struct k23_call *call)
{
	/* How long the segment is does not matter: a mapping at this address may not reach the runtime. */
	struct shmid64_ds status;

	if (call->args[2] & SHM_REMAP && call->args[1] &&
	    !failed(sys(shmctl, call->args[0], IPC_STAT, &status)) &&
	    rt_owns(call->args[1], status.shm_segsz))
		return -EINVAL;
	return rt_gate_program(call, thread);
}
