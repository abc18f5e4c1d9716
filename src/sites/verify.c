#include "sites/verify.h"

#include <errno.h>
#include <string.h>

#include "core/hash.h"
#include "core/vsyscall.h"
#include "sites/identity.h"
#include "sites/window.h"

/* Whether the file has the bytes that a site's plan relies on. */
static bool plan_holds(const struct elf_file *elf, const struct store_site *site)
{
	uint64_t start = site->offset - site->function_before;

	if (!(site->flags & STORE_VERIFIED))
		return true;
	return site->offset >= site->function_before && start <= elf->size &&
	       site->function_size <= elf->size - start && memcmp(elf->bytes + site->offset, "\x0f\x05", 2) == 0 &&
	       core_hash(CORE_HASH_START, elf->bytes + start, site->function_size) == site->function_hash;
}

/* Whether a plan puts the jump where it may be. */
static bool is_jump_right(const struct store_site *right, const struct store_site *site)
{
	if (site->kept != right->kept)
		return !site->kept && !site->hop && !(site->flags & STORE_STABLE);
	return site->hop || (right->flags & STORE_STABLE) == (site->flags & STORE_STABLE);
}

/* Whether a plan says of its window what the window's bytes say. */
static bool plan_is_right(const ZydisDecoder *decoder, const struct elf_file *elf, const struct store_site *site)
{
	struct store_site right = *site;

	if (!(site->flags & STORE_VERIFIED))
		return true;
	return site->offset >= site->window &&
	       window_plan(decoder, elf->bytes + site->offset - site->window, site->window, &right) == STORE_PLANNED &&
	       right.nr == site->nr && right.relative == site->relative && right.relative_end == site->relative_end &&
	       right.branch == site->branch && is_jump_right(&right, site);
}

/* Whether the store says that a file whose stat(2) shows this names no address of the vsyscall page: then none is
 * looked for before it runs. */
static bool no_vsyscall_claimed(const struct known_file *file, const struct stat *status)
{
	struct store_key key;
	const struct store_key *known;

	(void)identity_key(status, &key); /* a recent change does no harm here */
	known = known_key(file, &key);
	return known && known->flags & STORE_NO_VSYSCALL;
}

long verify_file(const struct known_file *file, enum verify_result *result)
{
	ZydisDecoder decoder;
	struct elf_file elf;
	struct store_id id;
	long r = elf_file_open(&elf, file->path);

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);

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
	for (uint32_t i = 0; i < file->site_count && *result == VERIFY_SAME; i++)
		if (!plan_is_right(&decoder, &elf, &file->sites[i]))
			*result = VERIFY_WRONG;
	if (*result == VERIFY_SAME && no_vsyscall_claimed(file, &elf.stat) && core_vsyscall_named(elf.bytes, elf.size))
		*result = VERIFY_VSYSCALL;
	elf_file_close(&elf);
	return r;
}
