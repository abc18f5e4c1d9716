/*
 * ctx: any, for all here.
 */
#include "core/gaps.h"

#include <stdbool.h>
#include <stddef.h>

#include "core/string.h"

/* Whether a place says it already. */
static bool is_there(const struct gap_place *place, enum gap gap, const char *path, size_t size)
{
	return __atomic_load_n(&place->complete, __ATOMIC_ACQUIRE) && place->gap == gap + 1 &&
	       memcmp(place->path, path, size) == 0;
}

/* If no place is free, the program stays nameless. Two that note the same one at once may both be there. */
static void add_place(struct gaps *gaps, enum gap gap, const char *path)
{
	size_t size = core_strlen(path) + 1;

	if (size > GAP_PLACE_SIZE) {
		path += size - GAP_PLACE_SIZE;
		size = GAP_PLACE_SIZE;
	}
	for (uint32_t i = 0; i < GAP_PLACES; i++) {
		struct gap_place *place = &gaps->places[i];
		uint32_t none = 0;

		if (is_there(place, gap, path, size))
			return;
		if (!__atomic_compare_exchange_n(&place->gap, &none, gap + 1, false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			continue;
		memcpy(place->path, path, size);
		__atomic_store_n(&place->complete, 1, __ATOMIC_RELEASE);
		return;
	}
}

void core_gaps_add(struct gaps *gaps, enum gap gap, int64_t count, const char *path)
{
	__atomic_add_fetch(&gaps->counts[gap], (uint64_t)count, __ATOMIC_RELAXED);
	if (path && count > 0)
		add_place(gaps, gap, path);
}
