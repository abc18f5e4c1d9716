/*
 * What .eh_frame and .gcc_except_table tell: where functions begin and end, and where exceptions land. The file may
 * be an attacker's: reading ends at the first thing that does not make sense.
 */
#ifndef SITES_UNWIND_H
#define SITES_UNWIND_H

#include "sites/array.h"
#include "sites/elf_file.h"

struct unwind_function {
	uint64_t start, end;
	uint64_t lsda; /* the address of its .gcc_except_table entry, or 0 */
};

typedef ARRAY(struct unwind_function) unwind_functions;

/* Appends the functions, in the order of the file. 0 or -ENOMEM. */
long unwind_read(const struct elf_file *elf, unwind_functions *to) must_check;

/* Calls `see` for every landing pad of a function, until `see` returns false. *budget is the number of entries that may
 * still be read, for all functions together. 0, or -E2BIG: there are more entries, or they cannot be read. */
typedef bool unwind_pad_fn(void *context, uint64_t address);
long unwind_landing_pads(const struct elf_file *elf, const struct unwind_function *function, uint64_t *budget,
			 unwind_pad_fn *see, void *context) must_check;

#endif
