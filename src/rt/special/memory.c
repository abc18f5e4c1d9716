/*
 * Memory calls: nobody unmaps, remaps or reprotects the runtime. A request that touches it fails with the error
 * that the kernel has for a range that it will not change: ENOMEM for munmap, mprotect, madvise and mremap's old
 * range, EINVAL for a fixed address, EEXIST for MAP_FIXED_NOREPLACE (which is the kernel's own answer).
 */
#include <asm/errno.h>
#include <asm/shmbuf.h>
#include <linux/mman.h>

#include "rt/special/special.h"

#define SHM_REMAP 040000 /* linux/shm.h cannot be included without a libc */
#define IPC_STAT 2

long special_range(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t end = call->args[0] + call->args[1];

	/* A range that wraps is the kernel's to refuse. */
	if (end >= call->args[0] && rt_owns(call->args[0], call->args[1]))
		return -ENOMEM;
	return rt_gate_program(call, thread);
}

long special_mmap(struct rt_thread *thread, struct k23_call *call)
{
	const uint64_t noreplace = 0x100000;

	if (call->args[3] & MAP_FIXED && !(call->args[3] & noreplace) && rt_owns(call->args[0], call->args[1]))
		return -EINVAL;
	return rt_gate_program(call, thread);
}

long special_mremap(struct rt_thread *thread, struct k23_call *call)
{
	if (rt_owns(call->args[0], call->args[1] ? call->args[1] : 1))
		return -ENOMEM;
	if (call->args[3] & MREMAP_FIXED && rt_owns(call->args[4], call->args[2]))
		return -EINVAL;
	return rt_gate_program(call, thread);
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
