/*
 * prctl and arch_prctl. Syscall User Dispatch is the guard. The program's own use of it is noted, and the guard asks
 * the noted dispatch for each call; the program cannot switch the guard off.
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
#include "rt/signal/altstack.h"
#include "rt/special/seccomp.h"
#include "rt/special/special.h"
#include "rt/text/text.h"
#include "rt/x86_64/base/gs.h"

/* Whether neither a seccomp filter of the program answers the request, nor the kernel refuses it; else what they say.
 * The kernel is asked in such a way that the guard stays: to switch on with a selector that is no address, for which
 * the answer is EFAULT; or to switch off for a moment, in which no code of the program runs. */
static bool may_dispatch(struct rt_thread *thread, const struct k23_call *call, long *answer)
{
	bool off = call->args[1] == PR_SYS_DISPATCH_OFF;
	struct k23_call asked = *call;
	uint64_t mask = rt_mask_block();

	if (!off)
		asked.args[4] = RT_NO_ADDRESS;
	*answer = rt_gate_program(&asked, thread);
	if (off && *answer == 0 && failed(rt_guard_arm()))
		rt_panic("cannot switch the guard on again", 0);
	rt_mask_unblock(thread, mask);
	return *answer == (off ? 0 : -EFAULT);
}

/* A thread with a dispatch of its own leaves the fast path, as only the guard asks that dispatch. */
static long set_dispatch(struct rt_thread *thread, const struct k23_call *call)
{
	long r;

	/* A 32-bit selector is always an address. */
	if (thread->sighand->seccomp && call->arch == K23_ARCH_X86_64 && !may_dispatch(thread, call, &r))
		return r;
	r = rt_guard_request(&thread->dispatch, call->args[1], call->args[2], call->args[3], call->args[4]);

	if (!failed(r) && thread->dispatch.on)
		rt_gs_give_up();
	else if (!failed(r))
		rt_gs_take(thread);
	return r;
}

/* From here on, memory that was writable cannot become executable, so text is not patched any more. */
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

/* Another way to ask for a shadow stack. It has no third argument. */
static long refuse_status(struct rt_thread *thread, const struct k23_call *call)
{
	struct k23_call asked = *call;

	asked.args[2] = 1;
	return rt_gate_ask(thread, &asked, -EINVAL, -EINVAL);
}

/* Hooks run with the counter, which is switched on and off for them, but not on the fast path. The rest of a hook that
 * this very call came through finds it off: see x86_64/entry/faults.h. */
static long set_tsc(struct rt_thread *thread, const struct k23_call *call)
{
	long r = rt_gate_any(call, thread);

	if (r != 0)
		return r;
	thread->tsc_faults = rt.bundle->hook_count && (int)call->args[1] == PR_TSC_SIGSEGV;
	if (thread->tsc_faults)
		rt_gs_give_up();
	else if (!thread->dispatch.on)
		rt_gs_take(thread);
	return 0;
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
	case PR_SET_TSC:
		return set_tsc(thread, call);
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
		return refuse_status(thread, call);
	}
	return rt_gate_any(call, thread);
}

/* A program that has not set the base of %gs is shown 0. */
static long hide_gs(const struct rt_thread *thread, uint64_t to)
{
	uint64_t base;
	long r = rt_copy_from(&base, to, sizeof(base));

	if (failed(r) || base != rt_gs_base(thread))
		return r;
	base = 0;
	return rt_copy_to(to, &base, sizeof(base));
}

/* Says what a kernel without shadow stacks says, or what a kernel says whose processor has none. Only the former
 * does not know the request for the status of shadow stacks. No kernel has anything to switch on by 0. */
static long refuse_shadow_stack(struct rt_thread *thread, const struct k23_call *call)
{
	struct k23_call asked = *call;
	bool known = sys(arch_prctl, ARCH_SHSTK_STATUS, RT_NO_ADDRESS) != -EINVAL;

	asked.args[1] = 0;
	return rt_gate_ask(thread, &asked, -EINVAL, known ? -EOPNOTSUPP : -EINVAL);
}

/* The program sets a base that the fast path would take for a thread's, so the process does without the fast path. */
static void forget_fast_path(void)
{
	rt_texts_lock();
	rt_text_restore(0, ~0ul);
	rt.fast = false;
	rt_texts_unlock();
}

/* More registers make larger signal frames: the kernel refuses them where an alternate stack of one of the threads is
 * too small for that. Of those it knows the runtime's, so this thread's is as small as the smallest meanwhile. A filter
 * might trap the call, on that stack: then the runtime's size has to do. */
static long request_registers(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t size = rt_altstack_smallest(thread), mask;
	long r;

	if (!size || thread->sighand->seccomp)
		return rt_gate_program(call, thread);
	r = rt_altstack_pretend(thread, size, &mask);
	if (!failed(r))
		r = rt_gate_program(call, thread);
	rt_altstack_stop(thread, mask);
	return r;
}

long special_arch_prctl(struct rt_thread *thread, struct k23_call *call)
{
	int option = (int)call->args[0]; /* the kernel, too, takes the lower half */
	long r;

	if (option == ARCH_SHSTK_ENABLE)
		return refuse_shadow_stack(thread, call);
	if (option == ARCH_REQ_XCOMP_PERM)
		return request_registers(thread, call);
	if (call->arch != K23_ARCH_X86_64)
		return rt_gate_i386(call, thread);
	if (option == ARCH_SET_GS && rt_gs_excludes(call->args[1]))
		forget_fast_path();
	r = rt_gate_program(call, thread);
	if (r == 0 && option == ARCH_GET_GS)
		r = hide_gs(thread, call->args[1]);
	else if (r == 0 && option == ARCH_SET_GS)
		rt_gs_take(thread);
	return r;
}
