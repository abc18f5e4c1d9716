#include "core/vsyscall.h"

#include <stdint.h>

#include "core/string.h"

/* 0xffffffffff600000, ...400 and ...800 begin with these bytes, of which the last but one is searched for. */
#define SEARCHED 0x60u
#define BEFORE 2u /* it */
#define LOW_HALF 4u
#define ADDRESS 8u

/* ctx: any */
static bool is_low_half(const unsigned char *at)
{
	return at[0] == 0 && (at[1] == 0x00 || at[1] == 0x04 || at[1] == 0x08) && at[2] == SEARCHED && at[3] == 0xff;
}

/* Whether the low half that begins at an index is an operand that is extended to the address: of `mov`, of `lea` or
 * `push`. ctx: any */
static bool is_operand(const unsigned char *bytes, size_t i)
{
	return (i >= 2 && bytes[i - 2] == 0xc7 && (bytes[i - 1] & 0xf8) == 0xc0) ||
	       (i >= 3 && bytes[i - 3] == 0x8d && bytes[i - 1] == 0x25) || (i >= 1 && bytes[i - 1] == 0x68);
}

/* Whether it is the begin of a word that is the address. ctx: any */
static bool is_word(const unsigned char *bytes, size_t size, size_t i)
{
	static const unsigned char high[LOW_HALF] = { 0xff, 0xff, 0xff, 0xff };

	return i % ADDRESS == 0 && i + ADDRESS <= size && memcmp(bytes + i + LOW_HALF, high, LOW_HALF) == 0;
}

#define EACH_BYTE 0x0101010101010101u

/* The highest bit of each byte that is zero, and perhaps of some above one of those. ctx: any */
static uint64_t zeros(uint64_t word)
{
	return (word - EACH_BYTE) & ~word & EACH_BYTE << 7;
}

/* Whether one of eight bytes may be the one that is searched for, and be followed by the one after it. ctx: any */
static bool may_have(const unsigned char *bytes)
{
	typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;
	uint64_t word = *(const word_t *)bytes;

	return zeros(word ^ SEARCHED * EACH_BYTE) & (zeros(~word) >> 8 | 1ul << 63);
}

/* ctx: any */
bool core_vsyscall_named(const unsigned char *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
		if (at + sizeof(uint64_t) <= size && !may_have(bytes + at))
			continue;
		for (size_t i = at; i < at + sizeof(uint64_t) && i + LOW_HALF - BEFORE <= size; i++)
			if (i >= BEFORE && is_low_half(bytes + i - BEFORE) &&
			    (is_operand(bytes, i - BEFORE) || is_word(bytes, size, i - BEFORE)))
				return true;
	}
	return false;
}
