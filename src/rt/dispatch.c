/*
 * The dispatcher: takes a call of the program through the chain of hooks to the special calls or the kernel.
 */
#include <asm/errno.h>

#include "abi/nested.h"
#include "core/string.h"
#include "rt/patch.h"
#include "rt/trace.h"

/* What the processor predicts for returns is useless after a system call (fill_returns in x86_64/gate.S). An indirect jump
 * does not need it. */
#if __has_attribute(function_return)
#define RETURNS_BY_JUMP __attribute__((function_return("thunk-extern")))
#else
#define RETURNS_BY_JUMP
#endif

/* For each number. Not filled in if there are no hooks. */
RT_TABLE __attribute__((aligned(RT_PAGE))) struct rt_chain rt_chains[RT_NUMBERS];
/* The hooks that name it, and where in their tables. */
static RT_TABLE uint32_t named[RT_NUMBERS];
static RT_TABLE uint8_t position[BUNDLE_MAX_HOOKS][RT_NUMBERS];
static uint32_t all; /* the hooks that want what they do not name */
static uint32_t i386;
static const struct k23_descriptor *hooks[BUNDLE_MAX_HOOKS];
/* A bit for each number that the fast path must not make without the dispatcher. */
uint64_t rt_indirect[RT_NUMBERS / 64];

_Static_assert(BUNDLE_MAX_HOOKS < 32, "struct rt_chain has a bit for each hook, and one more");

struct k23_descriptor *rt_hook(uint32_t index)
{
	return (struct k23_descriptor *)(rt.start + rt.bundle->hooks[index].descriptor);
}

static bool bit(const uint64_t *set, unsigned long nr)
{
	return set[nr / 64] & 1ul << nr % 64;
}

static k23_call_fn *function(uint32_t index, uint32_t arch, unsigned long nr)
{
	const struct k23_descriptor *hook = hooks[index];

	if (arch != K23_ARCH_X86_64)
		return hook->i386 ? hook->i386 : hook->all;
	if (nr < RT_NUMBERS && named[nr] & 1u << index)
		return hook->calls[position[index][nr]].fn;
	return hook->all;
}

/* Once per image, before the program runs. */
void rt_chain_build(void)
{
	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		const struct k23_descriptor *hook = hooks[i] = rt_hook(i);

		for (uint32_t k = 0; k < K23_MAX_CALLS && hook->calls[k].fn; k++) {
			unsigned long nr = (unsigned long)hook->calls[k].nr;

			if (nr >= RT_NUMBERS)
				continue;
			named[nr] |= 1u << i;
			position[i][nr] = (uint8_t)k;
		}
		if (hook->all)
			all |= 1u << i;
		if (hook->i386 || hook->all)
			i386 |= 1u << i;
	}
	rt_special_bits(rt_indirect);
	for (unsigned long nr = 0; nr < RT_NUMBERS && rt.bundle->hook_count; nr++) {
		uint32_t wanted = named[nr] | all;

		rt_chains[nr].who = wanted | (bit(rt_indirect, nr) ? RT_SPECIAL : 0);
		if (!wanted)
			continue;
		rt_chains[nr].first = (int32_t)((uintptr_t)function((uint32_t)__builtin_ctz(wanted), K23_ARCH_X86_64, nr) -
						(uintptr_t)rt_chains);
		rt_indirect[nr / 64] |= 1ul << nr % 64;
	}
}

static uint32_t hooks_for(uint32_t arch, unsigned long nr)
{
	if (arch != K23_ARCH_X86_64)
		return i386;
	return nr < RT_NUMBERS ? rt_chains[nr].who & ~RT_SPECIAL : all;
}

/* Whether a hook sees calls with this number. */
bool rt_wanted(long nr)
{
	/* Without hooks the table is not there: not even its first page. */
	return rt.bundle->hook_count && hooks_for(K23_ARCH_X86_64, (unsigned long)nr);
}

/* Whether a hook sees calls of any number. */
bool rt_wants_all(void)
{
	return all != 0;
}

/* Whether nobody but the kernel has to do with calls of this number. */
bool rt_direct(long nr)
{
	return (unsigned long)nr < RT_NUMBERS && !bit(rt_indirect, (unsigned long)nr);
}

/* An x32 number (bit 30): a kernel without x32 says ENOSYS to all. On one that has it, those that need a special
 * treatment, or do not exist without the bit, are refused. ctx: entry */
static bool x32_refused(long nr)
{
	const long bit = 1l << 30;

	if ((nr & ~(bit | 0x3ff)) || !(nr & bit))
		return false;
	if (!rt.x32)
		rt.x32 = raw_syscall(bit | __NR_getpid, 0, 0, 0, 0, 0, 0) == -ENOSYS ? 2 : 1;
	return rt.x32 == 1 && (nr - bit >= RT_NUMBERS || rt_special(K23_ARCH_X86_64, nr - bit));
}

/* Calls that are not the kernel's alone. ctx: entry */
static long unusual(struct rt_thread *thread, struct k23_call *call)
{
	rt_special_fn *special;

	if (thread->strict && call->nr != __NR_rt_sigreturn)
		return rt_gate_program(call, thread);
	special = rt_special(call->arch, call->nr);
	if (special)
		return special(thread, call);
	if (call->arch != K23_ARCH_X86_64)
		return rt_gate_i386(call, thread);
	if (x32_refused(call->nr))
		return -ENOSYS;
	return rt_gate_program(call, thread);
}

