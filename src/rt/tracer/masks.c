#include "rt/tracer/masks.h"

#include <linux/ptrace.h>

#include "core/string.h"
#include "rt/tracer/view.h"

/* ctx: entry */
long tracee_masks(const struct tracee *tracee, struct tracee_masks *masks)
{
	struct tracee_view view;
	struct rt_thread thread;
	long r = sys(ptrace, PTRACE_GETSIGMASK, tracee->tid, sizeof(masks->real), &masks->real);

	masks->program = masks->real;
	masks->thread = 0;
	masks->kept = 0;
	if (failed(r) || failed(tracee_view(tracee, &view)))
		return r;
	masks->thread = view.thread ? (uint64_t)view.thread : tracee_thread(tracee);
	if (!masks->thread ||
	    failed(tracee_read(tracee->tid, &thread, masks->thread, offsetof(struct rt_thread, sigsys_queued)))) {
		masks->thread = 0;
		return 0;
	}
	if (thread.keeps_mask)
		masks->kept = offsetof(struct rt_thread, kept_mask);
	else if (view.thread && thread.signals)
		masks->kept = offsetof(struct rt_thread, saved_mask);
	if (masks->kept)
		memcpy(&masks->program, (const char *)&thread + masks->kept, sizeof(masks->program));
	masks->program &= ~SIGBIT(SIGSYS);
	/* During a call that may find one the kernel knows, too; a call that changes the mask is done by then. */
	if (thread.sigsys_held && view.in_gate)
		masks->program |= masks->real & SIGBIT(SIGSYS);
	else if (thread.sigsys_blocked)
		masks->program |= SIGBIT(SIGSYS);
	return 0;
}

/* ctx: entry */
uint64_t tracee_mask_behind(const struct tracee *tracee, uint64_t nr, const struct core_user_regs *regs, uint64_t mask)
{
	uint64_t set;

	if (nr == __NR_rt_sigreturn) {
		uint64_t frame = regs->rsp + offsetof(struct ucontext, uc_sigmask);

		return failed(tracee_read(tracee->tid, &set, frame, sizeof(set))) ? mask : set;
	}
	if (nr != __NR_rt_sigprocmask || !regs->rsi || failed(tracee_read(tracee->tid, &set, regs->rsi, sizeof(set))))
		return mask;
	switch ((int)regs->rdi) {
	case SIG_BLOCK:
		return mask | set;
	case SIG_UNBLOCK:
		return mask & ~set;
	case SIG_SETMASK:
		return set;
	default:
		return mask;
	}
}

/* ctx: entry */
long tracee_set_mask(const struct tracee *tracee, const struct tracee_masks *masks, uint64_t mask)
{
	bool sigsys = mask & SIGBIT(SIGSYS);
	long r = tracee_write(tracee->tid, masks->thread + offsetof(struct rt_thread, sigsys_blocked), &sigsys, 1);

	if (!failed(r))
		r = tracee_write(tracee->tid, masks->thread + offsetof(struct rt_thread, blocked), &mask, sizeof(mask));
	mask &= ~SIGBIT(SIGSYS);
	if (!failed(r) && masks->kept)
		return tracee_write(tracee->tid, masks->thread + masks->kept, &mask, sizeof(mask));
	return failed(r) ? r : sys(ptrace, PTRACE_SETSIGMASK, tracee->tid, sizeof(mask), &mask);
}
