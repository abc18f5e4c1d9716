#include "rt/text/candidate.h"

#define CANDIDATES 16u

static struct rt_text candidates[CANDIDATES];
static uint32_t candidates_added;

/* ctx: entry; locked */
void rt_candidate_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites)
{
	rt_candidates_drop(start, end);
	candidates[candidates_added++ % CANDIDATES] = (struct rt_text){
		.start = start,
		.end = end,
		.offset = offset,
		.sites = *sites,
	};
}

/* ctx: entry; locked */
bool rt_candidate_find(uint64_t start, uint64_t end, struct rt_text *text)
{
	for (uint32_t i = 0; i < CANDIDATES; i++)
		if (candidates[i].end && candidates[i].start <= start && candidates[i].end >= end) {
			*text = candidates[i];
			text->offset += start - text->start;
			text->start = start;
			text->end = end;
			return true;
		}
	return false;
}

/* ctx: any */
static bool overlaps(const struct rt_text *candidate, uint64_t start, uint64_t end)
{
	return candidate->start < end && candidate->end > start;
}

/* ctx: entry; locked */
void rt_candidates_drop(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < CANDIDATES; i++)
		if (overlaps(&candidates[i], start, end))
			candidates[i].start = candidates[i].end = 0;
}

/* ctx: entry; no locks */
bool rt_candidates_overlap(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < CANDIDATES; i++)
		if (overlaps(&candidates[i], start, end))
			return true;
	return false;
}
