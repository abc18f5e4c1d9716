/*
 * Reading and writing the program's memory without a fault: the kernel does it, and says -EFAULT.
 */
#include <asm/errno.h>
#include <linux/uio.h>

#include "core/string.h"
#include "rt/rt.h"

/* ctx: entry | sigsys */
static long transfer(long nr, uint64_t local, uint64_t remote, size_t size)
{
	struct iovec here = { (void *)local, size }, there = { (void *)remote, size };
	long r;

	/* By this thread's id: the thread that has the process's may have ended, and its memory with it. */
	if (!size)
		return 0;
	if (rt_self()->strict) {
		/* The call would be death; so is a fault, as natively when the frame cannot be written. */
		if (nr == __NR_process_vm_readv)
			memcpy((void *)local, (const void *)remote, size);
		else
			memcpy((void *)remote, (const void *)local, size);
		return 0;
	}
	r = raw_syscall(nr, (unsigned long)rt_self()->tid, (unsigned long)&here, 1, (unsigned long)&there, 1, 0);
	if (failed(r))
		return r == -ENOMEM ? r : -EFAULT;
	return (size_t)r == size ? 0 : -EFAULT;
}

/* 0 or -EFAULT */
long rt_copy_from(void *to, uint64_t from, size_t size)
{
	return transfer(__NR_process_vm_readv, (uint64_t)to, from, size);
}

/* 0 or -EFAULT */
long rt_copy_to(uint64_t to, const void *from, size_t size)
{
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
