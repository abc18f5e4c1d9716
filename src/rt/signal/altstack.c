#include "rt/signal/altstack.h"

#include <asm/errno.h>

#include "abi/syscall.h"
#include "core/string.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"

#define MINIMUM_STACK 2048 /* MINSIGSTKSZ */

enum rt_altstack_order { RT_ALTSTACK_FIRST = 1, RT_ALTSTACK_LAST };

/* ctx: entry */
long rt_altstack_pretend(const struct rt_thread *thread, uint64_t size, uint64_t *mask)
{
	*mask = rt_mask_block_all();
	return rt_altstack_tell(thread, size);
}

/* ctx: entry | sigsys, signals blocked */
static void put_back(const struct rt_thread *thread)
{
	long r = rt_altstack_install(thread);

	if (failed(r))
		rt_panic("cannot put the signal stack back", r);
}

/* After rt_altstack_pretend. ctx: entry */
void rt_altstack_stop(const struct rt_thread *thread, uint64_t mask)
{
	put_back(thread);
	sys(rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
}

struct delivered {
	struct rt_thread *thread;
	int sig;
	const siginfo_t *info;
	bool handled;
};

/* x86_64/signal/apart.S */
void rt_stack_switch(void *argument, void (*function)(void *argument, uint64_t sp), uint64_t stack);

/* sp: where the signal stack is free below. ctx: sigsys, signals blocked */
static void tell_apart(void *argument, uint64_t sp)
{
	static const uint64_t sigsys = SIGBIT(SIGSYS);
	const struct delivered *delivered = argument;
	struct rt_thread *thread = delivered->thread;
	long r = rt_altstack_tell(thread, sp - thread->stack_top);

	if (failed(r))
		rt_panic("cannot make the signal stack smaller", r);
	sys(rt_sigprocmask, SIG_UNBLOCK, &sigsys, 0, 8);
	rt.tell(thread, delivered->sig, delivered->info, delivered->handled);
	/* Before the signal stack is what it was. */
	rt_mask_block_all();
	put_back(thread);
}

/* ctx: sigsys, signals blocked */
void rt_altstack_tell_apart(struct rt_thread *thread, int sig, const siginfo_t *info, bool handled)
{
	struct delivered delivered = { thread, sig, info, handled };

	rt_stack_switch(&delivered, tell_apart, thread->stack_top);
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
static bool is_in_use(const struct rt_sigstack *stack, uint64_t sp)
{
	return !((uint32_t)stack->flags & SS_AUTODISARM) && sp > stack->base && sp - stack->base <= stack->size;
}

/* ctx: entry */
struct rt_sigstack rt_altstack_shown(const struct rt_thread *thread, uint64_t sp)
{
	struct rt_sigstack stack = thread->sigstack;

	stack.pad = 0;
	stack.flags = (int32_t)((uint32_t)stack.flags & SS_AUTODISARM);
	if (!stack.size)
		stack.flags |= SS_DISABLE;
	else if (is_in_use(&stack, sp))
		stack.flags |= SS_ONSTACK;
	return stack;
}

/* The kernel's do_sigaltstack. ctx: entry */
long rt_altstack_set(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp)
{
	struct rt_sigstack *stack = &thread->sigstack;
	uint32_t mode = (uint32_t)wanted->flags & ~SS_AUTODISARM;

	if (is_in_use(stack, sp))
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

/* When rt_sigreturn sets the alternate stack of a frame: after the registers, or, since Linux 6.12, before, when the
 * thread is still on the frame's stack. Tried with a frame that lies in the kernel's. ctx: entry, signals blocked */
static enum rt_altstack_order find_order(const struct rt_thread *thread)
{
	struct ucontext frame;
	struct rt_sigstack around = { .base = (uint64_t)&frame - 1, .size = RT_SIGNAL_STACK_SIZE }, now;

	if (thread->strict || failed(sys(sigaltstack, &around, 0)))
		return RT_ALTSTACK_FIRST;
	memset(&frame, 0, sizeof(frame));
	rt_regs_start(rt_context_regs(&frame), 0, 0, 0);
	frame.uc_sigmask = ~0ul;
	frame.uc_stack.ss_sp = (void *)thread->stack_top;
	frame.uc_stack.ss_size = RT_SIGNAL_STACK_SIZE;
	rt_sigreturn_here(&frame);
	if (failed(sys(sigaltstack, 0, &now)))
		now = around;
	put_back(thread);
	return now.base == around.base ? RT_ALTSTACK_FIRST : RT_ALTSTACK_LAST;
}

/* ctx: entry, signals blocked */
void rt_altstack_return(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp, uint64_t next_sp)
{
	const struct rt_sigstack *stack = &thread->sigstack;

	if (is_in_use(stack, sp) != is_in_use(stack, next_sp) &&
	    (stack->base != wanted->base || stack->size != wanted->size || stack->flags != wanted->flags)) {
		if (!rt.altstack_order)
			rt.altstack_order = (uint8_t)find_order(thread);
		if (rt.altstack_order == RT_ALTSTACK_FIRST)
			next_sp = sp;
	}
	/* rt_sigreturn has no use for an error. */
	(void)!rt_altstack_set(thread, wanted, next_sp);
}
