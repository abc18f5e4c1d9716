/* A store: as the tools read it, and as a process under k23 does, which does not look at the checksum. */
#include "core/store.h"

#include <errno.h>
#include <string.h>

#include "core/build_id.h"
#include "core/hash.h"
#include "core/patch.h"
#include "fuzz.h"
#include "sites/bytes.h"
#include "sites/store.h"

static void look_up(const struct bytes *input, const struct store_id *id)
{
	struct store_site sites[16];
	struct core_store store;
	struct store_file file;

	if (core_store_open(&store, bytes_read, input, input->size) != 0)
		return;
	if (core_store_find(&store, id, &file) == 0) {
		for (uint32_t first = 0; first < 1000;) {
			long n = core_store_sites(&store, &file.sites, first, sites, 16);

			if (n <= 0)
				break;
			MUST(n <= 16);
			for (long i = 0; i < n; i++) {
				uint8_t slot[PATCH_SLOT], window[STORE_MAX_WINDOW] = { 0x74, 0x74, 0x74 };

				/* Whatever a plan says, its stub is written into the slot and nowhere else. */
				if (core_patch_valid(&sites[i]) &&
				    core_patch_stub(slot, 64, 0, CORE_PATCH_DIRECT, &sites[i], window, sites[i].offset))
					MUST(core_patch_is_stub(slot));
			}
			first += (uint32_t)n;
		}
		if (core_store_site(&store, &file.sites, 0x1000, sites) == 0)
			MUST(sites->offset == 0x1000);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bytes input = { bytes, size };
	uint8_t *copy = malloc(size + !size);
	struct store store;
	struct store_header header;
	struct store_id id;

	if (!copy)
		return 0;
	memcpy(copy, bytes, size);
	if (core_build_id(bytes_read, &input, &id) == 0)
		MUST(id.size <= sizeof(id.bytes));
	if (size >= sizeof(header)) {
		memcpy(&header, copy, sizeof(header));
		header.checksum = core_hash(CORE_HASH_START, copy + sizeof(header), size - sizeof(header));
		memcpy(copy, &header, sizeof(header));
	}
	input.at = copy;
	memset(&id, 0, sizeof(id));
	if (store_parse(&store, copy, size) == 0) {
		for (size_t i = 0; i < store.files.count; i++) {
			MUST(known_valid(&store.files.at[i]));
			id = store.files.at[i].id;
		}
		store_free(&store);
	} else if (size >= sizeof(header) + sizeof(struct store_file)) {
		memcpy(&id, copy + sizeof(header), sizeof(id)); /* of the first file, usually */
	}
	look_up(&input, &id);
	free(copy);
	return 0;
}
