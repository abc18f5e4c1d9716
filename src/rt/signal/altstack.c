#include "rt/signal/altstack.h"

#include <asm/errno.h>

#include "abi/syscall.h"

#define MINIMUM_STACK 2048 /* MINSIGSTKSZ */

/* ctx: boot | entry, signals blocked */
long rt_altstack_install(const struct rt_thread *thread)
{
	struct rt_sigstack stack = { .base = thread->stack_top, .size = RT_SIGNAL_STACK_SIZE };

	return sys(sigaltstack, &stack, 0);
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
	if (mode != SS_DISABLE && wanted->size < MINIMUM_STACK)
		return -ENOMEM;
	*stack = *wanted;
	if (mode == SS_DISABLE)
		stack->base = stack->size = 0;
	return 0;
}
