#include "rt/base/copy.h"

#include "abi/transfer.h"
#include "rt/base/peek.h"
#include "rt/base/probe.h"
#include "rt/base/thread.h"

/* Blocks of this size and less are copied by the processor. */
#define SMALL 2048u

/* Copies from or to the program's memory, by process_vm_writev or process_vm_readv. For these calls the program's
 * memory is the local side, and the runtime's is the remote one: the kernel accesses the local side as this thread
 * does. So a stack grows, and memory is reached that no other process can reach (memfd_secret). ctx: entry | sigsys */
static long transfer_memory(long nr, uint64_t program, const void *own, size_t size)
{
	/* The calling thread's id, not the process's: the first thread, which has that, may have ended, and has no
	 * memory then. */
	long r = abi_transfer(nr, rt_self()->tid, (const void *)program, (uint64_t)own, size);

	/* The kernel gives no other errors for this: a filter does. */
	if (failed(r) && r != -EFAULT && r != -ENOMEM)
		return nr == __NR_process_vm_writev ? rt_copy_pages_from((void *)own, program, size) :
						      rt_copy_pages_to(program, own, size);
	return r;
}

/* ctx: any */
static bool is_in_one_page(uint64_t address, size_t size)
{
	return (address & (CORE_PAGE - 1)) + size <= CORE_PAGE;
}

/* Whether memory, at most as long as a page, can be read. ctx: entry | sigsys */
static bool is_range_readable(uint64_t address, size_t size)
{
	return rt_is_readable(address) && (is_in_one_page(address, size) || rt_is_readable(address + size - 1));
}

/* ctx: entry | sigsys */
long rt_copy_from(void *to, uint64_t from, size_t size)
{
	bool strict = rt_self()->strict;

	if (!size)
		return 0;
	/* Strict seccomp would kill the thread for the check, so rt_peek goes without. If rt_peek faults, the program
	 * dies, as natively of a signal frame that cannot be read. Without strict seccomp, another thread may unmap the
	 * memory after the check: rt_peek then fails, or, where the runtime does not handle SIGSEGV, the process dies
	 * of the fault. */
	if (strict || (size <= SMALL && is_range_readable(from, size)))
		return rt_peek(to, from, size);
	return transfer_memory(__NR_process_vm_writev, from, to, size);
}

/* Whether the thread is in the handler of a signal. ctx: entry | sigsys */
static bool is_on_signal_stack(const struct rt_thread *thread)
{
	return (uintptr_t)__builtin_frame_address(0) - thread->stack_top < RT_SIGNAL_STACK_SIZE;
}

/* In the handler of a signal those of faults are blocked, so the thread would die if another one made the memory
 * inaccessible after the check: of a signal frame the program may know by its handler of SIGSEGV.
 * ctx: entry | sigsys */
long rt_copy_to(uint64_t to, const void *from, size_t size)
{
	const struct rt_thread *thread = rt_self();
	bool small = size <= SMALL && is_in_one_page(to, size) && !is_on_signal_stack(thread);

	if (!size)
		return 0;
	if (thread->strict || (small && rt_is_writable(to, size)))
		return rt_peek((void *)to, (uint64_t)from, size);
	return transfer_memory(__NR_process_vm_readv, to, from, size);
}

/* Reads page by page: the string may end right before a page that cannot be read.
 * ctx: entry | sigsys */
long rt_copy_string_by(rt_copy_fn *copy, char *to, size_t size, uint64_t from)
{
	size_t done = 0;

	if (!size)
		return -ENAMETOOLONG;
	while (done < size) {
		size_t part = CORE_PAGE - ((from + done) & (CORE_PAGE - 1));

		/* Most strings are short: do not copy a whole page first. */
		if (part > 256 && done == 0)
			part = 256;
		if (part > size - done)
			part = size - done;
		if (failed(copy(to + done, from + done, part)))
			return -EFAULT;
		for (size_t i = 0; i < part; i++, done++)
			if (!to[done])
				return (long)done;
	}
	to[size - 1] = '\0';
	return -ENAMETOOLONG;
}

/* ctx: entry | sigsys */
long rt_copy_string(char *to, size_t size, uint64_t from)
{
	return rt_copy_string_by(rt_copy_from, to, size, from);
}
