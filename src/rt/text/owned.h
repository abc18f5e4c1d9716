/*
 * Which memory is the runtime's.
 */
#ifndef RT_TEXT_OWNED_H
#define RT_TEXT_OWNED_H

#include <stdbool.h>
#include <stdint.h>

/* Whether any byte of [start, start + size) is the runtime's. ctx: entry; no locks */
bool rt_owned(uint64_t start, uint64_t size);

#endif
