/* An ELF file: analysing it ends, with an error or sites that are where they are said to be. */
#include <string.h>

#include "core/patch.h"
#include "fuzz.h"
#include "sites/analysis.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint64_t observed[] = { 0, 0x100, 0x1000, 0x1005, UINT64_MAX };
	struct analysis analysis;
	struct elf_file elf;

	if (elf_file_parse(&elf, bytes, size) != 0 ||
	    analyse_elf(&elf, observed, sizeof(observed) / sizeof(observed[0]), &analysis) != 0)
		return 0;
	for (uint32_t i = 0; i < analysis.site_count; i++) {
		const struct store_site *site = &analysis.sites[i];

		MUST(site->offset + 2 <= size && site->reason < STORE_REASONS);
		MUST(!i || site->offset > analysis.sites[i - 1].offset);
		MUST(!(site->flags & STORE_VERIFIED) == (site->reason != STORE_PLANNED));
		if (site->flags & STORE_VERIFIED) {
			uint8_t slot[PATCH_SLOT];
			uint64_t at = site->offset + (1u << 20);

			MUST(core_patch_valid(site) && memcmp(bytes + site->offset, "\x0f\x05", 2) == 0);
			if (core_patch_stub(slot, 32, 0, CORE_PATCH_NUMBER, site, bytes + site->offset - site->window,
					    at))
				MUST(core_patch_is_stub(slot) && core_patch_site(slot, 32) == at);
		}
	}
	analysis_free(&analysis);
	return 0;
}
