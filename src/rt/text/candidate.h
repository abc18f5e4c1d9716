/*
 * Candidates for text: mappings of files that the store knows, not executable yet. A loader may map a file first and make
 * its text executable afterwards, by mprotect, when the descriptor is closed long since. The newest few are kept.
 */
#ifndef RT_TEXT_CANDIDATE_H
#define RT_TEXT_CANDIDATE_H

#include "rt/text/text.h"

/* ctx: entry; locked, as for texts */
void rt_candidate_add(uint64_t start, uint64_t end, uint64_t offset, const struct store_run *sites);
/* A copy of the part of a candidate that is the range. ctx: entry; locked */
bool rt_candidate_find(uint64_t start, uint64_t end, struct rt_text *text);
/* Something else is mapped there now, or nothing, or it is executable. ctx: entry; locked */
void rt_candidates_drop(uint64_t start, uint64_t end);
/* Whether a range has candidates in it. ctx: entry; no locks */
bool rt_candidates_overlap(uint64_t start, uint64_t end);

#endif
