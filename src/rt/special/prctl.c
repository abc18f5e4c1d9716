/*
 * prctl and arch_prctl. Syscall User Dispatch is the guard, so what the program asks of it is only noted:
 * the guard asks the program's own dispatch for each call. Switching it off does not touch ours.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "rt/base/copy.h"
#include "rt/base/dumpable.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/guard/guard.h"
#include "rt/special/seccomp.h"
#include "rt/special/special.h"
#include "rt/text/text.h"
#include "rt/x86_64/base/gs.h"

/* What a seccomp filter of the program, or the kernel, has against the request; 0: nothing. The kernel is asked in such a way
 * that the guard stays: to switch on with a selector that is no address, for which the answer is EFAULT; or to switch off for a
 * moment, in which no code of the program runs. */
static long judge_dispatch(struct rt_thread *thread, const struct k23_call *call)
{
	struct k23_call asked = *call;
	uint64_t mask = rt_mask_block();
	long r;

	if (call->args[1] != PR_SYS_DISPATCH_OFF)
		asked.args[4] = ~0ul;
	r = rt_gate_program(&asked, thread);
	if (call->args[1] != PR_SYS_DISPATCH_OFF)
		r = r == -EFAULT ? 0 : r;
	else if (r == 0 && failed(rt_guard_arm()))
		rt_panic("cannot switch the guard on again", 0);
	rt_mask_unblock(thread, mask);
	return r;
}

/* The kernel's set_syscall_user_dispatch. */
static long set_dispatch(struct rt_thread *thread, const struct k23_call *call)
{
	struct rt_dispatch_request *dispatch = &thread->dispatch;
	uint64_t start = call->args[2], size = call->args[3], selector = call->args[4];

	/* A 32-bit selector is always an address. */
	if (thread->sighand->seccomp && call->arch == K23_ARCH_X86_64) {
		long r = judge_dispatch(thread, call);

		if (r != 0)
			return r;
	}
	switch (call->args[1]) {
	case PR_SYS_DISPATCH_OFF:
		if (start || size || selector)
			return -EINVAL;
		dispatch->on = 0;
		rt_gs_take(thread);
		return 0;
	case PR_SYS_DISPATCH_ON:
		if (start && start + size <= start)
			return -EINVAL;
		if (selector >= KERNEL_TASK_SIZE_MAX)
			return -EFAULT;
		*dispatch = (struct rt_dispatch_request){ start, size, selector, 1 };
		rt_gs_give_up(); /* the guard asks it */
		return 0;
	default:
		return -EINVAL;
	}
}

/* From here on text cannot be made writable and executable again, so it is not patched. */
static long freeze(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	rt_texts_lock(); /* nothing is being patched */
	r = rt_gate_any(call, thread);
	if (r == 0)
		rt.frozen = true;
	rt_texts_unlock();
	return r;
}

/* The helper of an execve needs it for itself. */
static long set_ptracer(struct rt_thread *thread, struct k23_call *call)
{
	long r = rt_gate_any(call, thread);

	if (r == 0)
		thread->sighand->ptracer = (int32_t)call->args[1];
	return r;
}

long special_prctl(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	switch ((int)call->args[0]) {
	case PR_SET_SYSCALL_USER_DISPATCH:
		return set_dispatch(thread, call);
	case PR_SET_SECCOMP:
		if (call->arch == K23_ARCH_X86_64 && call->args[1] == SECCOMP_MODE_FILTER)
			return rt_seccomp_filter(thread, call, 2);
		if (call->args[1] == SECCOMP_MODE_STRICT)
			return rt_seccomp_strict(thread, call);
		break;
	case PR_GET_DUMPABLE:
		if (rt_dumpable_get(&r))
			return r;
		break;
	case PR_SET_DUMPABLE:
		if (rt_dumpable_set((long)call->args[1]))
			return 0;
		break;
	case PR_SET_PTRACER:
		return set_ptracer(thread, call);
	case PR_SET_MDWE:
		return freeze(thread, call);
	case PR_SET_SHADOW_STACK_STATUS:
		return -EINVAL;
	}
	return rt_gate_any(call, thread);
}

/* A program that has not set %gs's base sees that it is 0. */
static long hide_gs(uint64_t to)
{
	uint64_t base;
	long r = rt_copy_from(&base, to, sizeof(base));

	if (failed(r) || !rt.fast || !rt_gs_ours(base))
		return r;
	base = 0;
	return rt_copy_to(to, &base, sizeof(base));
}

long special_arch_prctl(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	/* What a kernel or processor without shadow stacks says. */
	if (call->args[0] == ARCH_SHSTK_ENABLE)
		return -EOPNOTSUPP;
	if (call->arch != K23_ARCH_X86_64)
		return rt_gate_i386(call, thread);
	r = rt_gate_program(call, thread);
	if (r == 0 && call->args[0] == ARCH_GET_GS)
		r = hide_gs(call->args[1]);
	else if (r == 0 && call->args[0] == ARCH_SET_GS)
		rt_gs_take(thread);
	return r;
}
