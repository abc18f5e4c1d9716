#include "rt/text/rollback.h"

#include "core/patch.h"
#include "rt/base/entry_points.h"
#include "rt/text/text.h"

#define TRAP_TRACE_CODE 2 /* TRAP_TRACE */
#define EFLAGS_TF 0x100ul
#define EFLAGS_OF 0x800ul
#define EFLAGS_LAHF 0xd5ul /* what lahf and sahf know of */
#define OF_ADDED 0x80      /* what `add $0x7f, %al` makes of an %al of 1 */

/* ctx: any */
static bool between(uint64_t ip, const char *begin, const char *end)
{
	return ip - (uint64_t)begin < (uint64_t)(end - begin);
}

/* At the `syscall` with what a kernel entry that is made again leaves in the two registers; or behind it.
 * ctx: any */
static void set_place(struct core_regs *regs, uint64_t ip, uint64_t after)
{
	regs->rip = ip;
	regs->rcx = after;
	regs->r11 = regs->eflags;
}

/* In rt_fast_number: the number is in %r11 and, from the comparison until sahf, the flags are in %ax. ctx: any */
static void restore_number(struct core_regs *regs)
{
	uint64_t ip = regs->rip;
	uint8_t low = (uint8_t)regs->rax, high = (uint8_t)(regs->rax >> 8);
	bool overflow = ip == (uint64_t)rt_fast_number_added ? low == OF_ADDED : low == 1;

	if (between(ip, rt_fast_number_tested, rt_fast_number_flagged))
		regs->eflags = (regs->eflags & ~(EFLAGS_LAHF | EFLAGS_OF)) | (high & EFLAGS_LAHF) |
			       (overflow ? EFLAGS_OF : 0);
	regs->rax = regs->r11;
}

/* ctx: any; no locks */
bool rt_rollback_entry(const struct rt_thread *thread, struct core_regs *regs)
{
	uint64_t ip = regs->rip, after = regs->r11;

	if (between(ip, rt_gate_direct, rt_gate_direct_end)) {
		after = thread->fast_return;
		if (between(ip, rt_gate_direct_switched, rt_gate_direct_back))
			regs->rsp = regs->rcx;
		set_place(regs, after - (ip == (uint64_t)rt_gate_direct ? 2 : 0), after);
		return true;
	}
	if (!between(ip, rt_fast_begin, rt_fast_end) && !between(ip, rt_fast_direct, rt_gate_direct))
		return false;
	if (ip == (uint64_t)rt_fast_guard) {
		after += 2;
	} else if (between(ip, rt_fast_number_moved, rt_fast_number_end)) {
		if (between(ip, rt_fast_number_moved, rt_fast_number_restored))
			restore_number(regs);
		after = thread->fast_return;
	} else if (between(ip, rt_fast_switched, rt_fast_end)) {
		uint64_t eflags = between(ip, rt_fast_switched, rt_fast_kept) ? regs->eflags : thread->regs.eflags;

		after = thread->regs.rip;
		rt_copy_regs(regs, &thread->regs);
		regs->eflags = eflags & ~EFLAGS_TF; /* a debugger's, if it is set: see rt_fast_dispatch */
	}
	set_place(regs, after - 2, after);
	return true;
}

/* ctx: sigsys */
enum rt_rollback rt_rollback(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc)
{
	struct core_regs *regs = (struct core_regs *)&uc->uc_mcontext;
	uint64_t ip = regs->rip, address;
	const uint8_t *slot;

	if (rt_rollback_entry(thread, regs))
		return RT_ROLLED;
	slot = rt_text_stub(ip);
	if (!slot)
		return RT_ELSEWHERE;
	address = (uint64_t)slot;
	if (ip - address < core_patch_displaced(slot)) {
		regs->rip = core_patch_origin(slot, address, ip);
		/* One that single-steps would come here again and again, and is to see each instruction of the window: it gets
		 * the file's own. */
		if (sig == SIGTRAP && info->si_code == TRAP_TRACE_CODE) {
			if (!rt_text_restore_page(core_page_down(regs->rip)))
				regs->rip = ip;
			return RT_GO_ON;
		}
	} else if (ip - address == core_patch_displaced(slot)) {
		regs->rip = core_patch_site(slot, address);
	} else {
		set_place(regs, core_patch_site(slot, address), core_patch_site(slot, address) + 2);
	}
	return RT_ROLLED;
}
