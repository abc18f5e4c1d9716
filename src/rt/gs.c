/*
 * %gs: the fast path finds the thread through its base, which is the thread's only register that a program under Linux
 * has no use for. A program that uses it all the same keeps what it sets, and its thread's calls take the guard.
 */
#include "rt/rt.h"

static uint64_t read_base(void)
{
	uint64_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

static void write_base(uint64_t base)
{
	__asm__ volatile("wrgsbase %0" : : "r"(base));
}

/* The same test as in x86_64/fast.S. */
bool rt_gs_ours(uint64_t base)
{
	return (base & 0xffff) == RT_GS_TAG;
}

/* ctx: entry */
void rt_gs_set(struct rt_thread *thread)
{
	if (rt.fast)
		write_base(((uint64_t)thread & ~(RT_REGION_SIZE - 1)) + RT_GS_TAG);
}

/* A child has its creator's base, but for ours. ctx: entry, in the child */
void rt_gs_inherit(struct rt_thread *child)
{
	if (rt.fast && rt_gs_ours(read_base()))
		rt_gs_set(child);
}

/* Unless the program has set another. ctx: entry */
void rt_gs_take(struct rt_thread *thread)
{
	if (rt.fast && !read_base())
		rt_gs_set(thread);
}

/* From here on the calling thread's calls take the guard. ctx: entry */
void rt_gs_give_up(void)
{
	if (rt.fast && rt_gs_ours(read_base()))
		write_base(0);
}
