/*
 * The dispatcher: takes a call of the program through the chain of hooks to the special calls or the kernel.
 */
#include "rt/entry/dispatch.h"

#include <asm/errno.h>

#include "abi/nested.h"
#include "i386_numbers.h"
#include "rt/base/chain.h"
#include "rt/base/gate.h"
#include "rt/entry/nested.h"
#include "rt/entry/traced_call.h"
#include "rt/hook/enter.h"
#include "rt/hook/forbidden.h"
#include "rt/signal/sigsys.h"
#include "rt/special/patience.h"
#include "rt/special/special.h"
#include "rt/text/mend.h"
#include "rt/text/site_log.h"
#include "rt/text/vsyscall.h"
#include "rt/tracer/ptraced.h"
#include "rt/world/world.h"
#include "rt/x86_64/base/gs.h"

/* After a system call, returns may be mispredicted (x86_64/returns.h); indirect jumps are not. */
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

/* A new image or a child is to begin with what the program has set for rdtsc and as the base of %fs, and not with what
 * hooks run with. ctx: entry */
static long make_special(struct rt_thread *thread, struct k23_call *call, rt_special_fn *special)
{
	bool switched = __builtin_expect(thread->tsc_faults && call->next, 0);
	uint64_t fs = 0;
	long result;

	if (switched)
		rt_hook_set_tsc(true);
	if (__builtin_expect(thread->fs_left, 0))
		fs = rt_world_show_fs(thread);
	result = special(thread, call);
	if (__builtin_expect(fs, 0))
		rt_world_hide_fs(thread, fs);
	if (switched && thread->tsc_faults)
		rt_hook_set_tsc(false);
	return result;
}

/* The one call that strict seccomp allows and that is special even then. ctx: entry */
static bool is_sigreturn(const struct k23_call *call)
{
	return call->nr == (call->arch == K23_ARCH_X86_64 ? __NR_rt_sigreturn : I386_NR_sigreturn);
}

/* Calls that are not the kernel's alone. ctx: entry */
static long make_unusual(struct rt_thread *thread, struct k23_call *call)
{
	rt_special_fn *special;

	if (thread->strict && !is_sigreturn(call))
		return rt_gate_any(call, thread);
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
		const void *function = rt_chain_function(index, call->arch, (unsigned long)call->nr);

		call->next = index + 1;
		result = rt_hook_run(thread, index, function, (uint64_t)call);
		if (rt_in_world((uintptr_t)function))
			result = rt_world_result(call, result);
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
	struct rt_thread *thread = rt_self();
	uint32_t next = call->next;

	if (__builtin_expect(!rt_hook_may_forward(thread, call), 0))
		return rt_hook_refuse_forward(thread);
	return go_on(thread, call, next < 32 ? rt_chain_hooks(call->arch, (unsigned long)call->nr) & ~0u << next : 0);
}

/* skipped: a tracer took the call away, and may have set all registers. ctx: entry */
static void end_call(struct rt_thread *thread, long result, bool skipped)
{
	struct core_regs *regs = &thread->regs;

	/* Now, so that hooks do not take this for the time of the call. */
	if (__builtin_expect(thread->mapped, 0)) {
		rt_vsyscall_mapped((int)thread->mapped - 1);
		thread->mapped = 0;
	}
	thread->in_call = 0;
	thread->orig_nr = rt_regs_result(regs);
	/* The kernel puts back the whole register, of which the number is the lower half. */
	if (__builtin_expect(thread->signals, 0) && (int)result == (int)thread->orig_nr && rt_trapped(thread))
		result = (long)thread->orig_nr;
	if (skipped)
		rt_regs_set_result(regs, result);
	else
		rt_regs_return(regs, thread->call.arch, result);
	rt_ptraced_stop(thread, RT_STOP_EXIT);
	rt_sigsys_release(thread);
	if (result == -K23_ERESTART && thread->signals)
		rt_regs_again(regs, thread->orig_nr);
}

/* ctx: entry */
RETURNS_BY_JUMP void rt_leave(struct rt_thread *thread, long result)
{
	end_call(thread, result, false);
}

/* The program makes the call again, by the site's own instruction, as if it had not come to it. ctx: entry */
static void make_again(struct rt_thread *thread)
{
	rt_sigsys_release(thread); /* the guard may have held it for the call */
	rt_regs_again(&thread->regs, rt_regs_result(&thread->regs));
}

/* The fast path does the same for calls that only hooks have to do with (x86_64/entry/fast.S). ctx: entry */
RETURNS_BY_JUMP void rt_dispatch(struct rt_thread *thread)
{
	struct k23_call *call = &thread->call;
	struct rt_stopped stopped = { .result = -ENOSYS };
	long result;

	/* Another process has given the thread a dispatch of its own, which only the guard asks. */
	if (thread->dispatch.on && call->way == K23_BY_SITE) {
		rt_gs_give_up();
		make_again(thread);
		return;
	}
	/* A signal has come before the call has begun: no tracer is to see the call yet. */
	if (thread->signals) {
		make_again(thread);
		return;
	}
	thread->in_call = 1;
	if (__builtin_expect(__atomic_load_n(&rt.ptraced, __ATOMIC_RELAXED) & RT_PTRACED_CALLS, 0))
		stopped = rt_traced_call(thread); /* where a tracer may change the registers */
	rt_regs_call(&thread->regs, call);
	if (__builtin_expect(stopped.skipped, 0)) {
		end_call(thread, stopped.result, true);
		return;
	}
	/* A signal that comes before a hook has seen the call is delivered before the call. (On the fast path such
	 * a signal finds the program at its site. Two instructions are an exception: a signal there lets the first
	 * hook see the call twice.) */
	if (thread->signals)
		result = -K23_ERESTART;
	else if (call->nr == NESTED_NR && call->args[0] == NESTED_OPTION && call->args[1] == NESTED_MAGIC)
		result = rt_nested(thread, call);
	else
		result = go_on(thread, call, rt_chain_hooks(call->arch, (unsigned long)call->nr));
	rt_leave(thread, result);
}

/* ctx: entry */
RETURNS_BY_JUMP void rt_dispatch_guarded(struct rt_thread *thread)
{
	thread->early = false;
	if (thread->call.arch == K23_ARCH_X86_64)
		rt_mend(&thread->regs);
	if (rt.log_sites)
		rt_site_log_note(thread);
	rt_dispatch(thread);
}
