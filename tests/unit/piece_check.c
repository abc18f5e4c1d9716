/*
 * The checksum of a piece of a recording: no two bits are changed unnoticed, nor do two words change places.
 */
#include "check.h"

#include <k23/recording.h>
#include <string.h>

#define WORDS 10
#define BITS (64 * WORDS)

static uint64_t data[WORDS];
static uint32_t size;

static uint32_t sum(void)
{
	return k23_piece_check(0x123456789abcdef, 56, size, K23_PIECE_FIRST | K23_PIECE_LAST, data);
}

static void flip(uint32_t bit)
{
	data[bit / 64] ^= 1ul << bit % 64;
}

static void check_bits(uint32_t true_sum)
{
	for (uint32_t a = 0; a < 8 * size; a++) {
		flip(a);
		CHECK(sum() != true_sum, "bit %u of %u bytes", a, size);
		for (uint32_t b = a + 1; b < 8 * size; b++) {
			flip(b);
			CHECK(sum() != true_sum, "bits %u and %u of %u bytes", a, b, size);
			flip(b);
		}
		flip(a);
	}
}

static void swap(uint32_t a, uint32_t b)
{
	uint64_t word = data[a];

	data[a] = data[b];
	data[b] = word;
}

static void check_places(uint32_t true_sum)
{
	for (uint32_t a = 0; a < size / 8; a++)
		for (uint32_t b = a + 1; b < size / 8; b++)
			if (data[a] != data[b]) {
				swap(a, b);
				CHECK(sum() != true_sum, "words %u and %u of %u bytes", a, b, size);
				swap(a, b);
			}
}

int main(void)
{
	static const uint64_t fillings[] = { 0, ~0ul, 0x8000000000000000, 0x00007f1234567890 };

	for (uint32_t filling = 0; filling < sizeof(fillings) / sizeof(fillings[0]) + 1; filling++)
		for (size = 8; size <= sizeof(data); size += 8) {
			memset(data, 0, sizeof(data));
			for (uint32_t i = 0; i < size / 8; i++)
				data[i] = filling ? fillings[filling - 1] : i * 0x123456789;
			check_bits(sum());
			check_places(sum());
		}
	return FINISH();
}
