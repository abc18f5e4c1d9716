/*
 * rt_sigaction and sigaltstack: what the program sets is kept in the runtime, and handed to it by the signal entry;
 * the kernel knows only the runtime's handler and stack.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>

#include "rt/base/copy.h"
#include "rt/base/mask.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/special/sigaction.h"
#include "rt/special/special.h"
#include "rt/special/tracing.h"

/* Whether no filter of the program answers the call; else what one makes of it. Nobody may wait for a lock meanwhile:
 * the listener of a filter may be a thread of this process. So the kernel is asked to read an action where there is no
 * memory, or, if the program only asks, for the action, which a filter does not write. */
static bool may_act(struct rt_thread *thread, int sig, bool sets, long *answer)
{
	struct rt_sigaction before = { .flags = RT_NO_ACTION };

	if (sets)
		*answer = rt_gate_forward(thread, __NR_rt_sigaction, (uint64_t)sig, RT_NO_ADDRESS, 0, 8, 0, 0);
	else
		*answer = rt_gate_forward(thread, __NR_rt_sigaction, (uint64_t)sig, 0, (uint64_t)&before, 8, 0, 0);
	return sets ? *answer == -EFAULT : before.flags != RT_NO_ACTION;
}

long rt_sigaction_change(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted, struct rt_sigaction *old)
{
	uint64_t mask;
	long r;

	if (old)
		old->flags = RT_NO_ACTION;
	if (sig < 1 || sig > RT_SIGNALS || (wanted && (sig == SIGKILL || sig == SIGSTOP)))
		return rt_gate_forward(thread, __NR_rt_sigaction, (uint64_t)sig, (uint64_t)wanted, 0, 8, 0, 0);
	if (!thread->sighand->seccomp)
		return rt_action_set(thread, sig, wanted, old);
	if (!may_act(thread, sig, wanted, &r))
		return r;
	mask = rt_mask_block();
	r = rt_action_set(thread, sig, wanted, old);
	rt_mask_unblock(thread, mask);
	return r;
}

long special_rt_sigaction(struct rt_thread *thread, struct k23_call *call)
{
	struct rt_sigaction action, old;
	long r;

	if (call->args[3] != 8)
		return rt_gate_program(call, thread); /* the kernel's own error */
	/* Asking for what nobody has set: the kernel knows. posix_spawn asks for every signal. */
	if (!call->args[1] && call->args[0] - 1 < RT_SIGNALS &&
	    !((thread->sighand->known | rt.heard | RT_FAULTS) & SIGBIT(call->args[0])))
		return rt_gate_program(call, thread);
	if (call->args[1] && failed(rt_copy_from(&action, call->args[1], sizeof(action))))
		return rt_gate_forward(thread, call->nr, call->args[0], RT_NO_ADDRESS, call->args[2], 8, 0, 0);
	r = rt_sigaction_change(thread, (int)call->args[0], call->args[1] ? &action : NULL,
				call->args[2] ? &old : NULL);
	if (call->args[1] && (int)call->args[0] == SIGCHLD && rt.entered & SIGBIT(SIGCHLD))
		tracing_end(thread);
	if (r == 0 && call->args[2] && old.flags != RT_NO_ACTION)
		r = rt_copy_to(call->args[2], &old, sizeof(old));
	return r;
}

long special_sigaltstack(struct rt_thread *thread, struct k23_call *call)
{
	uint64_t sp = rt_regs_sp(&thread->regs);
	struct k23_call asked = *call;
	struct rt_sigstack old, wanted;
	long r;

	/* The kernel says what it has, a filter that answers the call does not. */
	old.flags = -1;
	asked.args[0] = 0;
	asked.args[1] = (uint64_t)&old;
	r = rt_gate_ask(thread, &asked, 0, 0);
	if (r || (thread->sighand->seccomp && old.flags == -1))
		return r;
	if (call->args[0] && failed(rt_copy_from(&wanted, call->args[0], sizeof(wanted))))
		return -EFAULT;
	old = rt_altstack_shown(thread, sp);
	if (call->args[0])
		r = rt_altstack_set(thread, &wanted, sp);
	if (!failed(r) && call->args[1])
		r = rt_copy_to(call->args[1], &old, sizeof(old));
	return r;
}
