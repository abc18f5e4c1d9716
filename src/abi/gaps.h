/*
 * Gaps: what may be missing in the record of a run. Who finds one counts it, in run memory (abi/run_memory.h): the
 * runtime, a helper, or the command that has started the run. From the counts the command makes its verdict.
 *
 * A program can write anything to the memory of its own processes, so the command trusts nothing in here.
 */
#ifndef ABI_GAPS_H
#define ABI_GAPS_H

#include <stdint.h>

enum gap {
#define GAP(name, key, text) GAP_##name,
#include "gaps.def"
#undef GAP
	GAPS,
};

#define GAP_PLACES 32u
#define GAP_PLACE_SIZE 120u

/* The program with a gap. */
struct gap_place {
	uint32_t gap; /* 1 + enum gap; 0: free */
	uint32_t complete; /* `path` is */
	char path[GAP_PLACE_SIZE]; /* of a longer one the end; ends with a NUL */
};

struct gaps {
	uint64_t counts[GAPS];
	struct gap_place places[GAP_PLACES]; /* the first ones that were found */
};

_Static_assert(sizeof(struct gap_place) == 128, "gaps are shared by separate builds");

#endif
