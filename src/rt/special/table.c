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

void rt_special_bits(uint64_t bits[RT_NUMBERS / 64])
{
	static const uint16_t numbers[] = {
#define SPECIAL(name, function, why) __NR_##name,
#include "special.def"
#undef SPECIAL
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		bits[numbers[i] / 64] |= 1ul << numbers[i] % 64;
}
