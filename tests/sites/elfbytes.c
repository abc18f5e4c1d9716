/*
 * An ELF file with bytes of it changed, at random from a seed, or cut off: analysing it ends, with an error or sites
 * that are where they are said to be. usage: elfbytes FILE ROUNDS,
 * of which a share is done without a sanitizer.
 */
#include <stdlib.h>
#include <string.h>

#include "core/patch.h"
#include "sites/analysis.h"
#include "unit/check.h"

/* Without a sanitizer, which sees wrong accesses, only a crash, a loop or a wrong site shows. */
#ifdef __SANITIZE_ADDRESS__
#define SHARE 1
#else
#define SHARE 8
#endif

static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void look(const uint8_t *bytes, size_t size)
{
	static const uint64_t observed[] = { 0, 0x1000, 0x1005, 1u << 20, UINT64_MAX };
	/* Of exactly this size, for the sanitizers. */
	uint8_t *copy = malloc(size + !size);
	struct analysis analysis;
	struct elf_file elf;

	memcpy(copy, bytes, size);
	if (elf_file_parse(&elf, copy, size) == 0 &&
	    analyse_elf(&elf, observed, sizeof(observed) / sizeof(observed[0]), &analysis) == 0) {
		for (uint32_t i = 0; i < analysis.site_count; i++) {
			const struct store_site *site = &analysis.sites[i];

			CHECK(site->offset + 2 <= size, "0x%lx is outside", (unsigned long)site->offset);
			CHECK(!i || site->offset > analysis.sites[i - 1].offset, "out of order");
			CHECK(!(site->flags & STORE_VERIFIED) ||
				      (core_patch_valid(site) && memcmp(copy + site->offset, "\x0f\x05", 2) == 0),
			      "no site at 0x%lx", (unsigned long)site->offset);
		}
		analysis_free(&analysis);
	}
	free(copy);
}

/* Headers and tables matter more than code: half of the changes are in the first and last eighth. */
static size_t place(size_t size)
{
	uint64_t random = next_random();

	switch (random >> 62) {
	case 0:
		return random % (size / 8);
	case 1:
		return size - 1 - random % (size / 8);
	default:
		return random % size;
	}
}

int main(int argc, char **argv)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff };
	FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
	static uint8_t bytes[1 << 20], changed[sizeof(bytes)];
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (!size || size == sizeof(bytes)) {
		fprintf(stderr, "usage: elfbytes FILE ROUNDS\n");
		return EXIT_FAILURE;
	}
	fclose(file);
	look(bytes, size);
	for (long round = atol(argv[2]) / SHARE; round > 0; round--) {
		memcpy(changed, bytes, size);
		for (unsigned n = 1 + next_random() % 4; n > 0; n--) {
			uint64_t random = next_random();

			changed[place(size)] =
				random & 1 ? values[random / 2 % sizeof(values)] : (uint8_t)(random >> 8);
		}
		look(changed, size);
		if (round % 16 == 0)
			look(bytes, next_random() % size);
	}
	return FINISH();
}
