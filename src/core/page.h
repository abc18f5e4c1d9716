/*
 * Pages. ctx: any
 */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include <stdint.h>

#define CORE_PAGE 4096ul

/* The begin of the page that an address or offset is in. */
static inline uint64_t core_page_down(uint64_t address)
{
	return address & ~(CORE_PAGE - 1);
}

/* The first begin of a page that is not before an address or offset. */
static inline uint64_t core_page_up(uint64_t address)
{
	return core_page_down(address + CORE_PAGE - 1);
}

#endif
