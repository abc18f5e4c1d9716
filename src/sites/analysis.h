/*
 * Analysis: which system call instructions a file has, and how each can be patched.
 */
#ifndef SITES_ANALYSIS_H
#define SITES_ANALYSIS_H

#include "sites/elf_file.h"

struct analysis {
	struct store_id id;
	struct store_key key;
	bool has_key;             /* the file is not too new for a key */
	struct store_site *sites; /* by offset */
	uint32_t site_count;
};

/* Analyses a file: finds every `syscall` in its functions, with a plan or the reason why there is none. `observed`
 * are offsets where programs were seen to make calls. The sites there are marked, and included also where the
 * analysis alone would not have found them; an offset without a system call instruction is left out. 0, -ENOEXEC when
 * the file is no 64-bit x86 program or library, or -errno. On success analysis_free() is due. */
long analyse_file(const char *path, const uint64_t *observed, size_t observed_count, struct analysis *to) must_check;
/* The same for a file that is open. */
long analyse_elf(const struct elf_file *elf, const uint64_t *observed, size_t observed_count, struct analysis *to)
	must_check;
/* The key of a file that was read, with what it says of the file. False: the file is too new for one. */
bool analysis_key(const struct elf_file *elf, struct store_key *key);
void analysis_free(struct analysis *analysis);

/* How many sites of each reason there are. */
void analysis_count(const struct store_site *sites, uint32_t count, uint32_t reasons[STORE_REASONS]);
/* A reason's name as in tables/refusals.def, and the reason in words. "?" for a value that is no reason. */
const char *reason_name(unsigned reason);
const char *reason_text(unsigned reason);
/* The reason of a name, or -1. */
int reason_named(const char *name);

#endif