/* The end of the chain. ctx: entry */
static long kernel(struct rt_thread *thread, struct k23_call *call)
{
	unsigned long nr = (unsigned long)call->nr;

	if (call->arch == K23_ARCH_X86_64 && nr < RT_NUMBERS && !bit(rt_indirect, nr))
		return rt_gate_program(call, thread);
	return thread->signal ? -K23_ERESTART : unusual(thread, call);
}

/* Goes on with the next of the given hooks, which are of those that want the call. ctx: entry */
static RETURNS_BY_JUMP long go_on(struct rt_thread *thread, struct k23_call *call, uint32_t rest)
{
	uint32_t next = call->next, caller = thread->hook;
	long result;

	if (rest) {
		uint32_t index = (uint32_t)__builtin_ctz(rest);

		call->next = index + 1;
		thread->hook = index + 1;
		result = function(index, call->arch, (unsigned long)call->nr)(call);
	} else {
		thread->hook = RT_NO_HOOK;
		result = kernel(thread, call);
	}
	thread->hook = caller;
	call->next = next;
	return result;
}

/* What rt_forward leaves: there is another hook, or the call is not the kernel's alone. ctx: entry */
long rt_forward_on(struct k23_call *call)
{
	uint32_t next = call->next;
	uint32_t rest = next < 32 ? hooks_for(call->arch, (unsigned long)call->nr) & ~0u << next : 0;

	return go_on(rt_self(), call, rest);
}

/* From `k23 run` inside k23 run: see abi/nested.h. No hook sees it. */
static long nested(struct rt_thread *thread, const struct k23_call *call)
{
	struct bundle head;

	if (call->args[1] == NESTED_BUNDLE)
		return (long)rt.bundle;
	if (call->args[1] != NESTED_CARRY || failed(rt_copy_from(&head, call->args[2], sizeof(head))) ||
	    head.magic != BUNDLE_MAGIC || head.version != BUNDLE_VERSION)
		return -EINVAL;
	thread->process->next = (const struct bundle *)call->args[2];
	return 0;
}

/* The arguments are where the instruction has them. */
static void take_i386(struct k23_call *call, const struct rt_regs *regs)
{
	call->args[0] = (uint32_t)regs->rbx;
	call->args[1] = (uint32_t)regs->rcx;
	call->args[2] = (uint32_t)regs->rdx;
	call->args[3] = (uint32_t)regs->rsi;
	call->args[4] = (uint32_t)regs->rdi;
	call->args[5] = (uint32_t)regs->rbp;
}

static void take(struct rt_thread *thread)
{
	const struct rt_regs *regs = &thread->regs;
	struct k23_call *call = &thread->call;

	call->nr = (int32_t)regs->rax;
	call->ip = regs->rip;
	call->sp = regs->rsp;
	call->next = 0;
	if (call->arch != K23_ARCH_X86_64) {
		take_i386(call, regs);
		return;
	}
	call->args[0] = regs->rdi;
	call->args[1] = regs->rsi;
	call->args[2] = regs->rdx;
	call->args[3] = regs->r10;
	call->args[4] = regs->r8;
	call->args[5] = regs->r9;
}

/* The call is over. Does not return but goes to the program. ctx: entry */
void rt_leave(struct rt_thread *thread, long result)
{
	struct rt_regs *regs = &thread->regs;

	thread->in_call = 0;
	thread->orig_rax = regs->rax;
	regs->rax = (uint64_t)result;
	if (thread->call.arch == K23_ARCH_X86_64) {
		regs->rcx = regs->rip;
		regs->r11 = regs->eflags;
	}
	rt_trace_stop(thread, RT_STOP_EXIT);
	if (result == -K23_ERESTART && thread->signal) {
		regs->rip -= 2; /* syscall, sysenter and int $0x80 are two bytes each */
		regs->rax = thread->orig_rax;
	}
	rt_return(thread);
}

/* Does not return. The fast path does the same for calls that only hooks have to do with (fast.S).
 * ctx: entry; thread->regs are the program's at its call */
void rt_dispatch(struct rt_thread *thread)
{
	struct k23_call *call = &thread->call;
	long result;

	thread->in_call = 1;
	rt_trace_stop(thread, RT_STOP_ENTRY); /* where a tracer may change the registers */
	take(thread);
	/* A signal that came before any hook saw the call is as if it had come before the call. (On the fast path it finds the
	 * program at its site, but for two instructions: then the first hook sees the call twice.) */
	if (thread->signal)
		result = -K23_ERESTART;
	else if (call->nr == NESTED_NR && call->args[0] == NESTED_MAGIC)
		result = nested(thread, call);
	else
		result = go_on(thread, call, hooks_for(call->arch, (unsigned long)call->nr));
	rt_leave(thread, result);
}

/* From the guard. ctx: entry; thread->regs are the program's at its call */
void rt_dispatch_guarded(struct rt_thread *thread)
{
	if (rt.learn)
		rt_observe(thread);
	rt_dispatch(thread);
}
