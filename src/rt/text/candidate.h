/*
 * Candidates: mappings of files that the store knows, which are not executable yet. A loader may map a file first, and
 * make its text executable later, by mprotect, when the descriptor is closed and no longer tells which file it is. So
 * the file's sites are kept here meanwhile, for the few newest candidates.
 */
#ifndef RT_TEXT_CANDIDATE_H
#define RT_TEXT_CANDIDATE_H

#include "rt/text/text.h"

/* Adds a mapping, in place of what was known of its range.
 * ctx: entry; rt_texts_lock is held, as wherever it says `locked` */
void rt_candidate_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites);
/* Whether a range is part of a candidate. `text` is then that part of it. ctx: entry; locked */
bool rt_candidate_find(uint64_t start, uint64_t end, struct rt_text *text);
/* Forgets all candidates that overlap a range: it was mapped over, unmapped, or made executable. ctx: entry; locked */
void rt_candidates_drop(uint64_t start, uint64_t end);
/* Whether any candidate overlaps a range. ctx: entry; no locks */
bool rt_candidates_overlap(uint64_t start, uint64_t end);

#endif
