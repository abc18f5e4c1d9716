/*
 * Candidates: see patch.h. A loader may map a file first and make its text executable afterwards, by mprotect, when the
 * descriptor is closed long since.
 */
#include "rt/patch.h"

#define CANDIDATES 16u

static struct rt_module candidates[CANDIDATES];
static uint32_t newest;

void rt_candidate_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites)
{
	rt_candidates_drop(start, end);
	candidates[newest++ % CANDIDATES] = (struct rt_module){
		.start = start,
		.end = end,
		.offset = offset,
		.sites = *sites,
	};
}

bool rt_candidate_take(uint64_t start, uint64_t end, struct rt_module *module)
{
	for (uint32_t i = 0; i < CANDIDATES; i++)
		if (candidates[i].end && candidates[i].start <= start && candidates[i].end >= end) {
			*module = candidates[i];
			module->offset += start - module->start;
			module->start = start;
			module->end = end;
			return true;
		}
	return false;
}

static bool overlaps(const struct rt_module *candidate, uint64_t start, uint64_t end)
{
	return candidate->start < end && candidate->end > start;
}

void rt_candidates_drop(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < CANDIDATES; i++)
		if (overlaps(&candidates[i], start, end))
			candidates[i].start = candidates[i].end = 0;
}

bool rt_candidates_overlap(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < CANDIDATES; i++)
		if (overlaps(&candidates[i], start, end))
			return true;
	return false;
}
