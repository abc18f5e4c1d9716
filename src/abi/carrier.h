/*
 * A carrier: an ELF file that the kernel executes in place of a program when there can be no helper. Its segments are
 * this header and the parts of the bundle that are not written to. It begins at rt_carried, which loads the program as
 * the kernel would have, and goes on to rt_start.
 */
#ifndef ABI_CARRIER_H
#define ABI_CARRIER_H

#include <linux/elf.h>

#include "abi/bundle.h"

#define CARRIER_MAX_PARTS 56u /* program headers of the program, or of its ELF interpreter */

/* An ELF file's headers. */
struct carrier_headers {
	Elf64_Ehdr elf;
	Elf64_Phdr parts[CARRIER_MAX_PARTS];
};

/* The begin of the file. The bundle follows at `size`, in the file and in memory. */
struct carrier {
	Elf64_Ehdr elf;
	Elf64_Phdr parts[3]; /* this header, the bundle, the stack */
	uint32_t size;       /* of this header, of what follows it, and of nothing up to a whole page */
	uint32_t filters_size; /* of the struct rt_filters that follows this header; 0: none */
	int32_t descriptor;  /* of the program's file */
	int32_t interpreter; /* that of its ELF interpreter; -1: it has none */
	uint32_t by_descriptor; /* execveat was called with no path */
	struct exec_values values; /* size 0: hooks carry nothing */
	struct start_block block;
	struct carrier_headers program;
	/* The environment ends with two strings of the carrier's own: an empty one, and the path of the program, where
	 * the kernel would have put that. */
};

#endif
