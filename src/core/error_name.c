/*
 * Names of error numbers: a lookup in the table made of tables/errnos.tsv.
 */
#include "core/error_name.h"

#include <stddef.h>

#include "errnos.inc"

const char *core_error_name(long error)
{
	unsigned long number = error < 0 ? -(unsigned long)error : (unsigned long)error;

	if (number >= sizeof(error_offsets) / sizeof(error_offsets[0]) || !error_offsets[number])
		return NULL;
	return error_names + error_offsets[number];
}
