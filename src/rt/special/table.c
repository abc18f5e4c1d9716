/*
 * Which calls are special: tables/special.def, tables/special_exe.def, tables/special_hidden.def and
 * tables/special_i386.def.
 */
#include "i386_numbers.h"
#include "rt/special/special.h"

/* ctx: entry */
static rt_special_fn *special_i386(long nr)
{
	switch (nr) {
#define SPECIAL_I386(name, function, why) \
	case I386_NR_##name: \
		return function;
#include "special_i386.def"
#undef SPECIAL_I386
	default:
		return NULL;
	}
}

/* ctx: entry */
rt_special_fn *rt_special(uint32_t arch, long nr)
{
	if (arch != K23_ARCH_X86_64)
		return special_i386(nr);
	switch (nr) {
#define SPECIAL(name, function, why) \
	case __NR_##name: \
		return function;
#include "special.def"
#include "special_exe.def"
#undef SPECIAL
#define SPECIAL(name, function, why) \
	case __NR_##name: \
		return rt.hides ? function : NULL;
#include "special_hidden.def"
#undef SPECIAL
	default:
		return NULL;
	}
}

/* ctx: boot */
static void set_bits(uint64_t bits[K23_NUMBERS / 64], const uint16_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bits[numbers[i] / 64] |= 1ul << numbers[i] % 64;
}

/* ctx: boot */
void rt_special_bits(uint64_t bits[K23_NUMBERS / 64])
{
#define SPECIAL(name, function, why) __NR_##name,
	static const uint16_t numbers[] = {
#include "special.def"
	};
	static const uint16_t exe_numbers[] = {
#include "special_exe.def"
	};
	static const uint16_t hidden_numbers[] = {
#include "special_hidden.def"
	};
#undef SPECIAL

	set_bits(bits, numbers, sizeof(numbers) / sizeof(numbers[0]));
	if (rt.exe)
		set_bits(bits, exe_numbers, sizeof(exe_numbers) / sizeof(exe_numbers[0]));
	if (rt.hides)
		set_bits(bits, hidden_numbers, sizeof(hidden_numbers) / sizeof(hidden_numbers[0]));
}
