/*
 * rt_sigaction and sigaltstack: what the program sets is kept in the runtime, and handed to it by the signal entry;
 * the kernel knows only the runtime's handler and stack.
 */
#include <asm/errno.h>

#include "core/string.h"
#include "rt/special/special.h"

#define MINIMUM_STACK 2048 /* MINSIGSTKSZ */
/* The flags that the kernel keeps; others read back as 0, which is how programs ask for them. */
#define KNOWN_FLAGS                                                                                          \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND |     \
	 SA_RESTORER | 0x800 /* SA_EXPOSE_TAGBITS */)
#define PASSED_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART | 0x800)

/* Faults enter the runtime even when the program does not handle them, so that a crash of a hook is reported. */
static bool always_entered(int sig)
{
	return rt.bundle->hook_count && SIGBIT(sig) & RT_FAULTS;
}

/* Tells the kernel. ctx: entry, action_lock held */
static long install(int sig, const struct rt_sigaction *action)
{
	struct rt_sigaction ours = *action;

	if (sig == SIGSYS)
		return rt_guard_restarts(action->handler <= (uint64_t)SIG_IGN || action->flags & SA_RESTART);
	if (action->handler > (uint64_t)SIG_IGN ||
	    (always_entered(sig) && action->handler == (uint64_t)SIG_DFL)) {
		/* Not SA_RESETHAND: the table and the kernel change together, with the lock held. */
		rt_signal_action(&ours, action->flags & PASSED_FLAGS);
	}
	return sys(rt_sigaction, sig, &ours, 0, 8);
}

void special_reset_action(struct rt_thread *thread, int sig)
{
	struct rt_sigaction *action = &thread->process->actions[sig];

	action->handler = (uint64_t)SIG_DFL;
	if (!thread->strict)
		(void)install(sig, action);
}

/* What was set before: by the program, or before its execve. ctx: entry, action_lock held */
static void current_action(struct rt_process *process, int sig, struct rt_sigaction *action)
{
	if (!(process->known & SIGBIT(sig)))
		sys(rt_sigaction, sig, 0, action, 8);
	else
		*action = process->actions[sig];
	if (action->handler == (uint64_t)rt_signal_entry)
		memset(action, 0, sizeof(*action));
}

long special_set_action(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted,
			struct rt_sigaction *old)
{
	struct rt_process *process = thread->process;
	long r = 0;

	if (sig < 1 || sig > RT_SIGNALS || (wanted && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	/* A filter of the program judges its calls, not the runtime's: let it see one. */
	if (process->seccomp)
		r = special_forward(thread, __NR_rt_sigaction, (uint64_t)sig, 0, 0, 8, 0, 0);
	if (r)
		return r;
	rt_lock(&process->action_lock);
	if (old)
		current_action(process, sig, old);
	if (wanted) {
		struct rt_sigaction action = *wanted;

		action.flags &= KNOWN_FLAGS;
		action.mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
		/* In the table first: the signal may come as soon as the kernel knows. */
		process->actions[sig] = action;
		process->known |= SIGBIT(sig);
		r = install(sig, &action);
		if (sig == SIGSYS && action.handler == (uint64_t)SIG_IGN)
			process->sigsys_pending = 0;
	}
	rt_unlock(&process->action_lock);
	return r;
}

long special_rt_sigaction(struct rt_thread *thread, struct k23_call *call)
{
	struct rt_sigaction action, old;
	long r;

	if (call->args[3] != 8)
		return -EINVAL;
	/* Asking for what nobody has set: the kernel knows. posix_spawn asks for every signal. */
	if (!call->args[1] && call->args[0] - 1 < RT_SIGNALS &&
	    !((thread->process->known | RT_FAULTS) & SIGBIT(call->args[0])))
		return rt_gate_program(call, thread);
	if (call->args[1] && failed(rt_copy_from(&action, call->args[1], sizeof(action))))
		return -EFAULT;
	r = special_set_action(thread, (int)call->args[0], call->args[1] ? &action : NULL,
			       call->args[2] ? &old : NULL);
	if (!failed(r) && call->args[2])
		r = rt_copy_to(call->args[2], &old, sizeof(old));
	return r;
}

/* The kernel's do_sigaltstack. ctx: entry */
static long set_stack(struct rt_sigstack *stack, const struct rt_sigstack *wanted, uint64_t sp)
{
	uint32_t mode = (uint32_t)wanted->flags & ~SS_AUTODISARM;

	if (!((uint32_t)stack->flags & SS_AUTODISARM) && sp > stack->base && sp - stack->base <= stack->size)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && wanted->size < MINIMUM_STACK)
		return -ENOMEM;
	*stack = *wanted;
	if (mode == SS_DISABLE)
		stack->base = stack->size = 0;
	return 0;
}

long special_sigaltstack(struct rt_thread *thread, struct k23_call *call)
{
	struct rt_sigstack *stack = &thread->sigstack, old = *stack, wanted;
	uint64_t sp = thread->regs.rsp;
	long r = 0;

	if (thread->process->seccomp)
		r = special_forward(thread, __NR_sigaltstack, 0, 0, 0, 0, 0, 0);
	if (r)
		return r;
	if (call->args[0] && failed(rt_copy_from(&wanted, call->args[0], sizeof(wanted))))
		return -EFAULT;
	old.pad = 0;
	old.flags = (int32_t)((uint32_t)old.flags & SS_AUTODISARM);
	if (!old.size)
		old.flags |= SS_DISABLE;
	else if (!old.flags && sp > old.base && sp - old.base <= old.size)
		old.flags |= SS_ONSTACK;
	if (call->args[0])
		r = set_stack(stack, &wanted, sp);
	if (!failed(r) && call->args[1])
		r = rt_copy_to(call->args[1], &old, sizeof(old));
	return r;
}

/* rt_sigreturn puts the frame's stack back, and has no use for an error. ctx: entry */
void rt_restore_sigstack(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp)
{
	(void)!set_stack(&thread->sigstack, wanted, sp);
}
