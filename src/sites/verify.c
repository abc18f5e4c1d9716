#include "sites/verify.h"

#include <errno.h>
#include <string.h>

#include "core/hash.h"
#include "sites/identity.h"

/* Whether the file has the bytes that a site's plan relies on. */
static bool plan_holds(const struct elf_file *elf, const struct store_site *site)
{
	uint64_t start = site->offset - site->function_before;

	if (!(site->flags & STORE_VERIFIED))
		return true;
	return site->offset >= site->function_before && start <= elf->size && site->function_size <= elf->size - start &&
	       memcmp(elf->bytes + site->offset, "\x0f\x05", 2) == 0 &&
	       core_hash(CORE_HASH_START, elf->bytes + start, site->function_size) == site->function_hash;
}

long verify_file(const struct known_file *file, enum verify_result *result)
{
	struct elf_file elf;
	struct store_id id;
	long r = elf_file_open(&elf, file->path);

	*result = VERIFY_GONE;
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	*result = VERIFY_CHANGED;
	if (r != 0)
		return r == -ENOEXEC ? 0 : r;
	r = identity_of(&elf, &id);
	if (r == 0 && memcmp(&id, &file->id, sizeof(id)) == 0)
		*result = VERIFY_SAME;
	for (uint32_t i = 0; i < file->site_count && *result == VERIFY_SAME; i++)
		if (!plan_holds(&elf, &file->sites[i]))
			*result = VERIFY_CHANGED;
	elf_file_close(&elf);
	return r;
}
