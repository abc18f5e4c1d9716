/*
 * Memory calls. The program cannot unmap, remap or reprotect the runtime. A request that touches the runtime fails
 * with the error that the kernel has for a range in which nothing is mapped: ENOMEM for munmap, mprotect and madvise,
 * EFAULT for the old range of mremap; or with EINVAL for a fixed address, and EEXIST for MAP_FIXED_NOREPLACE (the
 * kernel's own answer). mprotect and madvise do what comes before the runtime, and may fail there. What else is wrong
 * with a request comes first, as in the kernel. A file that becomes executable is patched before a thread can run in
 * its mapping (text/patch.h).
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <asm/shmbuf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "abi/kernel.h"
#include "rt/base/filters.h"
#include "rt/special/special.h"
#include "rt/text/candidate.h"
#include "rt/text/patch.h"
#include "rt/text/text.h"

#define NOREPLACE 0x100000u

/* Whether any byte of [start, start + size) is the runtime's. ctx: entry; no locks */
static bool owned(uint64_t start, uint64_t size)
{
	uint64_t end = start + size < start ? UINT64_MAX : start + size;

	return (start < rt.end && end > rt.start) || rt_texts_own(start, end) || rt_threads_own(start, end) ||
	       rt_filters_own(start, end);
}

/* A range that is empty or wraps is the kernel's to refuse. */
static bool is_refused(const struct k23_call *call)
{
	return call->args[1] && call->args[0] + call->args[1] >= call->args[0] && owned(call->args[0], call->args[1]);
}

static bool is_aligned(uint64_t address)
{
	return !(address & (CORE_PAGE - 1));
}

/* Whether a range ends where a program's memory can be. */
static bool ends_low(uint64_t start, uint64_t size)
{
	return start <= KERNEL_TASK_SIZE_MAX && size <= KERNEL_TASK_SIZE_MAX - start;
}

long special_range(struct rt_thread *thread, struct k23_call *call)
{
	return is_refused(call) ? -ENOMEM : rt_gate_program(call, thread);
}

/* How many bytes of a refused range come before the runtime's. */
static uint64_t size_before(uint64_t start, uint64_t size)
{
	uint64_t free = 0, taken = core_page_up(size) / CORE_PAGE;

	while (taken - free > 1) {
		uint64_t middle = free + (taken - free) / 2;

		*(owned(start, middle * CORE_PAGE) ? &taken : &free) = middle;
	}
	return free * CORE_PAGE;
}

/* Makes a refused call for what comes before the runtime. Even for nothing, the kernel looks at the other arguments. */
static long make_before(struct rt_thread *thread, const struct k23_call *call,
			long (*make)(struct rt_thread *thread, struct k23_call *call))
{
	struct k23_call before = *call;
	long r;

	before.args[1] = size_before(call->args[0], call->args[1]);
	r = make(thread, &before);
	return failed(r) || rt_trapped(thread) ? r : -ENOMEM;
}

long special_madvise(struct rt_thread *thread, struct k23_call *call)
{
	return is_refused(call) ? make_before(thread, call, special_madvise) : rt_gate_program(call, thread);
}

/* The range has been unmapped or mapped over. ctx: entry; locked */
static void forget_range(uint64_t start, uint64_t end)
{
	rt_text_unmapped(start, end);
	rt_candidates_drop(start, end);
}

/* Whether anything is known of a range. */
static bool is_known(uint64_t start, uint64_t end)
{
	return rt_texts_overlap(start, end) || rt_candidates_overlap(start, end);
}

long special_munmap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], end = core_page_up(start + call->args[1]);
	long r;

	if (is_refused(call))
		return is_aligned(start) && ends_low(start, call->args[1]) ? -ENOMEM : -EINVAL;
	if (!is_known(start, end))
		return rt_gate_program(call, thread);
	rt_texts_lock();
	r = rt_gate_program(call, thread);
	if (r == 0)
		forget_range(start, end);
	rt_texts_unlock();
	return r;
}

/* Whether mprotect would be refused whatever its range is. */
static bool is_bad_protection(const struct k23_call *call)
{
	const unsigned grows = PROT_GROWSDOWN | PROT_GROWSUP;
	unsigned prot = (unsigned)call->args[2];

	return !is_aligned(call->args[0]) || (prot & grows) == grows ||
	       prot & ~(grows | PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM);
}

