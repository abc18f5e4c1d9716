/*
 * Which calls are special: tables/special.def.
 */
#include "rt/special/special.h"

rt_special_fn *rt_special(uint32_t arch, long nr)
{
	if (arch != K23_ARCH_X86_64)
		return rt_i386_special(nr);
	switch (nr) {
#define SPECIAL(name, function, why)                                                                         \
	case __NR_##name:                                                                                    \
		return function;
#include "special.def"
#undef SPECIAL
	default:
		return NULL;
	}
}

/* A bit for each. */
const uint64_t rt_specials[RT_NUMBERS / 64] = {
#define SPECIAL(name, function, why) | (__NR_##name / 64 == WORD ? 1ul << __NR_##name % 64 : 0)
#define WORD 0
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 1
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 2
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 3
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 4
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 5
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 6
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#define WORD 7
	[WORD] = 0
#include "special.def"
	,
#undef WORD
#undef SPECIAL
};
_Static_assert(RT_NUMBERS == 8 * 64, "a word each");
