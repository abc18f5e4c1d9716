/*
 * What a tracer is shown of a tracee on the fast path: the place where the program would be natively. That is in the
 * window of the site, at its `syscall`, or behind that.
 *
 * ctx: entry, for all here.
 */
#include "core/patch.h"
#include "core/string.h"
#include "rt/base/entry_points.h"
#include "rt/base/gate.h"
#include "rt/text/rollback.h"
#include "rt/tracer/view.h"
#include "rt/x86_64/base/gs.h"

/* Views a tracee that is in an entry or the gate: rolls it back as a signal would, with a copy of the tracee's thread
 * block, and with the instruction pointer moved to this process's runtime. Returns whether the tracee is there. */
static bool view_entry(const struct tracee *tracee, struct tracee_view *view)
{
	uint64_t distance = tracee->gate - (uint64_t)rt_gate_page;
	uint64_t address = (uint64_t)rt_region_thread(view->real.gs_base);
	struct rt_thread thread;
	struct core_regs regs;
	bool direct;

	if (!rt_gs_ours(view->real.gs_base) ||
	    failed(tracee_read(tracee->tid, &thread, address, offsetof(struct rt_thread, own_sighand))))
		return false;
	core_regs_from_user(&regs, &view->real);
	regs.rip -= distance;
	direct = regs.rip - (uint64_t)rt_gate_direct < (uint64_t)(rt_gate_direct_end - rt_gate_direct);
	if (!rt_rollback_entry(&thread, &regs))
		return false;
	core_regs_to_user(&view->shown, &regs);
	view->fast = direct ? TRACEE_DIRECT : TRACEE_ENTRY;
	return true;
}

/* Where the tracee's code at `ip` jumps to in the end, if it is a jump as core_patch_jump writes it; else 0. hopped: if
 * it is a short one, where that leads to. */
static uint64_t follow_jump(const struct tracee *tracee, uint64_t ip, uint64_t *hopped)
{
	uint8_t code[STORE_MIN_WINDOW];
	uint64_t to;

	if (failed(tracee_read(tracee->tid, code, ip, sizeof(code))))
		return 0;
	to = core_patch_leads(code, ip);
	if (!core_patch_hops(code))
		return to;
	*hopped = to;
	if (failed(tracee_read(tracee->tid, code, to, sizeof(code))) || core_patch_hops(code))
		return 0;
	return core_patch_leads(code, to);
}

/* Whether a window of the tracee leads to a stub: a jump to that is at its begin, or behind the bytes that are kept. */
static bool leads_to(const struct tracee *tracee, uint64_t window, uint64_t stub)
{
	uint64_t hopped;

	for (unsigned kept = 0; kept <= PATCH_KEPT_COMPARE; kept++)
		if (follow_jump(tracee, window + kept, &hopped) == stub)
			return true;
	return false;
}

/* Views a tracee that is on its way to a stub, and not at the window's begin any more. Returns whether it is there. */
static bool view_jump(const struct tracee *tracee, struct tracee_view *view)
{
	uint64_t ip = view->real.rip, stub = follow_jump(tracee, ip, &ip), window;
	uint8_t slot[PATCH_SLOT];

	if (!stub || stub % PATCH_SLOT || failed(tracee_read(tracee->tid, slot, stub, sizeof(slot))) ||
	    !core_patch_is_stub(slot))
		return false;
	window = core_patch_origin(slot, stub, stub);
	if (window == ip || !leads_to(tracee, window, stub))
		return false;
	view->fast = TRACEE_STUB;
	view->shown.rip = window;
	return true;
}

/* Views a tracee that is in a stub, which is recognised by the bytes of the stub and its site. Returns whether the
 * tracee is there. */
static bool view_stub(const struct tracee *tracee, struct tracee_view *view)
{
	uint64_t ip = view->real.rip, address = ip & ~(uint64_t)(PATCH_SLOT - 1), site;
	uint8_t slot[PATCH_SLOT], code[RT_SYSCALL_SIZE];
	unsigned displaced;

	if (failed(tracee_read(tracee->tid, slot, address, sizeof(slot))) || !core_patch_is_stub(slot))
		return false;
	displaced = core_patch_displaced(slot);
	site = core_patch_site(slot, address);
	if (ip - address >= PATCH_SLOT - 1 || failed(tracee_read(tracee->tid, code, site, sizeof(code))) ||
	    !rt_is_syscall(code) || !leads_to(tracee, site - core_patch_window(slot), address))
		return false;
	view->fast = ip - address < displaced ? TRACEE_STUB : TRACEE_STUB_DONE;
	view->shown.rip = core_patch_origin(slot, address, ip);
	if (ip - address > displaced) {
		view->shown.rcx = site + 2;
		view->shown.r11 = view->shown.eflags;
	}
	return true;
}

bool tracee_view_fast(const struct tracee *tracee, struct tracee_view *view)
{
	view->fast = TRACEE_NOT_FAST;
	if (rt_gs_ours(view->real.gs_base))
		view->shown.gs_base = 0;
	return tracee->bundle && (view_entry(tracee, view) || view_stub(tracee, view) || view_jump(tracee, view));
}

struct core_user_regs tracee_registers(const struct tracee_view *view, const struct core_user_regs *from)
{
	struct core_user_regs regs = *from;

	if (!regs.gs_base && rt_gs_ours(view->real.gs_base))
		regs.gs_base = view->real.gs_base;
	return regs;
}
