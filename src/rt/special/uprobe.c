/*
 * uretprobe and uprobe: calls that the kernel's own trampolines make, which it maps into a process for probes at
 * functions' ends and for optimised ones. The kernel does not take them from anywhere else, so the thread goes back and
 * makes the call there: the guard lets this one place through, and a single step over the call leads back into the
 * runtime. The instruction that is stepped on to is the trampoline's, too.
 *
 * ctx: entry, for all here.
 */
#include "rt/base/copy.h"
#include "rt/base/mask.h"
#include "rt/base/return.h"
#include "rt/guard/guard.h"
#include "rt/signal/action.h"
#include "rt/special/special.h"

long special_uprobe(struct rt_thread *thread, struct k23_call *call)
{
	const uint64_t stepped = ~(SIGBIT(SIGTRAP) | SIGBIT(SIGSYS));
	uint8_t code[RT_TRAMPOLINE_SIZE];
	uint64_t mask;

	/* What is no trampoline has the kernel's answer coming: SIGILL, or an error. */
	if (call->way != K23_BY_GUARD || failed(rt_copy_from(code, call->ip - sizeof(code), sizeof(code))) ||
	    !rt_is_trampoline(code))
		return rt_gate_program(call, thread);
	mask = rt_mask_block_all();
	if (thread->signals) {
		rt_mask_unblock(thread, mask);
		return -K23_ERESTART;
	}
	if (failed(rt_action_enter(thread, SIGTRAP, true)) || failed(rt_guard_open(call->ip))) {
		rt_mask_unblock(thread, mask);
		return rt_gate_program(call, thread);
	}
	thread->saved_mask = mask;
	thread->stepping = true;
	thread->in_call = 0;
	thread->runs = RT_RUNS_FIRST;
	rt_regs_again(&thread->regs, (uint64_t)call->nr);
	rt_regs_step(&thread->regs, true);
	sys(rt_sigprocmask, SIG_SETMASK, &stepped, 0, 8);
	rt_return(thread);
}
