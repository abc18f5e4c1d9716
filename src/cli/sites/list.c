/*
 * k23 sites list.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sites/sites.h"
#include "sites/identity.h"

/* The known file with the identity of the file that is at the path now. */
static struct known_file *by_identity(const struct store *store, const char *path)
{
	struct store_id id;
	struct stat status;
	struct elf_file elf;
	long r = identity_of_path(path, &id, &status);

	if (r != 0 && elf_file_open(&elf, path) == 0) {
		r = identity_of(&elf, &id);
		elf_file_close(&elf);
	}
	return r == 0 ? store_find(store, &id) : NULL;
}

struct known_file *sites_file(const struct store *store, const char *name)
{
	char *path = realpath(name, NULL);
	struct known_file *file = path ? by_identity(store, path) : NULL;

	for (size_t i = store->files.count; !file && i-- > 0;)
		if (strcmp(store->files.at[i].path, path ? path : name) == 0)
			file = &store->files.at[i];
	free(path);
	if (!file)
		complain("nothing is known of %s", name);
	return file;
}

static void print_file(const struct known_file *file)
{
	uint32_t reasons[STORE_REASONS], observed = 0;

	analysis_count(file->sites, file->site_count, reasons);
	for (uint32_t i = 0; i < file->site_count; i++)
		observed += file->sites[i].flags & STORE_OBSERVED;
	printf("%s: %" PRIu32 " sites, %" PRIu32 " planned, %" PRIu32 " observed, %s ", file->path, file->site_count,
	       reasons[STORE_PLANNED], observed, file->id.kind == STORE_BUILD_ID ? "build-id" : "sha256");
	for (unsigned i = 0; i < file->id.size; i++)
		printf("%02x", file->id.bytes[i]);
	putchar('\n');
}

static void print_sites(const struct known_file *file)
{
	print_file(file);
	for (uint32_t i = 0; i < file->site_count; i++) {
		const struct store_site *site = &file->sites[i];

		printf("  0x%" PRIx64 " %s %s", site->offset, reason_name(site->reason),
		       site->flags & STORE_OBSERVED ? "observed" : "-");
		if (site->flags & STORE_VERIFIED)
			printf(" window %u", site->window);
		if (site->nr >= 0)
			printf(" nr %" PRId32, site->nr);
		putchar('\n');
	}
}

int sites_list(const struct sites_options *options, int argc, char **argv)
{
	struct store store;
	int status = 0;

	store_use_read(&store, options->store);
	for (size_t i = 0; argc == 0 && i < store.files.count; i++)
		print_file(&store.files.at[i]);
	for (int i = 0; i < argc; i++) {
		const struct known_file *file = sites_file(&store, argv[i]);

		if (file)
			print_sites(file);
		else
			status = 1;
	}
	store_free(&store);
	return status;
}
