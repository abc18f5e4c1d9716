/*
 * Copying between this process's memory and that of a thread, which may be the caller.
 */
#ifndef ABI_TRANSFER_H
#define ABI_TRANSFER_H

#include <asm/errno.h>
#include <linux/uio.h>

#include "abi/syscall.h"

/* Copies `size` bytes. nr: __NR_process_vm_readv copies from `there` to `here`, __NR_process_vm_writev from `here` to
 * `there`. 0 or -errno; -EFAULT: not all could be copied. ctx: any */
static inline long abi_transfer(long nr, int tid, const void *here, uint64_t there, size_t size)
{
	struct iovec local = { (void *)(uintptr_t)here, size }, remote = { (void *)there, size };
	long r = raw_syscall(nr, (unsigned long)tid, (unsigned long)&local, 1, (unsigned long)&remote, 1, 0);

	if (failed(r))
		return r;
	return (size_t)r == size ? 0 : -EFAULT;
}

#endif
