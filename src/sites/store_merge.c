/*
 * Changing what a store knows.
 */
#include <errno.h>
#include <string.h>

#include "core/search.h"
#include "sites/store.h"

/* The keys of a file that are kept: one for each place that it was moved or copied to. */
#define MAX_KEYS 64u

struct known_file *store_find(const struct store *store, const struct store_id *id)
{
	for (size_t i = 0; i < store->files.count; i++)
		if (memcmp(&store->files.at[i].id, id, sizeof(*id)) == 0)
			return &store->files.at[i];
	return NULL;
}

struct store_key *known_key(const struct known_file *file, const struct store_key *key)
{
	for (size_t i = 0; i < file->keys.count; i++)
		if (memcmp(&file->keys.at[i], key, offsetof(struct store_key, file)) == 0)
			return &file->keys.at[i];
	return NULL;
}

struct known_file *store_find_key(const struct store *store, const struct store_key *key)
{
	for (size_t i = 0; i < store->files.count; i++)
		if (known_key(&store->files.at[i], key))
			return &store->files.at[i];
	return NULL;
}

struct store_site *known_site(const struct known_file *file, uint64_t offset)
{
	size_t at = core_lower_bound(file->site_count, i, file->sites[i].offset < offset);

	return at < file->site_count && file->sites[at].offset == offset ? &file->sites[at] : NULL;
}

static struct known_file *add_file(struct store *store, const struct store_id *id, const char *path)
{
	struct known_file file = { .id = *id, .path = strdup(path) };

	file.sites = calloc(1, sizeof(*file.sites));
	if (file.path && file.sites && array_push(&store->files, file))
		return &store->files.at[store->files.count - 1];
	free(file.path);
	free(file.sites);
	return NULL;
}

/* Whether a site keeps its plan when a new analysis has none: a plan that is there because a program was seen at the
 * site holds although this analysis does not know of that. */
static bool keeps_plan(const struct store_site *old, const struct store_site *new)
{
	return new->reason == STORE_NOT_REACHED &&
	       (old->flags & ~STORE_STABLE) == (STORE_OBSERVED | STORE_VERIFIED) &&
	       old->function_hash == new->function_hash && old->function_before == new->function_before &&
	       old->function_size == new->function_size;
}

/* Takes plans back when a call was seen in the bytes that they displace: something leads there. */
static void drop_contradicted(struct store_site *sites, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct store_site *site = &sites[i];
		bool seen =
			i + 1 < count && sites[i + 1].offset == site->offset + 1 && sites[i + 1].flags & STORE_OBSERVED;

		for (uint32_t n = i; n-- > 0 && site->offset - sites[n].offset < site->window;)
			seen |= sites[n].flags & STORE_OBSERVED;
		if (!seen || !(site->flags & STORE_VERIFIED))
			continue;
		site->flags &= (uint8_t)~(STORE_VERIFIED | STORE_STABLE);
		site->reason = STORE_BRANCH_TARGET;
		site->window = site->relative_end = site->kept = 0;
		site->hop = 0;
		site->relative = site->branch = 0xff;
	}
}

/* Unites the file's sites with others, by offset. Of two at the same offset the one in `sites` is kept; it is
 * observed if either is. *observed, if it is not NULL, becomes the number of sites that the file did not have
 * observed. */
static long unite_sites(struct known_file *file, const struct store_site *sites, uint32_t count, uint32_t *observed)
{
	struct store_site *all = calloc((size_t)file->site_count + count + 1, sizeof(*all));
	uint32_t n = 0, old = 0, new = 0;

	if (!all)
		return -ENOMEM;
	if (observed)
		*observed = 0;
	while (old < file->site_count || new < count) {
		const struct store_site *a = old < file->site_count ? &file->sites[old] : NULL;
		const struct store_site *b = new < count ? &sites[new] : NULL;
		unsigned before = 0;
		uint32_t programs = 0;

		if (a && (!b || a->offset <= b->offset))
			before = a->flags & STORE_OBSERVED, programs = a->programs;
		if (b && (!a || b->offset <= a->offset)) {
			all[n] = a && a->offset == b->offset && keeps_plan(a, b) ? *a : *b;
			old += a && a->offset == b->offset;
			new++;
		} else {
			all[n] = *a;
			old++;
		}
		all[n].flags |= (uint8_t)before;
		all[n].programs |= programs;
		if (observed && all[n].flags & STORE_OBSERVED && !before)
			++*observed;
		n++;
	}
	drop_contradicted(all, n);
	free(file->sites);
	file->sites = all;
	file->site_count = n;
	return 0;
}

long store_add_key(struct known_file *file, const struct store_key *key)
{
	struct store_key *same = known_key(file, key);

	if (same) {
		same->flags |= key->flags;
		return 0;
	}
	if (file->keys.count == MAX_KEYS) {
		memmove(file->keys.at, file->keys.at + 1, (MAX_KEYS - 1) * sizeof(*key));
		file->keys.count--;
	}
	return array_push(&file->keys, *key) ? 0 : -ENOMEM;
}

static long set_path(struct known_file *file, const char *path)
{
	char *copy;

	if (strcmp(file->path, path) == 0)
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	free(file->path);
	file->path = copy;
	return 0;
}

long store_add(struct store *store, const char *path, const struct analysis *analysis, uint32_t *observed)
{
	struct known_file *file = store_find(store, &analysis->id);
	long r;

	if (!file)
		file = add_file(store, &analysis->id, path);
	if (!file)
		return -ENOMEM;
	r = set_path(file, path);
	if (r == 0)
		r = unite_sites(file, analysis->sites, analysis->site_count, observed);
	if (r == 0 && analysis->has_key)
		r = store_add_key(file, &analysis->key);
	return r;
}

/* Takes what another store knows in addition of a file. Its plans are no newer than those that the file has. */
static long merge_file(struct known_file *file, const struct known_file *other)
{
	struct known_file copy = { .site_count = 0 };
	long r = unite_sites(&copy, other->sites, other->site_count, NULL);

	if (r == 0)
		r = unite_sites(&copy, file->sites, file->site_count, NULL);
	if (r != 0) {
		free(copy.sites);
		return r;
	}
	free(file->sites);
	file->sites = copy.sites;
	file->site_count = copy.site_count;
	for (size_t i = 0; i < other->keys.count && r == 0; i++)
		r = store_add_key(file, &other->keys.at[i]);
	return r;
}

long store_merge(struct store *store, const struct store *other)
{
	long r = 0;

	for (size_t i = 0; i < other->files.count && r == 0; i++) {
		struct known_file *file = store_find(store, &other->files.at[i].id);

		if (!file)
			file = add_file(store, &other->files.at[i].id, other->files.at[i].path);
		r = file ? merge_file(file, &other->files.at[i]) : -ENOMEM;
	}
	return r;
}

void store_remove_empty(struct store *store)
{
	size_t kept = 0;

	for (size_t i = 0; i < store->files.count; i++) {
		struct known_file *file = &store->files.at[i];

		if (file->site_count) {
			store->files.at[kept++] = *file;
			continue;
		}
		free(file->path);
		free(file->sites);
		free(file->keys.at);
	}
	store->files.count = kept;
}

void store_remove(struct store *store, size_t index)
{
	struct known_file *file = &store->files.at[index];

	free(file->path);
	free(file->sites);
	free(file->keys.at);
	memmove(file, file + 1, (store->files.count - index - 1) * sizeof(*file));
	store->files.count--;
}
