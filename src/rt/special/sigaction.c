/*
 * rt_sigaction and sigaltstack: what the program sets is kept in the runtime, and handed to it by the signal entry;
 * the kernel knows only the runtime's handler and stack.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>

#include "rt/base/copy.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/special/special.h"
#include "rt/special/tracing.h"

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
	r = rt_action_set(thread, (int)call->args[0], call->args[1] ? &action : NULL, call->args[2] ? &old : NULL);
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
