#include "rt/x86_64/base/gs.h"

/* ctx: any */
static uint64_t read_base(void)
{
	uint64_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

/* ctx: any */
static void write_base(uint64_t base)
{
	__asm__ volatile("wrgsbase %0" : : "r"(base));
}

/* ctx: any */
bool rt_gs_ours(uint64_t base)
{
	return (base & 0xffff) == RT_GS_TAG;
}

/* ctx: any */
bool rt_gs_used(void)
{
	return rt.fast && rt_gs_ours(read_base());
}

/* ctx: entry */
void rt_gs_set(struct rt_thread *thread)
{
	if (rt.fast && !thread->filters)
		write_base(((uint64_t)thread & ~(RT_REGION_SIZE - 1)) + RT_GS_TAG);
}

/* ctx: entry, in the child */
void rt_gs_inherit(struct rt_thread *child)
{
	if (rt_gs_used())
		rt_gs_set(child);
}

/* ctx: entry */
void rt_gs_take(struct rt_thread *thread)
{
	if (rt.fast && !read_base())
		rt_gs_set(thread);
}

/* ctx: entry */
void rt_gs_give_up(void)
{
	if (rt_gs_used())
		write_base(0);
}