/* Text becomes the program's own when it becomes writable: the program finds there what the file has. */
long special_mprotect(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], end = core_page_up(start + call->args[1]);
	unsigned prot = (unsigned)call->args[2];

	if (is_refused(call))
		return is_bad_protection(call) ? -EINVAL : make_before(thread, call, special_mprotect);
	if (prot & PROT_WRITE && is_known(start, end)) {
		rt_texts_lock();
		rt_text_restore(start, end);
		rt_candidates_drop(start, end);
		rt_texts_unlock();
	}
	if (prot & PROT_EXEC && !(start & (CORE_PAGE - 1)) && rt_candidates_overlap(start, end))
		rt_patch_protected(start, end, (int)prot);
	return rt_gate_program(call, thread);
}

static bool is_private_file(const struct k23_call *call)
{
	return (call->args[3] & (MAP_TYPE | MAP_ANONYMOUS | MAP_LOCKED)) == MAP_PRIVATE &&
	       !(call->args[2] & PROT_WRITE);
}

/* Maps over a text. Another thread may run there already, so the new mapping is not patched. */
static long map_over(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	rt_texts_lock();
	r = rt_gate_program(call, thread);
	if (!failed(r))
		forget_range((uint64_t)r, core_page_up((uint64_t)r + call->args[1]));
	rt_texts_unlock();
	return r;
}

long special_mmap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], size = call->args[1];
	bool replaces = call->args[3] & MAP_FIXED && !(call->args[3] & NOREPLACE);
	bool over = replaces && rt_texts_overlap(start, core_page_up(start + size)), loaded = rt_patch_loads(call->ip);
	long r;

	if (replaces && ends_low(start, size) && owned(start, size))
		return call->args[3] & MAP_ANONYMOUS || !failed(sys(fcntl, call->args[4], F_GETFD)) ? -EINVAL : -EBADF;
	r = replaces && is_known(start, core_page_up(start + size)) ? map_over(thread, call)
								    : rt_gate_program(call, thread);
	if (failed(r) || over || !is_private_file(call) || rt_trapped(thread))
		return r;
	if (call->args[2] & PROT_EXEC)
		rt_patch_mapped((uint64_t)r, size, (int)call->args[2], (int)call->args[4], call->args[5], loaded);
	else if (loaded)
		rt_patch_expect((uint64_t)r, size, (int)call->args[4], call->args[5]);
	return r;
}

/* Whether mremap would be refused whatever its old range is. */
static bool is_bad_mremap(const struct k23_call *call)
{
	uint64_t old = call->args[0], old_size = core_page_up(call->args[1]), size = core_page_up(call->args[2]);
	uint64_t flags = call->args[3], to = call->args[4];

	if (flags & ~(uint64_t)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP) || !is_aligned(old) || !size)
		return true;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return true;
	if (flags & MREMAP_DONTUNMAP && old_size != size)
		return true;
	return flags & MREMAP_FIXED && (!is_aligned(to) || !ends_low(to, size) ||
					(to < old + old_size && old < to + size));
}

long special_mremap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t old = call->args[0], old_end = core_page_up(old + call->args[1]);
	uint64_t new_end = core_page_up(call->args[4] + call->args[2]);
	bool fixed = call->args[3] & MREMAP_FIXED;
	long r;

	if (owned(old, call->args[1] ? call->args[1] : 1))
		return is_bad_mremap(call) ? -EINVAL : -EFAULT;
	if (fixed && owned(call->args[4], call->args[2]))
		return -EINVAL;
	if (!is_known(old, old_end) && !(fixed && is_known(call->args[4], new_end)))
		return rt_gate_program(call, thread);
	/* From another address, a jump to a stub leads elsewhere. */
	rt_texts_lock();
	rt_text_restore(old, old_end);
	r = rt_gate_program(call, thread);
	if (!failed(r) && (uint64_t)r != old)
		forget_range(old, old_end);
	if (!failed(r) && fixed)
		forget_range(call->args[4], new_end);
	rt_texts_unlock();
	return r;
}

/* Nothing that the program attached. */
long special_shmdt(struct rt_thread *thread, struct k23_call *call)
{
	return owned(call->args[0], 1) ? -EINVAL : rt_gate_program(call, thread);
}

long special_shmat(struct rt_thread *thread, struct k23_call *call)
{
	/* The length of the segment decides whether a mapping at this address reaches the runtime. */
	struct shmid64_ds status;

	if (call->args[2] & KERNEL_SHM_REMAP && call->args[1] &&
	    !failed(sys(shmctl, call->args[0], KERNEL_IPC_STAT, &status)) &&
	    owned(call->args[1], status.shm_segsz))
		return -EINVAL;
	return rt_gate_program(call, thread);
}
