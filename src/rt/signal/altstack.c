#include "rt/signal/altstack.h"

#include <asm/errno.h>

#include "abi/syscall.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"

#define MINIMUM_STACK 2048 /* MINSIGSTKSZ */

/* ctx: entry */
long rt_altstack_pretend(const struct rt_thread *thread, uint64_t size, uint64_t *mask)
{
	*mask = rt_mask_block_all();
	return rt_altstack_tell(thread, size);
}

/* After rt_altstack_pretend. ctx: entry */
void rt_altstack_stop(const struct rt_thread *thread, uint64_t mask)
{
	long r = rt_altstack_install(thread);

	if (failed(r))
		rt_panic("cannot put the signal stack back", r);
	sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
}

struct smallest {
	int32_t pid;
	uint64_t size;
};

/* ctx: any */
static bool look_at(const struct rt_thread *thread, const void *key)
{
	struct smallest *smallest = (struct smallest *)key;
	uint64_t size = __atomic_load_n(&thread->sigstack.size, __ATOMIC_RELAXED);

	if (thread->pid == smallest->pid && size && size < smallest->size)
		smallest->size = size;
	return false;
}

/* ctx: entry */
uint64_t rt_altstack_smallest(const struct rt_thread *thread)
{
	struct smallest smallest = { thread->pid, RT_SIGNAL_STACK_SIZE };

	rt_thread_find(look_at, &smallest);
	return smallest.size < RT_SIGNAL_STACK_SIZE ? smallest.size : 0;
}

/* Whether the kernel would take a stack of this size. Strict seccomp does not let anybody ask. ctx: entry */
static bool is_large_enough(const struct rt_thread *thread, uint64_t size)
{
	uint64_t mask;
	long r;

	if (size < MINIMUM_STACK)
		return false;
	if (size >= RT_SIGNAL_STACK_SIZE || thread->strict)
		return true;
	r = rt_altstack_pretend(thread, size, &mask);
	rt_altstack_stop(thread, mask);
	return !failed(r);
}

/* ctx: entry */
struct rt_sigstack rt_altstack_shown(const struct rt_thread *thread, uint64_t sp)
{
	struct rt_sigstack stack = thread->sigstack;

	stack.pad = 0;
	stack.flags = (int32_t)((uint32_t)stack.flags & SS_AUTODISARM);
	if (!stack.size)
		stack.flags |= SS_DISABLE;
	else if (!stack.flags && sp > stack.base && sp - stack.base <= stack.size)
		stack.flags |= SS_ONSTACK;
	return stack;
}

/* The kernel's do_sigaltstack. ctx: entry */
long rt_altstack_set(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp)
{
	struct rt_sigstack *stack = &thread->sigstack;
	uint32_t mode = (uint32_t)wanted->flags & ~SS_AUTODISARM;

	if (!((uint32_t)stack->flags & SS_AUTODISARM) && sp > stack->base && sp - stack->base <= stack->size)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (stack->base == wanted->base && stack->size == wanted->size && stack->flags == wanted->flags)
		return 0;
	if (mode != SS_DISABLE && !is_large_enough(thread, wanted->size))
		return -ENOMEM;
	*stack = *wanted;
	if (mode == SS_DISABLE)
		stack->base = stack->size = 0;
	return 0;
}
