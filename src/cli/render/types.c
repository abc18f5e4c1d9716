/*
 * The tables of types.
 */
#include <stddef.h>

#include <k23/types.h>

#include "cli/render/printer.h"

#include "types.inc"

const struct call_types *type_of_call(uint32_t arch, uint64_t nr)
{
	const struct call_types *calls = arch == K23_ARCH_I386 ? calls_i386 : calls_x86_64;

	if (nr >= (arch == K23_ARCH_I386 ? COUNT(calls_i386) : COUNT(calls_x86_64)) || !calls[nr].result)
		return NULL;
	return &calls[nr];
}
