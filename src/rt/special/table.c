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
