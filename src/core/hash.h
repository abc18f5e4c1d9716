/*
 * A quick 64-bit hash of bytes, which tells whether they are the same as before. It does not resist an attacker who
 * looks for a collision. ctx: any
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define CORE_HASH_START 0x9e3779b97f4a7c15ul

/* The hash of a piece of the bytes, from the hash of the pieces before it: CORE_HASH_START for the first piece. The
 * size of each piece but the last is a multiple of 8. */
uint64_t core_hash(uint64_t hash, const void *bytes, size_t size);

#endif
