/*
 * io_uring: the operations that a program submits are no system calls, and no hook sees them. They are counted as gaps
 * (abi/gaps.h).
 *
 * ctx: entry, for all here.
 */
#include "rt/special/uring.h"

#include <linux/io_uring.h>

#include "rt/base/copy.h"
#include "rt/base/run_memory.h"

long special_io_uring_setup(struct rt_thread *thread, struct k23_call *call)
{
	struct io_uring_params params;
	long r = rt_gate_any(call, thread);

	if (failed(r) || rt_trapped(thread))
		return r;
	rt_run_memories_gap_here(GAP_URING, 1);
	/* What cannot be read any more may be anything. */
	if (failed(rt_copy_from(&params, call->args[1], sizeof(params))) || params.flags & IORING_SETUP_SQPOLL)
		rt_run_memories_gap_here(GAP_URING_POLLED, 1);
	return r;
}

/* What the kernel takes is counted before: the process may be killed while it waits for the results. */
static long enter(struct rt_thread *thread, struct k23_call *call, rt_special_fn *make)
{
	uint32_t wanted = (uint32_t)call->args[1];
	long r;

	if (!wanted)
		return make(thread, call);
	rt_run_memories_gap(GAP_URING_ENTRIES, wanted, NULL);
	r = make(thread, call);
	if (failed(r) || r < wanted)
		rt_run_memories_gap(GAP_URING_ENTRIES, (failed(r) ? 0 : r) - (long)wanted, NULL);
	return r;
}

long special_io_uring_enter(struct rt_thread *thread, struct k23_call *call)
{
	return enter(thread, call, rt_io_uring_enter);
}

static long make_i386(struct rt_thread *thread, struct k23_call *call)
{
	return rt_gate_i386(call, thread);
}

long special_i386_io_uring_enter(struct rt_thread *thread, struct k23_call *call)
{
	return enter(thread, call, make_i386);
}
