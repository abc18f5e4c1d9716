/*
 * Copying memory of the program where a filter denies process_vm_readv and process_vm_writev: page by page, after
 * asking the kernel whether the page can be read or written.
 *
 * ctx: entry | sigsys, for all here.
 */
#include <asm/errno.h>

#include "rt/base/copy.h"
#include "rt/base/peek.h"
#include "rt/base/probe.h"

/* How much of a range lies in the page of its begin. */
static size_t in_page(uint64_t address, size_t size)
{
	size_t part = CORE_PAGE - (address & (CORE_PAGE - 1));

	return part < size ? part : size;
}

long rt_copy_pages_from(void *to, uint64_t from, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		part = in_page(from + done, size - done);
		if (!rt_is_readable(from + done) || failed(rt_peek((char *)to + done, from + done, part)))
			return -EFAULT;
	}
	return 0;
}

long rt_copy_pages_to(uint64_t to, const void *from, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		uint64_t at = to + done;

		part = in_page(at, size - done);
		/* What is less than can be asked for is only known to be there. */
		if (!rt_is_readable(at) || (part >= 4 && !rt_is_writable(at, part)) ||
		    failed(rt_peek((void *)at, (uint64_t)from + done, part)))
			return -EFAULT;
	}
	return 0;
}
