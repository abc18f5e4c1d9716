/*
 * Asking the kernel whether memory of the program can be read or written, without a copy.
 */
#ifndef RT_BASE_PROBE_H
#define RT_BASE_PROBE_H

#include "rt/base/thread.h"

/* Whether the page around an address can be read. The call is invalid, but the kernel reads the 8 bytes of the mask
 * before it finds that out. It takes a fraction of the time of a copy. ctx: entry | sigsys */
static inline bool rt_is_readable(uint64_t address)
{
	address &= ~7ul;
	return address && sys(rt_sigprocmask, -1, address, 0, 8) != -EFAULT;
}

/* Whether memory within one page can be written to. A call writes some bytes there to find out, which the caller is
 * about to overwrite. ctx: entry | sigsys */
static inline bool rt_is_writable(uint64_t address, size_t size)
{
	if (size >= 8)
		return !failed(sys(rt_sigpending, address, 8));
	/* getcpu takes NULL for no address. */
	return size >= 4 && address && !failed(sys(getcpu, address, 0, 0));
}

#endif
