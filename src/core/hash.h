/*
 * A quick 64-bit hash of bytes, to tell whether they are those that were seen before. Not one that resists somebody
 * who looks for a collision.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define CORE_HASH_START 0x9e3779b97f4a7c15ul

/* Goes on from `hash`, which is CORE_HASH_START for the first piece. Pieces but the last are multiples of 8 bytes. */
uint64_t core_hash(uint64_t hash, const void *bytes, size_t size);

#endif
