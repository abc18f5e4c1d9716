#include "sites/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/search.h"
#include "core/vsyscall.h"
#include "sites/code.h"
#include "sites/identity.h"

static int by_fact(const void *a, const void *b)
{
	const struct code_fact *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (int)x->reason - (int)y->reason;
}

static int by_offset(const void *a, const void *b)
{
	const struct code_site *x = a, *y = b;

	if (x->site.offset != y->site.offset)
		return x->site.offset < y->site.offset ? -1 : 1;
	return (x->function == CODE_NO_FUNCTION) - (y->function == CODE_NO_FUNCTION);
}

/* A site that the sweep has not met, though a program made a system call there. */
static long add_observed(struct code *code, uint64_t offset)
{
	const struct elf_file_segment *segment = elf_file_segment_of_offset(code->elf, offset);
	struct code_site site = { .function = CODE_NO_FUNCTION };
	const uint8_t *bytes;

	if (!elf_file_is_text(segment) || segment->size - (offset - segment->offset) < 2)
		return 0;
	bytes = code->elf->bytes + offset;
	site.address = segment->address + (offset - segment->offset);
	site.site.offset = offset;
	site.site.nr = -1;
	code_no_plan(&site.site);
	if (memcmp(bytes, "\x0f\x05", 2) == 0) {
		site.site.reason = code_function(code, site.address) ? STORE_UNDECODABLE : STORE_UNKNOWN_BOUNDS;
	} else if (memcmp(bytes, "\x0f\x34", 2) == 0 || memcmp(bytes, "\xcd\x80", 2) == 0) {
		site.site.reason = STORE_NOT_SYSCALL;
	} else {
		return 0;
	}
	return array_push(&code->sites, site) ? 0 : -ENOMEM;
}

static struct code_site *find_site(const struct code *code, size_t count, uint64_t offset)
{
	size_t at = core_lower_bound(count, i, code->sites.at[i].site.offset < offset);

	return at < count && code->sites.at[at].site.offset == offset ? &code->sites.at[at] : NULL;
}

static void sort_sites(struct code *code)
{
	if (code->sites.count)
		qsort(code->sites.at, code->sites.count, sizeof(*code->sites.at), by_offset);
}

static long mark_observed(struct code *code, const uint64_t *observed, size_t count)
{
	size_t known = code->sites.count;

	for (size_t i = 0; i < count; i++)
		if (!find_site(code, known, observed[i]) && add_observed(code, observed[i]) != 0)
			return -ENOMEM;
	sort_sites(code);
	for (size_t i = 0; i < count; i++) {
		struct code_site *site = find_site(code, code->sites.count, observed[i]);

		if (site)
			site->site.flags |= STORE_OBSERVED;
	}
	return 0;
}

/* Copies the sites, each offset once. Bytes that are mapped twice have two addresses, so they get no plan. */
static long hand_over(const struct code *code, struct analysis *to)
{
	to->sites = calloc(code->sites.count + 1, sizeof(*to->sites));
	if (!to->sites)
		return -ENOMEM;
	for (size_t i = 0; i < code->sites.count; i++) {
		const struct store_site *site = &code->sites.at[i].site;
		struct store_site *last = to->site_count ? &to->sites[to->site_count - 1] : NULL;

		if (!last || last->offset != site->offset) {
			to->sites[to->site_count++] = *site;
			continue;
		}
		last->flags = (last->flags | site->flags) & STORE_OBSERVED;
		last->reason = STORE_UNDECODABLE;
		code_no_plan(last);
	}
	return 0;
}

bool analysis_key(const struct elf_file *elf, struct store_key *key)
{
	bool settled = identity_key(&elf->stat, key);

	/* All of it, as that cannot be too little. */
	if (!core_vsyscall_named(elf->bytes, elf->size))
		key->flags = STORE_NO_VSYSCALL;
	return settled;
}

long analyse_elf(const struct elf_file *elf, const uint64_t *observed, size_t observed_count, struct analysis *to)
{
	struct code code;
	long r;

	memset(to, 0, sizeof(*to));
	r = identity_of(elf, &to->id);
	if (r != 0)
		return r;
	to->has_key = analysis_key(elf, &to->key);
	r = code_start(&code, elf);
	if (r == 0)
		r = code_find_functions(&code);
	/* Most files have none. */
	if (r == 0 && !observed_count && !code_has_sites(&code)) {
		r = hand_over(&code, to);
		code_end(&code);
		return r;
	}
	if (r == 0)
		r = code_sweep(&code);
	if (r == 0)
		r = code_find_jumps(&code);
	if (r == 0)
		r = code_reach(&code);
	if (r == 0) {
		if (code.facts.count)
			qsort(code.facts.at, code.facts.count, sizeof(*code.facts.at), by_fact);
		sort_sites(&code);
		r = mark_observed(&code, observed, observed_count);
	}
	if (r == 0) {
		code_choose(&code);
		r = hand_over(&code, to);
	}
	code_end(&code);
	return r;
}

long analyse_file(const char *path, const uint64_t *observed, size_t observed_count, struct analysis *to)
{
	struct elf_file elf;
	long r = elf_file_open(&elf, path);

	if (r != 0)
		return r;
	r = analyse_elf(&elf, observed, observed_count, to);
	elf_file_close(&elf);
	return r;
}

void analysis_free(struct analysis *analysis)
{
	free(analysis->sites);
	analysis->sites = NULL;
}
