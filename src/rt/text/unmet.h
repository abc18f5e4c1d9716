/*
 * The first run of a program. Nobody has seen yet at which sites the program makes calls, but analysis has found
 * plans. So all these sites are patched. The stub of such a site first leads back to the site's `syscall`, by a word
 * of its own behind the block of stubs: the first call takes the guard, which notes the site. Then the word becomes
 * the address of the stub's entry.
 */
#ifndef RT_TEXT_UNMET_H
#define RT_TEXT_UNMET_H

#include "rt/text/text.h"

/* A call was caught at a site, for the first time in this process: further ones take the fast path, if the site was
 * patched. ctx: entry */
void rt_unmet_observed(const struct rt_text *text, uint64_t address, const struct store_site *site);

#endif
