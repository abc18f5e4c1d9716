/*
 * Analysis: which system call instructions a file has, and how each can be patched.
 */
#ifndef SITES_ANALYSIS_H
#define SITES_ANALYSIS_H

#include "sites/elf_file.h"

struct analysis {
	struct store_id id;
	struct store_key key;
	bool has_key;             /* the file is not too new for one */
	struct store_site *sites; /* by offset */
	uint32_t site_count;
};

/* Analyses a file: every `syscall` that its functions have, with a plan or the reason why there is none. `observed` are
 * offsets where programs were seen to make calls: those sites are marked, and included whatever they are; one where no
 * system call instruction is, is left out. 0, -ENOEXEC when it is no 64-bit x86 program or library, or -errno.
 * On success analysis_free() is due. */
long analyse_file(const char *path, const uint64_t *observed, size_t observed_count, struct analysis *to) must_check;
/* The same for a file that is open. */
long analyse_elf(const struct elf_file *elf, const uint64_t *observed, size_t observed_count, struct analysis *to)
	must_check;
void analysis_free(struct analysis *analysis);

/* How many sites of each reason there are. */
void analysis_count(const struct store_site *sites, uint32_t count, uint32_t reasons[STORE_REASONS]);
/* A reason's name as in tables/refusals.def, and in words. "?" for what is none. */
const char *reason_name(unsigned reason);
const char *reason_text(unsigned reason);
/* The reason of a name, or -1. */
int reason_named(const char *name);

#endif
