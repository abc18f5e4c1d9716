#include "cli/world_patch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <k23/world.h>

#include "cli/cli.h"
#include "cli/hook_file.h"
#include "core/patch.h"
#include "sites/analysis.h"

_Static_assert(K23_WORLD_STUB_SIZE == PATCH_SLOT, "stubs are slots");

/* The file, to be written to; where its stubs are, in the file and as an address; and the word that leads on from
 * there. */
struct patch {
	struct hook_file file;
	uint8_t *bytes;
	uint64_t stubs;
	uint8_t *stub_bytes;
	uint32_t word, used;
};

/* Where the contents at an address are. NULL: nowhere. */
static uint8_t *writable_at(const struct patch *patch, uint64_t address, size_t size)
{
	const uint8_t *at = hook_file_at(&patch->file, address, size);

	return at ? patch->bytes + (at - patch->file.elf.bytes) : NULL;
}

static bool find_stubs(struct patch *patch)
{
	uint64_t entry = hook_file_symbol(&patch->file, "k23_world_stub_entry");

	patch->stubs = hook_file_symbol(&patch->file, "k23_world_stubs");
	patch->word = (uint32_t)((entry - patch->stubs) / 8);
	patch->stub_bytes = patch->stubs ? writable_at(patch, patch->stubs, K23_WORLD_STUBS * PATCH_SLOT) : NULL;
	return patch->stub_bytes && entry > patch->stubs && (entry - patch->stubs) % 8 == 0;
}

static void patch_site(struct patch *patch, const struct store_site *site)
{
	const struct elf_file_segment *segment = elf_file_segment_of_offset(&patch->file.elf, site->offset);
	uint64_t stub = patch->stubs + (uint64_t)patch->used * PATCH_SLOT, address;
	uint8_t *window = patch->bytes + site->offset - site->window, slot[PATCH_SLOT];

	if (site->reason != STORE_PLANNED || !segment || !core_patch_valid(site) || patch->used == K23_WORLD_STUBS)
		return;
	address = segment->address + (site->offset - segment->offset);
	if (!core_patch_stub(slot, stub, patch->stubs, patch->word, site, window, address) ||
	    !core_patch_jump(site, window, address - site->window, stub))
		return;
	memcpy(patch->stub_bytes + (size_t)patch->used * PATCH_SLOT, slot, PATCH_SLOT);
	patch->used++;
}

/* rdrand and rdseed of any register. Other code may look like it. */
static bool has_random(const uint8_t *code, size_t size)
{
	for (size_t i = 0; i + 3 <= size; i++)
		if (code[i] == 0x0f && code[i + 1] == 0xc7 && code[i + 2] >= 0xf0)
			return true;
	return false;
}

static void patch_file(struct patch *patch, const char *path)
{
	struct analysis analysis;
	long r = analyse_elf(&patch->file.elf, NULL, 0, &analysis);

	if (r != 0)
		die(EXIT_K23, "cannot find the system calls of %s: %s", path, strerror((int)-r));
	for (uint32_t i = 0; i < analysis.site_count; i++)
		patch_site(patch, &analysis.sites[i]);
	analysis_free(&analysis);
}

/* Notes what worlds are asked for that are to be made ready once in a run (abi/bundle.h). */
static void note_random(struct patch *patch)
{
	struct k23_world *world =
		(struct k23_world *)writable_at(patch, hook_file_symbol(&patch->file, "k23_world"), sizeof(*world));

	for (size_t i = 0; world && i < patch->file.segment_count; i++) {
		const struct hook_file_segment *segment = &patch->file.segments[i];

		if (segment->prot & PROT_EXEC && has_random((const uint8_t *)segment->contents, segment->contents_size))
			world->flags |= K23_WORLD_RANDOM;
	}
}

void world_patch(const char *path)
{
	struct patch patch = { 0 };
	char *problem;
	int fd;

	if (!hook_file_open(&patch.file, path, &problem))
		die(EXIT_K23, "%s: %s", path, problem);
	fd = open(path, O_RDWR | O_CLOEXEC);
	patch.bytes = fd < 0 ? MAP_FAILED :
			       mmap(NULL, patch.file.elf.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (patch.bytes == MAP_FAILED)
		die(EXIT_K23, "cannot write to %s: %s", path, strerror(errno));
	close(fd);
	if (find_stubs(&patch))
		patch_file(&patch, path);
	note_random(&patch);
	if (msync(patch.bytes, patch.file.elf.size, MS_ASYNC) != 0)
		die(EXIT_K23, "cannot write to %s: %s", path, strerror(errno));
	munmap(patch.bytes, patch.file.elf.size);
	hook_file_close(&patch.file);
}
