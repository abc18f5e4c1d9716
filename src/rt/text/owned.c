#include "rt/text/owned.h"

#include "rt/base/filters.h"
#include "rt/base/run_memory.h"
#include "rt/base/thread.h"
#include "rt/text/text.h"

/* ctx: entry; no locks */
bool rt_owned(uint64_t start, uint64_t size)
{
	uint64_t end = start + size < start ? UINT64_MAX : start + size;

	return (start < rt.end && end > rt.start) || rt_texts_own(start, end) || rt_threads_own(start, end) ||
	       (rt.values && start < (uint64_t)rt.values + sizeof(*rt.values) && end > (uint64_t)rt.values) ||
	       rt_filters_own(start, end) || (rt.bundle->memory_count && rt_run_memories_own(start, end));
}
