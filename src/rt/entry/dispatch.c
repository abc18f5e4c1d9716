/*
 * The dispatcher: takes a call of the program through the chain of hooks to the special calls or the kernel.
 */
#include "rt/entry/dispatch.h"

#include <asm/errno.h>

#include "abi/nested.h"
#include "rt/base/chain.h"
#include "rt/base/copy.h"
#include "rt/base/gate.h"
#include "rt/base/return.h"
#include "rt/hook/enter.h"
#include "rt/signal/sigsys.h"
#include "rt/special/patience.h"
#include "rt/special/special.h"
#include "rt/text/mend.h"
#include "rt/text/site_log.h"
#include "rt/tracer/ptraced.h"
#include "rt/x86_64/base/gs.h"

/* After a system call, returns are mispredicted (x86_64/fill_returns.h); indirect jumps are not. */
#if __has_attribute(function_return)
#define RETURNS_BY_JUMP __attribute__((function_return("thunk-extern")))
#else
#define RETURNS_BY_JUMP
#endif

/* A number with bit 30 is an x32 call. A kernel without x32 answers ENOSYS to all of them. On a kernel with x32,
 * those that are special calls, or do not exist without the bit, are refused. ctx: entry */
static bool x32_refused(long nr)
{
	const long bit = 1l << 30;

	if ((nr & ~(bit | 0x3ff)) || !(nr & bit))
		return false;
	if (!rt.x32)
		rt.x32 = raw_syscall(bit | __NR_getpid, 0, 0, 0, 0, 0, 0) == -ENOSYS ? 2 : 1;
	return rt.x32 == 1 && (nr - bit >= K23_NUMBERS || rt_special(K23_ARCH_X86_64, nr - bit));
}

/* A new image or a child is to begin with what the program has set for rdtsc, which hooks run without. ctx: entry */
static long make_special(struct rt_thread *thread, struct k23_call *call, rt_special_fn *special)
{
	bool switched = __builtin_expect(thread->tsc_faults && call->next, 0);
	long result;

	if (switched)
		rt_hook_set_tsc(true);
	result = special(thread, call);
	if (switched && thread->tsc_faults)
		rt_hook_set_tsc(false);
	return result;
}

/* Calls that are not the kernel's alone. ctx: entry */
static long make_unusual(struct rt_thread *thread, struct k23_call *call)
{
	rt_special_fn *special;

	if (thread->strict && call->nr != __NR_rt_sigreturn)
		return rt_gate_program(call, thread);
	special = rt_special(call->arch, call->nr);
	if (special)
		return make_special(thread, call, special);
	if (call->arch != K23_ARCH_X86_64)
		return rt_gate_i386(call, thread);
	if (x32_refused(call->nr))
		return -ENOSYS;
	return rt_gate_program(call, thread);
}

/* ctx: entry */
static long make_call(struct rt_thread *thread, struct k23_call *call)
{
	if (call->arch == K23_ARCH_X86_64 && rt_chain_direct(call->nr))
		return rt_gate_program(call, thread);
	return thread->signals ? -K23_ERESTART : make_unusual(thread, call);
}

/* The end of the chain. ctx: entry */
static long reach_kernel(struct rt_thread *thread, struct k23_call *call)
{
	if (__builtin_expect(rt.ptraced & RT_PTRACED_TRACES, 0) && call->arch == K23_ARCH_X86_64 && !thread->strict)
		return rt_make_patiently(thread, call, make_call);
	return make_call(thread, call);
}

/* Goes on with the first of the hooks in `rest`, a bit for each, or with the kernel. ctx: entry */
static RETURNS_BY_JUMP long go_on(struct rt_thread *thread, struct k23_call *call, uint32_t rest)
{
	uint32_t next = call->next, caller = thread->runs;
	long result;

	if (rest) {
		uint32_t index = (uint32_t)__builtin_ctz(rest);

		call->next = index + 1;
		result = rt_hook_run(thread, index, rt_chain_function(index, call->arch, (unsigned long)call->nr),
				     (uint64_t)call);
	} else {
		thread->runs = RT_RUNS_RUNTIME;
		result = reach_kernel(thread, call);
		thread->runs = caller;
	}
	call->next = next;
	return result;
}

