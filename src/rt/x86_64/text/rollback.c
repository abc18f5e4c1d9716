#include "rt/text/rollback.h"

#include "core/patch.h"
#include "rt/base/copy.h"
#include "rt/base/entry_points.h"
#include "rt/text/text.h"

#define TRAP_TRACE_CODE 2 /* TRAP_TRACE */
#define EFLAGS_TF 0x100ul
#define EFLAGS_OF 0x800ul
#define EFLAGS_LAHF 0xd5ul /* the flags that lahf and sahf transfer */
#define OF_ADDED 0x80      /* what `add $0x7f, %al` makes of 1 in %al, where seto has put OF */

/* ctx: any */
static bool is_between(uint64_t ip, const char *begin, const char *end)
{
	return ip - (uint64_t)begin < (uint64_t)(end - begin);
}

/* Shows the program at `ip`, which is the site's `syscall` or the address after it. %rcx and %r11 become what a system
 * call leaves there: they have lost the program's values, and a program that makes a call again has these natively,
 * too. ctx: any */
static void show_at(struct core_regs *regs, uint64_t ip, uint64_t after)
{
	regs->rip = ip;
	regs->rcx = after;
	regs->r11 = regs->eflags;
}

/* Restores %rax and the flags in rt_fast_number, where %r11 keeps %rax. From the comparison to sahf, %ah keeps the
 * flags that lahf knows, and %al keeps OF. ctx: any */
static void restore_rax(struct core_regs *regs)
{
	uint64_t ip = regs->rip;
	uint8_t low = (uint8_t)regs->rax, high = (uint8_t)(regs->rax >> 8);
	bool overflow = ip == (uint64_t)rt_fast_number_added ? low == OF_ADDED : low == 1;

	if (is_between(ip, rt_fast_number_tested, rt_fast_number_flagged))
		regs->eflags = (regs->eflags & ~(EFLAGS_LAHF | EFLAGS_OF)) | (high & EFLAGS_LAHF) |
			       (overflow ? EFLAGS_OF : 0);
	regs->rax = regs->r11;
}

/* ctx: any; no locks */
bool rt_rollback_entry(const struct rt_thread *thread, struct core_regs *regs)
{
	uint64_t ip = regs->rip, after = regs->r11;

	if (is_between(ip, rt_gate_direct, rt_gate_direct_end)) {
		after = thread->fast_return;
		if (is_between(ip, rt_gate_direct_switched, rt_gate_direct_back))
			regs->rsp = regs->rcx;
		show_at(regs, after - (ip == (uint64_t)rt_gate_direct ? 2 : 0), after);
		return true;
	}
	if (!is_between(ip, rt_fast_begin, rt_fast_end) && !is_between(ip, rt_fast_direct, rt_gate_direct))
		return false;
	if (ip == (uint64_t)rt_fast_guard) {
		after += 2;
	} else if (is_between(ip, rt_fast_number_moved, rt_fast_number_end)) {
		if (is_between(ip, rt_fast_number_moved, rt_fast_number_restored))
			restore_rax(regs);
		after = thread->fast_return;
	} else if (is_between(ip, rt_fast_stacked, rt_fast_switched)) {
		regs->rsp = thread->regs.rsp;
	} else if (is_between(ip, rt_fast_switched, rt_fast_end)) {
		after = thread->regs.rip;
		rt_copy_regs(regs, &thread->regs);
		regs->eflags &= ~EFLAGS_TF; /* if TF is set, a debugger set it: see rt_fast_dispatch */
	}
	show_at(regs, after - 2, after);
	return true;
}

/* Whether `ip` is in a window behind the bytes that are kept in front of the jump, or at the jump in padding. Then it
 * becomes the window's begin. ctx: sigsys */
static bool is_led(uint64_t *ip)
{
	uint64_t block, size, to = *ip;
	uint8_t code[STORE_MIN_WINDOW];
	const uint8_t *slot;

	if (!rt_text_block(to, &block, &size) || failed(rt_copy_from(code, to, sizeof(code))))
		return false;
	to = core_patch_leads(code, to);
	if (core_patch_hops(code)) {
		if (failed(rt_copy_from(code, to, sizeof(code))) || core_patch_hops(code))
			return false;
		*ip = to;
		to = core_patch_leads(code, to);
	}
	slot = rt_text_stub(to);
	if (!slot || (uint64_t)slot != to || !core_patch_is_stub(slot) || core_patch_origin(slot, to, to) == *ip)
		return false;
	*ip = core_patch_origin(slot, to, to);
	return true;
}

/* A program that single-steps itself is to see each instruction of the window, and rolling back would lead it into the
 * stub again and again. So its page becomes that of the file, without the patch. ctx: sigsys */
static enum rt_rollback begin_again(struct core_regs *regs, uint64_t window, int sig, const siginfo_t *info)
{
	bool stepped = sig == SIGTRAP && info->si_code == TRAP_TRACE_CODE;

	if (!stepped || rt_text_restore_page(core_page_down(window)))
		regs->rip = window;
	return stepped ? RT_GO_ON : RT_ROLLED;
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
		return is_led(&ip) ? begin_again(regs, ip, sig, info) : RT_ELSEWHERE;
	address = (uint64_t)slot;
	if (ip - address < core_patch_displaced(slot))
		return begin_again(regs, core_patch_origin(slot, address, ip), sig, info);
	if (ip - address == core_patch_displaced(slot))
		regs->rip = core_patch_site(slot, address);
	else
		show_at(regs, core_patch_site(slot, address), core_patch_site(slot, address) + 2);
	return RT_ROLLED;
}
