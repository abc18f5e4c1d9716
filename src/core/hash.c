#include "core/hash.h"

#include "core/string.h"

uint64_t core_hash(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size) {
		uint64_t word = 0;
		size_t part = size < sizeof(word) ? size : sizeof(word);

		if (part == sizeof(word))
			__builtin_memcpy(&word, at, sizeof(word));
		else
			for (size_t i = 0; i < part; i++)
				word |= (uint64_t)at[i] << 8 * i;
		/* The size makes a difference between bytes and the same bytes with zeros behind them. */
		hash = (hash ^ word ^ part) * 0xff51afd7ed558ccdul;
		hash ^= hash >> 32;
		at += part;
		size -= part;
	}
	return hash;
}