/* ctx: entry */
long rt_forward_on(struct k23_call *call)
{
	uint32_t next = call->next;
	uint32_t rest = next < 32 ? rt_chain_hooks(call->arch, (unsigned long)call->nr) & ~0u << next : 0;

	return go_on(rt_self(), call, rest);
}

/* The call by which `k23 run` inside `k23 run` talks to this runtime (abi/nested.h). No hook sees it. ctx: entry */
static long nested(struct rt_thread *thread, const struct k23_call *call)
{
	struct bundle head;

	if (call->args[1] == NESTED_BUNDLE)
		return (long)rt.bundle;
	if (call->args[1] != NESTED_CARRY || failed(rt_copy_from(&head, call->args[2], sizeof(head))) ||
	    head.magic != BUNDLE_MAGIC || head.version != BUNDLE_VERSION)
		return -EINVAL;
	thread->sighand->next = (const struct bundle *)call->args[2];
	return 0;
}

/* skipped: a tracer took the call away, and may have set all registers. ctx: entry */
static __attribute__((noreturn)) void end_call(struct rt_thread *thread, long result, bool skipped)
{
	struct core_regs *regs = &thread->regs;

	thread->in_call = 0;
	thread->orig_nr = rt_regs_result(regs);
	if (skipped)
		rt_regs_set_result(regs, result);
	else
		rt_regs_return(regs, thread->call.arch, result);
	rt_ptraced_stop(thread, RT_STOP_EXIT);
	rt_sigsys_release(thread);
	if (result == -K23_ERESTART && thread->signals)
		rt_regs_again(regs, thread->orig_nr);
	rt_return(thread);
}

/* ctx: entry */
void rt_leave(struct rt_thread *thread, long result)
{
	end_call(thread, result, false);
}

/* Another process has given the thread a dispatch of its own, which only the guard asks: the program makes the call
 * again, by the site's own instruction. ctx: entry */
static __attribute__((noreturn)) void leave_fast_path(struct rt_thread *thread)
{
	rt_gs_give_up();
	rt_regs_again(&thread->regs, rt_regs_result(&thread->regs));
	rt_return(thread);
}

/* The fast path does the same for calls that only hooks have to do with (x86_64/entry/fast.S). ctx: entry */
void rt_dispatch(struct rt_thread *thread)
{
	struct k23_call *call = &thread->call;
	struct rt_stopped stopped;
	long result;

	if (thread->dispatch.on && call->way == K23_BY_SITE)
		leave_fast_path(thread);
	thread->in_call = 1;
	stopped = rt_ptraced_stop(thread, RT_STOP_ENTRY); /* where a tracer may change the registers */
	rt_regs_call(&thread->regs, call);
	if (__builtin_expect(stopped.skipped, 0))
		end_call(thread, stopped.result, true);
	/* A signal that comes before a hook has seen the call is delivered before the call. (On the fast path such
	 * a signal finds the program at its site. Two instructions are an exception: a signal there lets the first
	 * hook see the call twice.) */
	if (thread->signals)
		result = -K23_ERESTART;
	else if (call->nr == NESTED_NR && call->args[0] == NESTED_MAGIC)
		result = nested(thread, call);
	else
		result = go_on(thread, call, rt_chain_hooks(call->arch, (unsigned long)call->nr));
	rt_leave(thread, result);
}

/* ctx: entry */
void rt_dispatch_guarded(struct rt_thread *thread)
{
	if (thread->call.arch == K23_ARCH_X86_64)
		rt_mend(&thread->regs);
	if (rt.log_sites)
		rt_site_log_note(thread);
	rt_dispatch(thread);
}
