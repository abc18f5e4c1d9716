#include "rt/signal/frame.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>

#include "core/string.h"
#include "rt/base/copy.h"

#define RED_ZONE 128
#define FXSAVE_SIZE 512
#define EFLAGS_CLEARED 0x10500ul /* DF, RF, TF */
#define RIGHTS_CHECKED 0xfa00u /* of a segment: present, privilege, no system segment, code, may be written */
#define RIGHTS_DATA 0xf200u

struct frame {
	uint64_t pretcode;
	struct ucontext uc;
	siginfo_t info;
};
_Static_assert(sizeof(struct frame) == 8 + 304 + 128, "the kernel's struct rt_sigframe");

/* The kernel's on_sig_stack, without regard to SS_AUTODISARM. ctx: any */
static bool contains(const struct rt_sigstack *stack, uint64_t sp)
{
	return sp > stack->base && sp - stack->base <= stack->size;
}

/* The kernel's on_sig_stack: with SS_AUTODISARM a thread is never on the stack. ctx: any */
static bool is_on_stack(const struct rt_sigstack *stack, uint64_t sp)
{
	return !((uint32_t)stack->flags & SS_AUTODISARM) && contains(stack, sp);
}

/* ctx: any */
static size_t vector_state_size(const void *fpstate)
{
	const struct _fpx_sw_bytes *sw =
		(const struct _fpx_sw_bytes *)((const char *)fpstate + FXSAVE_SIZE - sizeof(*sw));

	return sw->magic1 == FP_XSTATE_MAGIC1 ? sw->extended_size : FXSAVE_SIZE;
}

/* Makes `regs` show the last fault of the program. The kernel shows a thread's last fault in every frame, and that may
 * be one that the runtime caused. ctx: sigsys */
static void show_last_fault(const struct rt_thread *thread, struct sigcontext *regs)
{
	regs->err = thread->fault[0];
	regs->trapno = thread->fault[1];
	regs->cr2 = thread->fault[2];
}

/* The stack segment of a handler: that of the interrupted code, if it is one of data that may be written (the kernel's
 * force_valid_ss). ctx: sigsys */
static uint16_t handler_stack_segment(uint16_t interrupted)
{
	uint32_t rights;
	bool known;

	__asm__("lar %[segment], %[rights]"
		: [rights] "=r"(rights), "=@ccz"(known) : [segment] "r"((uint32_t)interrupted));
	return known && (rights & RIGHTS_CHECKED) == RIGHTS_DATA ? interrupted : KERNEL_USER_SS;
}

/* ctx: sigsys */
long rt_frame_build(struct rt_thread *thread, const struct rt_sigaction *action, int sig, const siginfo_t *info,
		    struct ucontext *uc, uint64_t mask)
{
	struct sigcontext *regs = &uc->uc_mcontext;
	struct rt_sigstack *alternate = &thread->sigstack;
	uint64_t sp = regs->rsp - RED_ZONE, vector_state = 0;
	bool nested = is_on_stack(alternate, regs->rsp), entering = false;
	struct frame frame;

	if (!(action->flags & SA_RESTORER))
		return -EFAULT;
	if (action->flags & SA_ONSTACK && alternate->size && !is_on_stack(alternate, sp)) {
		sp = alternate->base + alternate->size;
		entering = true;
	}
	if (regs->fpstate) {
		size_t size = vector_state_size((const void *)regs->fpstate);

		vector_state = (sp - size) & ~63ul;
		sp = vector_state;
		if ((nested || entering) && !contains(alternate, ((sp - sizeof(frame)) & ~15ul) - 8))
			return -EFAULT;
		if (failed(rt_copy_to(vector_state, (const void *)regs->fpstate, size)))
			return -EFAULT;
	}
	sp = ((sp - sizeof(frame)) & ~15ul) - 8;

	show_last_fault(thread, regs);
	frame.pretcode = action->restorer;
	frame.uc = *uc;
	rt_regs_show(rt_context_regs(&frame.uc));
	frame.uc.uc_mcontext.fpstate = (void *)vector_state;
	frame.uc.uc_sigmask = frame.uc.uc_mcontext.oldmask = mask;
	frame.uc.uc_stack.ss_sp = (void *)alternate->base;
	frame.uc.uc_stack.ss_flags = alternate->flags;
	frame.uc.uc_stack.ss_size = alternate->size;
	frame.info = *info;
	if (failed(rt_copy_to(sp, &frame, sizeof(frame))))
		return -EFAULT;

	if ((uint32_t)alternate->flags & SS_AUTODISARM) {
		memset(alternate, 0, sizeof(*alternate));
		alternate->flags = SS_DISABLE;
	}
	regs->rip = action->handler;
	regs->rsp = sp;
	regs->rdi = (uint64_t)sig;
	regs->rsi = sp + offsetof(struct frame, info);
	regs->rdx = sp + offsetof(struct frame, uc);
	regs->rax = 0;
	regs->eflags &= ~EFLAGS_CLEARED;
	regs->cs = KERNEL_USER_CS;
	regs->ss = handler_stack_segment(regs->ss);
	regs->fpstate = NULL; /* so that rt_sigreturn gives the handler the initial vector state */
	return 0;
}
