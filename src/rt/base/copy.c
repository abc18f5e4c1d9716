#include "rt/base/copy.h"

#include "abi/transfer.h"
#include "rt/base/peek.h"
#include "rt/base/thread.h"

/* Blocks of this size and less are copied by the processor. */
#define SMALL 2048u

/* From or to the program's memory by process_vm_writev or process_vm_readv, to which that is the local side and ours the remote
 * one: the kernel copies to and from the local side as any access of this thread does, so that a stack grows, and memory that
 * no other process can reach (memfd_secret) is reached. ctx: entry | sigsys */
static long transfer(long nr, uint64_t program, const void *ours, size_t size)
{
	/* By this thread's id: the thread that has the process's may have ended, and its memory with it. */
	long r = abi_transfer(nr, rt_self()->tid, (const void *)program, (uint64_t)ours, size);

	return failed(r) && r != -ENOMEM ? -EFAULT : r;
}

/* Whether the page around an address can be read: the kernel looks at 8 bytes before it finds that it is not to do
 * anything. In a fraction of the time of a copy. ctx: entry | sigsys */
static bool readable(uint64_t address)
{
	address &= ~7ul;
	return address && sys(rt_sigprocmask, -1, address, 0, 8) != -EFAULT;
}

/* Whether memory of this size, all in a page, can be written to: some of it is. ctx: entry | sigsys */
static bool writable(uint64_t address, size_t size)
{
	if (size >= 8)
		return !failed(sys(rt_sigpending, address, 8));
	return size >= 4 && !failed(sys(getcpu, address, 0, 0));
}

/* ctx: any */
static bool in_one_page(uint64_t address, size_t size)
{
	return (address & (CORE_PAGE - 1)) + size <= CORE_PAGE;
}

/* Of a size up to a page. ctx: entry | sigsys */
static bool all_readable(uint64_t address, size_t size)
{
	return readable(address) && (in_one_page(address, size) || readable(address + size - 1));
}

/* ctx: entry | sigsys */
long rt_copy_from(void *to, uint64_t from, size_t size)
{
	bool strict = rt_self()->strict;

	if (!size)
		return 0;
	/* With strict seccomp the call would be death; so is a fault, as natively when a frame cannot be read. Otherwise, who
	 * unmaps memory that another thread is just giving to a call gets the fault that a fault handler would see. */
	if (strict || (size <= SMALL && all_readable(from, size)))
		return rt_peek(to, from, size);
	return transfer(__NR_process_vm_writev, from, to, size);
}

/* ctx: entry | sigsys */
long rt_copy_to(uint64_t to, const void *from, size_t size)
{
	if (!size)
		return 0;
	if (rt_self()->strict || (size <= SMALL && in_one_page(to, size) && writable(to, size)))
		return rt_peek((void *)to, (uint64_t)from, size);
	return transfer(__NR_process_vm_readv, to, from, size);
}

/* Reads up to the end of a page at a time: the string may end right before one that cannot be read.
 * ctx: entry | sigsys */
long rt_copy_string(char *to, size_t size, uint64_t from)
{
	size_t done = 0;

	if (!size)
		return -ENAMETOOLONG;
	while (done < size) {
		size_t part = CORE_PAGE - ((from + done) & (CORE_PAGE - 1));

		/* Most strings are short: do not copy a page for each. */
		if (part > 256 && done == 0)
			part = 256;
		if (part > size - done)
			part = size - done;
		if (failed(rt_copy_from(to + done, from + done, part)))
			return -EFAULT;
		for (size_t i = 0; i < part; i++, done++)
			if (!to[done])
				return (long)done;
	}
	to[size - 1] = '\0';
	return -ENAMETOOLONG;
}
