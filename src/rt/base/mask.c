#include "rt/base/mask.h"

#include "abi/syscall.h"
#include "rt/base/thread.h"

/* ctx: entry | sigsys */
uint64_t rt_mask_block(void)
{
	uint64_t all = RT_ALL_BLOCKED, old = 0;

	sys(rt_sigprocmask, SIG_BLOCK, &all, &old, 8);
	return old;
}

/* ctx: entry | sigsys */
uint64_t rt_mask_block_all(void)
{
	uint64_t all = ~0ul, old = 0;

	if (!rt_self()->strict)
		sys(rt_sigprocmask, SIG_BLOCK, &all, &old, 8);
	return old;
}

/* ctx: boot | entry */
void rt_mask_keep(struct rt_thread *thread, uint64_t mask)
{
	thread->kept_mask = mask;
	thread->keeps_mask = 1;
}

/* At no instruction are signals blocked and the mask before is not noted: a tracer may step here. ctx: entry */
void rt_mask_block_kept(struct rt_thread *thread, uint64_t blocked)
{
	__atomic_store_n(&thread->keeps_mask, 1, __ATOMIC_RELAXED);
	sys(rt_sigprocmask, SIG_BLOCK, &blocked, &thread->kept_mask, 8);
}

/* ctx: entry */
uint64_t rt_mask_kept(struct rt_thread *thread)
{
	thread->keeps_mask = 0;
	return thread->kept_mask;
}

/* ctx: boot | entry */
void rt_mask_restore(uint64_t mask)
{
	mask &= ~SIGBIT(SIGSYS);
	sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
}

/* ctx: entry */
void rt_mask_unblock(struct rt_thread *thread, uint64_t mask)
{
	static const uint64_t sigsys = SIGBIT(SIGSYS);

	if (!thread->signals)
		rt_mask_restore(mask);
	if (!thread->signals)
		return;
	/* The way out delivers them, by way of the guard: SIGSYS must not stay blocked. The others may. */
	thread->saved_mask &= mask;
	sys(rt_sigprocmask, SIG_UNBLOCK, &sigsys, 0, 8);
}

/* ctx: entry */
void rt_mask_unblock_in_call(struct rt_thread *thread, uint64_t mask)
{
	if (thread->sigsys_held && !thread->signals)
		sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
	else
		rt_mask_unblock(thread, mask);
}
