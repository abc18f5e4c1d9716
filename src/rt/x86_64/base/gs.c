#include "rt/x86_64/base/gs.h"

#include <asm/prctl.h>

#include "abi/syscall.h"

/* ctx: any */
static bool by_call(void)
{
	return rt.bundle->flags & BUNDLE_GS_BY_CALL;
}

/* ctx: any */
static uint64_t read_base(void)
{
	uint64_t base = 0;

	if (by_call())
		sys(arch_prctl, ARCH_GET_GS, &base);
	else
		__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

/* Returns whether it could be written: a filter from before k23 may be against the call. ctx: any */
static bool write_base(uint64_t base)
{
	if (by_call())
		return !failed(sys(arch_prctl, ARCH_SET_GS, base));
	__asm__ volatile("wrgsbase %0" : : "r"(base));
	return true;
}

/* A selector, which the program has loaded, and which the call would replace. ctx: any */
static bool has_selector(void)
{
	uint16_t selector;

	__asm__ volatile("mov %%gs, %0" : "=r"(selector));
	return selector;
}

/* ctx: any */
bool rt_gs_ours(uint64_t base)
{
	return (base & 0xffff) == RT_GS_TAG;
}

/* ctx: any */
uint64_t rt_gs_base(const struct rt_thread *thread)
{
	return ((uint64_t)thread & ~(RT_REGION_SIZE - 1)) + RT_GS_TAG;
}

/* ctx: any */
bool rt_gs_used(void)
{
	if (!rt.fast)
		return false;
	return by_call() ? rt_self()->gs_mark == RT_GS_MARKED : rt_gs_ours(read_base());
}

/* ctx: entry */
bool rt_gs_excludes(uint64_t base)
{
	return rt.fast && (by_call() ? base && base < KERNEL_TASK_SIZE_MAX : rt_gs_ours(base));
}

/* ctx: boot | entry | sigsys */
bool rt_gs_set(struct rt_thread *thread)
{
	if (!rt.fast || (thread->filters && !by_call()))
		return true;
	if (by_call() && has_selector())
		return true;
	if (!write_base(rt_gs_base(thread)))
		return false;
	thread->gs_mark = thread->filters ? 0 : RT_GS_MARKED;
	return true;
}

/* ctx: entry, in the child */
void rt_gs_inherit(struct rt_thread *child)
{
	if (!by_call() && rt_gs_used() && child->filters)
		write_base(0); /* a thread with filters takes the guard, and the creator's base is none of its own */
	else if (by_call() ? rt.fast : rt_gs_used())
		rt_gs_set(child);
	else if (by_call() && rt_gs_ours(read_base()))
		write_base(0);
}

/* ctx: entry | sigsys */
void rt_gs_take(struct rt_thread *thread)
{
	if (rt.fast && (by_call() || !read_base()))
		rt_gs_set(thread);
}

/* ctx: entry | sigsys */
void rt_gs_give_up(void)
{
	if (by_call())
		rt_self()->gs_mark = 0;
	else if (rt_gs_used())
		write_base(0);
}
