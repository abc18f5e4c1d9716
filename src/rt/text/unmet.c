#include "rt/text/unmet.h"

#include "core/patch.h"

/* ctx: entry */
void rt_unmet_observed(const struct rt_text *text, uint64_t address, const struct store_site *site)
{
	uint64_t block = text->block, words = block + text->block_size;

	for (uint64_t slot = block + PATCH_SLOT; text->words_size && slot < words; slot += PATCH_SLOT) {
		const uint8_t *stub = (const uint8_t *)slot, *window;
		uint64_t word;

		if (!core_patch_is_stub(stub) || core_patch_site(stub, slot) != address)
			continue;
		/* What says the number is at the end, in the stub as in the window. */
		window = stub + core_patch_displaced(stub) - core_patch_window(stub);
		word = core_patch_word(stub, slot);
		if (word - words < text->words_size)
			__atomic_store_n((uint64_t *)word, ((const uint64_t *)block)[rt_text_entry(site, window)],
					 __ATOMIC_RELAXED);
		return;
	}
}
