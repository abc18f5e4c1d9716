#include <string.h>

#include "sites/analysis.h"

static const struct {
	const char *name, *text;
} reasons[STORE_REASONS] = {
#define REFUSAL(name, text) { #name, text },
#include "refusals.def"
#undef REFUSAL
};

void analysis_count(const struct store_site *sites, uint32_t count, uint32_t counts[STORE_REASONS])
{
	memset(counts, 0, STORE_REASONS * sizeof(*counts));
	for (uint32_t i = 0; i < count; i++)
		if (sites[i].reason < STORE_REASONS)
			counts[sites[i].reason]++;
}

const char *reason_name(unsigned reason)
{
	return reason < STORE_REASONS ? reasons[reason].name : "?";
}

const char *reason_text(unsigned reason)
{
	return reason < STORE_REASONS ? reasons[reason].text : "?";
}

int reason_named(const char *name)
{
	for (unsigned i = 0; i < STORE_REASONS; i++)
		if (strcmp(reasons[i].name, name) == 0)
			return (int)i;
	return -1;
}
