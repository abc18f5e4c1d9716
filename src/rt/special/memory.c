/*
 * Memory calls. The program cannot unmap, remap or reprotect the runtime. A request that touches the runtime fails
 * with the error that the kernel has for a range in which nothing is mapped: ENOMEM for munmap, mprotect, madvise,
 * process_madvise and mseal, EFAULT for the old range of mremap; or with EINVAL for a fixed address, and EEXIST for
 * MAP_FIXED_NOREPLACE (the kernel's own answer). mprotect, madvise and process_madvise do what comes before the
 * runtime, and may fail there. What else is wrong with a request comes first, as in the kernel. A file that becomes
 * executable is patched before a thread can run in its mapping (text/patch.h).
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <asm/shmbuf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/uio.h>

#include "rt/base/copy.h"
#include "rt/special/refused.h"
#include "rt/special/special.h"
#include "rt/text/candidate.h"
#include "rt/text/owned.h"
#include "rt/text/patch.h"
#include "rt/text/text.h"

#define NOREPLACE 0x100000u

/* A range that is empty or wraps is the kernel's to refuse. */
static bool is_refused(const struct k23_call *call)
{
	uint64_t start = call->args[0], size = call->args[1];

	return size && start + size >= start && rt_owned(start, size);
}

long special_range(struct rt_thread *thread, struct k23_call *call)
{
	return is_refused(call) ? -ENOMEM : rt_gate_program(call, thread);
}

long special_madvise(struct rt_thread *thread, struct k23_call *call)
{
	return is_refused(call) ? rt_make_before(thread, call, special_madvise) : rt_gate_program(call, thread);
}

/* Seals all of its range, or nothing. */
long special_mseal(struct rt_thread *thread, struct k23_call *call)
{
	struct k23_call nothing = *call;

	if (!is_refused(call))
		return rt_gate_program(call, thread);
	nothing.args[1] = 0;
	return rt_make_less(thread, &nothing, special_mseal);
}

/* How many ranges come before the first one that touches the runtime; all of them if one cannot be read, or if there
 * are more than the kernel takes. */
static uint64_t ranges_before(uint64_t ranges, uint64_t count)
{
	struct iovec range;
	uint64_t i;

	for (i = 0; i < count && count <= UIO_MAXIOV; i++) {
		if (failed(rt_copy_from(&range, ranges + i * sizeof(range), sizeof(range))))
			break;
		if (range.iov_len && rt_owned((uint64_t)range.iov_base, range.iov_len))
			return i;
	}
	return count;
}

/* What the kernel allows for another process, too, does no harm, and there the ranges are no address of this one. */
static bool is_for_others(int advice)
{
	return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED || advice == MADV_COLLAPSE;
}

/* Ends, as in the kernel, with the first range that is refused, and says how many bytes came before it. */
long special_process_madvise(struct rt_thread *thread, struct k23_call *call)
{
	struct k23_call before = *call;
	long r;

	if (!is_for_others((int)call->args[3]))
		before.args[2] = ranges_before(call->args[1], call->args[2]);
	r = rt_gate_program(&before, thread);
	return r == 0 && before.args[2] != call->args[2] && !rt_trapped(thread) ? -ENOMEM : r;
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
		return rt_is_bad_munmap(call) ? -EINVAL : -ENOMEM;
	if (!is_known(start, end))
		return rt_gate_program(call, thread);
	rt_texts_lock();
	r = rt_gate_program(call, thread);
	if (r == 0)
		forget_range(start, end);
	rt_texts_unlock();
	return r;
}

/* Text becomes the program's own when it becomes writable: the program finds there what the file has. */
long special_mprotect(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t start = call->args[0], end = core_page_up(start + call->args[1]);
	unsigned prot = (unsigned)call->args[2];

	if (is_refused(call))
		return rt_is_bad_mprotect(call) ? -EINVAL : rt_make_before(thread, call, special_mprotect);
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

	if (replaces && rt_ends_low(start, size) && rt_owned(start, size))
		return call->args[3] & MAP_ANONYMOUS || !failed(sys(fcntl, call->args[4], F_GETFD)) ? -EINVAL : -EBADF;
	r = replaces && is_known(start, core_page_up(start + size)) ? map_over(thread, call)
								    : rt_gate_program(call, thread);
	if (failed(r) || rt_trapped(thread))
		return r;
	if (call->args[2] & PROT_EXEC && !(call->args[3] & MAP_ANONYMOUS) && rt.bundle->memory_count)
		thread->mapped = 1 + (uint32_t)call->args[4];
	if (over || !is_private_file(call))
		return r;
	if (call->args[2] & PROT_EXEC)
		rt_patch_mapped((uint64_t)r, size, (int)call->args[2], (int)call->args[4], call->args[5], loaded);
	else if (loaded)
		rt_patch_expect((uint64_t)r, size, (int)call->args[4], call->args[5]);
	return r;
}

long special_mremap(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t old = call->args[0], old_end = core_page_up(old + call->args[1]), size = core_page_up(call->args[1]);
	uint64_t new_end = core_page_up(call->args[4] + call->args[2]);
	bool fixed = call->args[3] & MREMAP_FIXED;
	long r;

	if (rt_owned(old, size ? size : 1))
		return rt_is_bad_mremap(call) ? -EINVAL : -EFAULT;
	if (fixed && rt_owned(call->args[4], call->args[2]))
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
	return rt_owned(call->args[0], 1) ? -EINVAL : rt_gate_program(call, thread);
}

long special_shmat(struct rt_thread *thread, struct k23_call *call)
{
	/* The length of the segment decides whether a mapping at this address reaches the runtime. */
	struct shmid64_ds status;

	if (call->args[2] & KERNEL_SHM_REMAP && call->args[1] &&
	    !failed(sys(shmctl, call->args[0], KERNEL_IPC_STAT, &status)) &&
	    rt_owned(call->args[1], status.shm_segsz))
		return -EINVAL;
	return rt_gate_program(call, thread);
}
