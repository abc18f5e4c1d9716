/*
 * rt_sigreturn: the frame is on the program's stack, and the kernel is shown a copy of it in which SIGSYS and the
 * signal stack are as the runtime needs them. The vector state stays where the program has it.
 *
 * That call is the runtime's own. A filter of the program judges one before it that changes nothing.
 *
 * ctx: entry, for all here.
 */
#include <linux/seccomp.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/filters.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/guard/guard.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/signal/deliver.h"
#include "rt/signal/sigsys.h"
#include "rt/special/special.h"
#include "rt/world/world.h"

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

/* As the kernel's signal stack is to stay. */
static void keep_altstack(const struct rt_thread *thread, struct ucontext *uc)
{
	uc->uc_stack.ss_sp = (void *)thread->stack_top;
	uc->uc_stack.ss_flags = 0;
	uc->uc_stack.ss_size = RT_SIGNAL_STACK_SIZE;
}

/* What a filter of the program makes of the call; RT_SIGRETURN_MADE: nothing. mask: that of the program, which
 * rt_mask_block has changed. */
static long judge(const struct rt_thread *thread, const struct k23_call *call, uint64_t mask)
{
	struct ucontext uc;

	memset(&uc, 0, sizeof(uc));
	rt_regs_start(rt_context_regs(&uc), (uint64_t)rt_gate_sigreturn_made, 0, 0);
	rt_regs_set_nr(rt_context_regs(&uc), RT_SIGRETURN_MADE);
	uc.uc_sigmask = mask | RT_ALL_BLOCKED;
	keep_altstack(thread, &uc);
	return rt_gate_sigreturn(call, &uc);
}

/* Whether the filters that judge by the address of a call are against it. */
static bool is_denied(const struct rt_thread *thread, const struct k23_call *call)
{
	return thread->filters && (int32_t)rt_filters_judge(thread, call) < (int32_t)SECCOMP_RET_USER_NOTIF;
}

long special_rt_sigreturn(struct rt_thread *thread, struct k23_call *call)
{
	bool judged = thread->sighand->seccomp && !thread->strict;
	struct ucontext uc;
	struct rt_sigstack stack;
	uint64_t mask, flags = rt_regs_flags(&thread->regs);

	mask = judged ? rt_mask_block() : rt_mask_block_all();
	if (judged && !thread->signals) {
		long r = is_denied(thread, call) ? rt_gate_program(call, thread) : judge(thread, call, mask);

		if (r != RT_SIGRETURN_MADE) {
			rt_mask_unblock(thread, mask);
			return r;
		}
		rt_mask_block_all();
	}
	/* From here on no signal may come: it would find the old mask gone and the new one not yet there. */
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
	thread->blocked = uc.uc_sigmask;
	thread->sigsys_held = false;
	if (!thread->sigsys_blocked && !thread->strict)
		rt_sigsys_requeue(thread, true);
	uc.uc_sigmask &= ~SIGBIT(SIGSYS);
	rt_altstack_return(thread, &stack, rt_regs_sp(&thread->regs), rt_regs_sp(rt_context_regs(&uc)));
	keep_altstack(thread, &uc);
	rt_regs_keep_flags(rt_context_regs(&uc), flags);
	rt_copy_regs(&thread->regs, rt_context_regs(&uc));
	thread->orig_nr = RT_NO_NR;
	thread->call.way = K23_BY_GUARD; /* where the program goes on has nothing to do with the site of this call */
	rt_regs_go_on(rt_context_regs(&uc));
	rt_guard_keep_mark(thread, rt_context_regs(&uc));
	thread->in_call = 0;
	thread->runs = RT_RUNS_FIRST;
	rt_worlds_abandon(thread);
	rt_sigreturn_to((uint64_t)&uc, flags);
}
