/*
 * rt_sigreturn: the frame is on the program's stack, and the kernel is shown a copy of it in which SIGSYS and the
 * signal stack are as the runtime needs them. The vector state stays where the program has it.
 *
 * ctx: entry, for all here.
 */
#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/mask.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/signal/deliver.h"
#include "rt/signal/sigsys.h"
#include "rt/special/special.h"

/* As the kernel does: the program handles SIGSEGV where it stands, or dies of it. mask: that of the program. */
static void note_bad_frame(struct rt_thread *thread, uint64_t mask)
{
	siginfo_t info;
	struct rt_sigaction action = rt_action_force(thread, SIGSEGV);

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSEGV;
	info.si_code = SI_KERNEL;
	if (mask & SIGBIT(SIGSEGV) || action.handler == (uint64_t)SIG_IGN)
		action.handler = (uint64_t)SIG_DFL;
	thread->saved_mask = mask & ~SIGBIT(SIGSEGV);
	(void)!rt_deliver_note(thread, SIGSEGV, &info, &action);
}

long special_rt_sigreturn(struct rt_thread *thread, struct k23_call *call)
{
	struct ucontext uc;
	struct rt_sigstack stack;
	uint64_t mask;

	(void)call;
	/* From here on no signal may come: it would find the old mask gone and the new one not yet there. */
	mask = thread->strict ? 0 : rt_mask_block_all();
	if (thread->signals) {
		if (!thread->strict) {
			thread->saved_mask &= mask;
			rt_mask_restore(thread->saved_mask | RT_ALL_BLOCKED);
		}
		return -K23_ERESTART;
	}
	if (thread->strict) {
		memcpy(&uc, (const void *)rt_regs_sp(&thread->regs), sizeof(uc));
	} else if (failed(rt_copy_from(&uc, rt_regs_sp(&thread->regs), sizeof(uc)))) {
		note_bad_frame(thread, mask);
		rt_mask_restore(mask | RT_ALL_BLOCKED);
		return 0;
	}
	memcpy(&stack, &uc.uc_stack, sizeof(stack));
	thread->sigsys_blocked = uc.uc_sigmask & SIGBIT(SIGSYS);
	thread->sigsys_held = false;
	if (!thread->sigsys_blocked && !thread->strict)
		rt_sigsys_requeue(thread, true);
	uc.uc_sigmask &= ~SIGBIT(SIGSYS);
	/* rt_sigreturn has no use for an error. */
	(void)!rt_altstack_set(thread, &stack, rt_regs_sp(rt_context_regs(&uc)));
	uc.uc_stack.ss_sp = (void *)thread->stack_top;
	uc.uc_stack.ss_flags = 0;
	uc.uc_stack.ss_size = RT_SIGNAL_STACK_SIZE;
	thread->in_call = 0;
	thread->runs = RT_RUNS_FIRST;
	rt_sigreturn_to((uint64_t)&uc);
}
