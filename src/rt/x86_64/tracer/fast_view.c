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

/* Views a tracee that is in a stub, which is recognised by the bytes of the stub and its site. Returns whether the
 * tracee is there. */
static bool view_stub(const struct tracee *tracee, struct tracee_view *view)
{
	uint64_t ip = view->real.rip, address = ip & ~(uint64_t)(PATCH_SLOT - 1), site;
	uint8_t slot[PATCH_SLOT], code[STORE_MAX_WINDOW + 2], jump[STORE_MIN_WINDOW];
	unsigned window, displaced;

	if (failed(tracee_read(tracee->tid, slot, address, sizeof(slot))) || !core_patch_is_stub(slot))
		return false;
	window = core_patch_window(slot);
	displaced = core_patch_displaced(slot);
	site = core_patch_site(slot, address);
	if (ip - address >= PATCH_SLOT - 1 || failed(tracee_read(tracee->tid, code, site - window, window + 2)) ||
	    !core_patch_jump(jump, site - window, address) || memcmp(jump, code, sizeof(jump)) != 0 ||
	    code[window] != 0x0f || code[window + 1] != 0x05)
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
	return tracee->bundle && (view_entry(tracee, view) || view_stub(tracee, view));
}

struct core_user_regs tracee_registers(const struct tracee_view *view, const struct core_user_regs *from)
{
	struct core_user_regs regs = *from;

	if (!regs.gs_base && rt_gs_ours(view->real.gs_base))
		regs.gs_base = view->real.gs_base;
	return regs;
}
