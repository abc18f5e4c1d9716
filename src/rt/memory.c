/*
 * Reading and writing the program's memory without a fault: the kernel does it, and says -EFAULT.
 */
#include <asm/errno.h>
#include <linux/uio.h>

#include "core/string.h"
#include "rt/rt.h"

/* Blocks of this size and less are copied by the processor. */
#define SMALL 2048u

/* ctx: entry | sigsys */
static long transfer(long nr, uint64_t local, uint64_t remote, size_t size)
{
	struct iovec here = { (void *)local, size }, there = { (void *)remote, size };
	long r;

	/* By this thread's id: the thread that has the process's may have ended, and its memory with it. */
	r = raw_syscall(nr, (unsigned long)rt_self()->tid, (unsigned long)&here, 1, (unsigned long)&there, 1, 0);
	if (failed(r))
		return r == -ENOMEM ? r : -EFAULT;
	return (size_t)r == size ? 0 : -EFAULT;
}

/* Whether the page around an address can be read: the kernel looks at 8 bytes before it finds that it is not to do
 * anything. In a fraction of the time of a copy. */
static bool readable(uint64_t address)
{
	address &= ~7ul;
	return address && sys(rt_sigprocmask, -1, address, 0, 8) != -EFAULT;
}

/* Whether memory of this size, all in a page, can be written to: some of it is. */
static bool writable(uint64_t address, size_t size)
{
	if (size >= 8)
		return !failed(sys(rt_sigpending, address, 8));
	return size >= 4 && !failed(sys(getcpu, address, 0, 0));
}

static bool in_one_page(uint64_t address, size_t size)
{
	return (address & (RT_PAGE - 1)) + size <= RT_PAGE;
}

/* Of a size up to a page. */
static bool all_readable(uint64_t address, size_t size)
{
	return readable(address) && (in_one_page(address, size) || readable(address + size - 1));
}

/* 0 or -EFAULT */
long rt_copy_from(void *to, uint64_t from, size_t size)
{
	bool strict = rt_self()->strict;

	if (!size)
		return 0;
	/* With strict seccomp the call would be death; so is a fault, as natively when a frame cannot be read. Otherwise, who
	 * unmaps memory that another thread is just giving to a call gets the fault that a fault handler would see. */
	if (strict || (size <= SMALL && all_readable(from, size)))
		return rt_peek(to, from, size);
	return transfer(__NR_process_vm_readv, (uint64_t)to, from, size);
}

/* 0 or -EFAULT */
long rt_copy_to(uint64_t to, const void *from, size_t size)
{
	if (!size)
		return 0;
	if (rt_self()->strict || (size <= SMALL && in_one_page(to, size) && writable(to, size)))
		return rt_peek((void *)to, (uint64_t)from, size);
	return transfer(__NR_process_vm_writev, (uint64_t)from, to, size);
}

/* Reads up to the end of a page at a time: the string may end right before one that cannot be read. */
long rt_copy_string(char *to, size_t size, uint64_t from)
{
	size_t done = 0;

	if (!size)
		return -ENAMETOOLONG;
	while (done < size) {
		size_t part = RT_PAGE - ((from + done) & (RT_PAGE - 1));

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
