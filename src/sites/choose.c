/*
 * The choice of each site's window: the shortest one whose jump is stable (sites/window.h), if possible without
 * padding. If there is none, the shortest window.
 */
#include "core/hash.h"
#include "core/page.h"
#include "core/patch.h"
#include "core/search.h"
#include "sites/code.h"
#include "sites/window.h"

#define SHORT_JUMP 2

/* What leads to an address from `start` on and before `end`; STORE_PLANNED if nothing does. but: where it may lead. */
static enum store_reason find_intrusion(const struct code *code, uint64_t start, uint64_t end, uint64_t but)
{
	size_t at = core_lower_bound(code->facts.count, i, code->facts.at[i].address < start);

	for (; at < code->facts.count && code->facts.at[at].address < end; at++)
		if (code->facts.at[at].address != but)
			return code->facts.at[at].reason;
	return STORE_PLANNED;
}

/* Plans the window of the last instructions in front of a site. n: how many instructions, less one; hop: the jump is a
 * short one. */
static enum store_reason plan_window(const struct code *code, struct code_site *site, unsigned n, bool hop)
{
	const struct code_function *function = &code->functions.at[site->function];
	const struct code_text *text = code_text(code, function->start);
	uint64_t start = site->address - site->recent[n], last;
	enum store_reason reason =
		window_plan(&code->full, text->bytes + (start - text->address), site->recent[n], &site->site);

	if (function->broken)
		return STORE_UNDECODABLE;
	if (reason != STORE_PLANNED)
		return reason;
	if (!hop && !(site->site.flags & STORE_STABLE))
		site->site.kept = 0;
	/* What is written must be in one page: a page may become as in the file again, without the next. */
	last = start + site->site.kept + (hop ? SHORT_JUMP : STORE_MIN_WINDOW) - 1;
	if (core_page_down(start) != core_page_down(last))
		return STORE_PAGE_END;
	if (function->unknown_jump)
		return STORE_UNKNOWN_JUMP;
	if (function->unknown_pads)
		return STORE_LANDING_PAD;
	reason = find_intrusion(code, start + 1, site->address + SHORT_JUMP, site->address);
	/* If a program was seen to make a call there, something leads there. */
	if (reason == STORE_PLANNED && !(site->reached & 1u << n) && !(site->site.flags & STORE_OBSERVED))
		return STORE_NOT_REACHED;
	return reason;
}

/* Takes a part of the function's padding for the jump of a window that keeps some bytes. False: there is none. */
static bool find_hop(struct code *code, struct code_site *site)
{
	uint64_t start = site->address - site->site.window, from = start + site->site.kept + SHORT_JUMP;
	size_t at = core_lower_bound(code->paddings.count, i, code->paddings.at[i].function < site->function);

	for (; at < code->paddings.count && code->paddings.at[at].function == site->function; at++) {
		struct code_padding *padding = &code->paddings.at[at];

		for (uint64_t to = padding->start; to + STORE_MIN_WINDOW <= padding->end; to++) {
			uint64_t end = to + STORE_MIN_WINDOW;
			int64_t hop = (int64_t)(to - from);

			if (hop != (int8_t)hop || core_page_down(to) != core_page_down(start) ||
			    core_page_down(end - 1) != core_page_down(start) ||
			    find_intrusion(code, to, end, 0) != STORE_PLANNED)
				continue;
			padding->start = end;
			site->site.hop = (int8_t)hop;
			site->site.flags |= STORE_STABLE;
			return true;
		}
	}
	return false;
}

/* Tries the windows of a site, from the shortest on, for a stable jump. hop: for one that leads by padding. */
static bool find_stable(struct code *code, struct code_site *site, unsigned shortest, bool hop)
{
	for (unsigned n = shortest; n < site->recent_count; n++) {
		if (plan_window(code, site, n, hop) != STORE_PLANNED)
			continue;
		if (hop ? site->site.kept && find_hop(code, site) : site->site.flags & STORE_STABLE)
			return true;
	}
	return false;
}

static enum store_reason choose_window(struct code *code, struct code_site *site)
{
	unsigned shortest = 0;

	if (site->site.reason != STORE_PLANNED)
		return site->site.reason;
	while (shortest < site->recent_count && site->recent[shortest] < STORE_MIN_WINDOW)
		shortest++;
	if (shortest == site->recent_count)
		return STORE_FUNCTION_BEGINS;
	if (find_stable(code, site, shortest, false) || find_stable(code, site, shortest, true))
		return STORE_PLANNED;
	return plan_window(code, site, shortest, false);
}

void code_choose(struct code *code)
{
	uint32_t hashed = CODE_NO_FUNCTION;
	uint64_t hash = 0;

	for (size_t i = 0; i < code->sites.count; i++) {
		struct code_site *site = &code->sites.at[i];

		if (site->function == CODE_NO_FUNCTION)
			continue;
		if (site->function != hashed) {
			const struct code_function *function = &code->functions.at[site->function];
			const struct code_text *text = code_text(code, function->start);

			hash = core_hash(CORE_HASH_START, text->bytes + (function->start - text->address),
					 function->padded - function->start);
			hashed = site->function;
		}
		site->site.function_hash = hash;
		site->site.reason = (uint8_t)choose_window(code, site);
		if (site->site.reason == STORE_PLANNED) {
			site->site.flags |= STORE_VERIFIED;
			if (!core_patch_valid(&site->site)) {
				site->site.flags &= (uint8_t)~STORE_VERIFIED;
				site->site.reason = STORE_UNDECODABLE;
			}
		}
		if (site->site.reason != STORE_PLANNED)
			code_no_plan(&site->site);
	}
}
