#include "core/store.h"

#include <asm/errno.h>

#include "core/hash.h"
#include "core/search.h"
#include "core/string.h"

/* Whether an array of `count` elements of `size` bytes lies between the header and the end. */
static bool is_inside(const struct store_header *header, uint64_t at, uint64_t count, uint64_t size)
{
	return at >= sizeof(*header) && at <= header->size && count <= (header->size - at) / size;
}

long core_store_open(struct core_store *store, core_read_fn *read, const void *context, uint64_t size)
{
	struct store_header *header = &store->header;
	long r;

	store->read = read;
	store->context = context;
	if (size < sizeof(*header))
		return -EINVAL;
	r = read(context, 0, header, sizeof(*header));
	if (failed(r))
		return r;
	if (header->magic != STORE_MAGIC || header->version != STORE_VERSION ||
	    header->header_size != sizeof(*header) || header->size != size)
		return -EINVAL;
	if (!is_inside(header, header->files, header->file_count, sizeof(struct store_file)) ||
	    !is_inside(header, header->keys, header->key_count, sizeof(struct store_key)) ||
	    !is_inside(header, header->sites, header->site_count, sizeof(struct store_site)) ||
	    !is_inside(header, header->buckets, header->bucket_count, sizeof(uint32_t)) ||
	    !is_inside(header, header->strings, header->string_size, 1))
		return -EINVAL;
	if (header->bucket_count & (header->bucket_count - 1))
		return -EINVAL;
	return 0;
}

uint64_t core_store_id_hash(const struct store_id *id)
{
	return core_hash(CORE_HASH_START, id, sizeof(*id));
}

uint64_t core_store_key_hash(const struct store_key *key)
{
	return core_hash(CORE_HASH_START, key, offsetof(struct store_key, file));
}

uint32_t core_store_program(const char *path)
{
	const char *name = path;

	for (const char *c = path; *c; c++)
		if (*c == '/')
			name = c + 1;
	return 1u << core_hash(CORE_HASH_START, name, core_strlen(name)) % STORE_PROGRAMS;
}

static long read_file(const struct core_store *store, uint32_t index, struct store_file *file)
{
	if (index >= store->header.file_count)
		return -EINVAL;
	return store->read(store->context, store->header.files + (uint64_t)index * sizeof(*file), file, sizeof(*file));
}

/* The n-th bucket of a search, which is 0 at the search's end, or a negative error. */
static long read_bucket(const struct core_store *store, uint64_t hash, uint32_t n)
{
	uint32_t count = store->header.bucket_count, value;
	long r;

	if (n >= count)
		return 0;
	r = store->read(store->context, store->header.buckets + ((hash + n) & (count - 1)) * sizeof(value), &value,
			sizeof(value));
	return failed(r) ? r : (long)value;
}

long core_store_find(const struct core_store *store, const struct store_id *id, struct store_file *file)
{
	uint64_t hash = core_store_id_hash(id);

	for (uint32_t n = 0;; n++) {
		long value = read_bucket(store, hash, n), r;

		if (failed(value))
			return value;
		if (!value)
			return -ENOENT;
		if (value & STORE_BUCKET_KEY)
			continue;
		r = read_file(store, (uint32_t)value - 1, file);
		if (failed(r))
			return r;
		if (memcmp(&file->id, id, sizeof(*id)) == 0)
			return 0;
	}
}

long core_store_find_key(const struct core_store *store, struct store_key *key, struct store_file *file)
{
	uint64_t hash = core_store_key_hash(key);
	struct store_key found;

	for (uint32_t n = 0;; n++) {
		long value = read_bucket(store, hash, n), r;
		uint32_t index = (uint32_t)(value & ~(long)STORE_BUCKET_KEY) - 1;

		if (failed(value))
			return value;
		if (!value)
			return -ENOENT;
		if (!(value & STORE_BUCKET_KEY))
			continue;
		if (index >= store->header.key_count)
			return -EINVAL;
		r = store->read(store->context, store->header.keys + (uint64_t)index * sizeof(found), &found,
				sizeof(found));
		if (failed(r))
			return r;
		if (memcmp(&found, key, offsetof(struct store_key, file)) == 0) {
			*key = found;
			return read_file(store, found.file, file);
		}
	}
}

long core_store_sites(const struct core_store *store, const struct store_run *run, uint32_t first,
		      struct store_site *sites, uint32_t count)
{
	long r;

	if (run->count > store->header.site_count || run->first > store->header.site_count - run->count ||
	    first > run->count)
		return -EINVAL;
	if (count > run->count - first)
		count = run->count - first;
	if (!count)
		return 0;
	r = store->read(store->context,
			store->header.sites + ((uint64_t)run->first + first) * sizeof(*sites), sites,
			count * sizeof(*sites));
	return failed(r) ? r : (long)count;
}

/* Looks for an offset among `count` sites of a run from the index `first` on, which are sorted. */
static long find_site(const struct core_store *store, const struct store_run *run, uint32_t first, uint32_t count,
		      uint64_t offset, struct store_site *site)
{
	long r = 1; /* sites read: one, until reading fails */
	uint32_t at = (uint32_t)core_lower_bound(
		count, i,
		r == 1 && (r = core_store_sites(store, run, first + (uint32_t)i, site, 1)) == 1 &&
			site->offset < offset);

	if (r == 1 && at < count)
		r = core_store_sites(store, run, first + at, site, 1);
	if (r != 1)
		return failed(r) ? r : -EINVAL;
	return at < count && site->offset == offset ? 0 : -ENOENT;
}

long core_store_site(const struct core_store *store, const struct store_run *run, uint64_t offset,
		     struct store_site *site)
{
	long r;

	if (run->observed > run->count)
		return -EINVAL;
	r = find_site(store, run, 0, run->observed, offset, site);
	return r == -ENOENT ? find_site(store, run, run->observed, run->count - run->observed, offset, site) : r;
}
