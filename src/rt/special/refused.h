/*
 * Memory calls that the runtime refuses, because their range reaches into its memory. What else is wrong with such a
 * call, the kernel would have said first.
 */
#ifndef RT_SPECIAL_REFUSED_H
#define RT_SPECIAL_REFUSED_H

#include "abi/kernel.h"
#include "rt/special/special.h"

/* Whether a range ends where a program's memory can be. ctx: any */
static inline bool rt_ends_low(uint64_t start, uint64_t size)
{
	return start <= KERNEL_TASK_SIZE_MAX && size <= KERNEL_TASK_SIZE_MAX - start;
}

/* Whether the call would be refused, with EINVAL, whatever its range is; mremap: its old range. ctx: any, for all of
 * these */
bool rt_is_bad_munmap(const struct k23_call *call);
bool rt_is_bad_mprotect(const struct k23_call *call);
bool rt_is_bad_mremap(const struct k23_call *call);

/* Makes a refused call for less, which may be nothing, by a call's function: the kernel looks at the other arguments.
 * ctx: entry; no locks */
long rt_make_less(struct rt_thread *thread, struct k23_call *less, rt_special_fn *make);

/* The same for what comes before the runtime. ctx: entry; no locks */
long rt_make_before(struct rt_thread *thread, const struct k23_call *call, rt_special_fn *make);

#endif
