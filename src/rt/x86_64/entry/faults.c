#include "rt/x86_64/entry/faults.h"

#include <linux/prctl.h>

#include "rt/base/entry_points.h"
#include "rt/base/peek.h"
#include "rt/text/rollback.h"
#include "rt/x86_64/base/gs.h"

/* ctx: any */
static bool is_near(uint64_t address, uint64_t register_)
{
	return address - register_ + 64 < 128;
}

/* ctx: sigsys */
bool rt_peek_faulted(int sig, const siginfo_t *info, struct core_regs *regs)
{
	uint64_t address = (uint64_t)info->si_addr;

	if (regs->rip - (uint64_t)rt_peek_begin >= (uint64_t)(rt_peek_end - rt_peek_begin) || info->si_code <= 0 ||
	    (sig != SIGSEGV && sig != SIGBUS))
		return false;
	/* The copy has faulted if the address is near what it reads or writes, or if SI_KERNEL says that the address is
	 * non-canonical, and so not known. Other signals may have such a code, too. */
	if (info->si_code != SI_KERNEL && !is_near(address, regs->rsi) && !is_near(address, regs->rdi))
		return false;
	regs->rip = (uint64_t)rt_peek_fault;
	return true;
}

/* Reads the counter where the program has forbidden that. ctx: sigsys */
static uint64_t forbidden_cycles(bool with_processor, uint32_t *processor)
{
	uint32_t low, high;

	if (rt_self()->strict)
		return rt_self()->strict_cycles;
	sys(prctl, PR_SET_TSC, PR_TSC_ENABLE);
	if (with_processor)
		__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*processor));
	else
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	sys(prctl, PR_SET_TSC, PR_TSC_SIGSEGV);
	return (uint64_t)high << 32 | low;
}

/* ctx: sigsys */
bool rt_tsc_faulted(int sig, const siginfo_t *info, struct core_regs *regs)
{
	const uint8_t *code = (const uint8_t *)regs->rip;
	uint32_t processor = 0;
	uint64_t cycles;
	bool with_processor;

	if (sig != SIGSEGV || info->si_code != SI_KERNEL || !rt_in_image(regs->rip))
		return false;
	with_processor = code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9;
	if (!with_processor && (code[0] != 0x0f || code[1] != 0x31))
		return false;
	cycles = forbidden_cycles(with_processor, &processor);
	regs->rax = (uint32_t)cycles;
	regs->rdx = cycles >> 32;
	if (with_processor)
		regs->rcx = processor;
	regs->rip += with_processor ? 3 : 2;
	return true;
}

/* ctx: sigsys */
bool rt_is_fault(int sig, const siginfo_t *info, const struct ucontext *uc)
{
	uint64_t address = (uint64_t)info->si_addr;

	/* Traps that are no page faults, int3 among them. */
	if (info->si_code == SI_KERNEL)
		return true;
	if (info->si_code <= 0)
		return false;
	switch (sig) {
	case SIGSEGV:
	case SIGBUS:
		return address == uc->uc_mcontext.cr2;
	case SIGILL:
	case SIGFPE:
		return address == uc->uc_mcontext.rip;
	default:
		return false;
	}
}

/* ctx: sigsys */
bool rt_gs_faulted(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc)
{
	struct core_regs *regs = rt_context_regs(uc);
	uint64_t ip = regs->rip;

	if (!(rt.bundle->flags & BUNDLE_GS_BY_CALL) || (sig != SIGSEGV && sig != SIGBUS) ||
	    (ip != (uint64_t)rt_fast_number && ip != (uint64_t)rt_fast_dispatch && ip != (uint64_t)rt_fast_direct) ||
	    !rt_is_fault(sig, info, uc))
		return false;
	rt_rollback_entry(thread, regs);
	rt_regs_go_on(regs);
	rt_gs_take(thread);
	return true;
}

/* ctx: sigsys */
void rt_fault_note(struct rt_thread *thread, int sig, const siginfo_t *info, const struct ucontext *uc)
{
	bool trap = sig == SIGTRAP && (info->si_code == TRAP_BRKPT || info->si_code == TRAP_TRACE ||
				       info->si_code == TRAP_HWBKPT);
	bool unaligned = sig == SIGBUS && info->si_code == BUS_ADRALN;

	if (!(SIGBIT(sig) & RT_FAULTS) || !(trap || unaligned || rt_is_fault(sig, info, uc)))
		return;
	thread->fault[0] = uc->uc_mcontext.err;
	thread->fault[1] = uc->uc_mcontext.trapno;
	thread->fault[2] = uc->uc_mcontext.cr2;
}
