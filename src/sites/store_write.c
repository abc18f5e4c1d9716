/*
 * Putting a store together and in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/store.h"
#include "sites/store.h"


/* Fills in the header with the sizes and places of the parts. False: the store is too large. */
static bool lay_out_parts(const struct store *store, struct store_header *header)
{
	uint64_t sites = 0, keys = 0, strings = 0, buckets = 1, at = sizeof(*header);
	uint32_t programs = 0;

	for (size_t i = 0; i < store->files.count; i++) {
		const struct known_file *file = &store->files.at[i];

		sites += file->site_count;
		keys += file->keys.count;
		strings += strlen(file->path) + 1;
		for (uint32_t n = 0; n < file->site_count; n++)
			programs |= file->sites[n].programs;
	}
	/* At most half full: searches are short, and end. */
	while (buckets < 2 * (store->files.count + keys))
		buckets *= 2;
	*header = (struct store_header) { .magic = STORE_MAGIC,
					  .version = STORE_VERSION,
					  .header_size = sizeof(*header) };
	header->files = (uint32_t)at;
	at += store->files.count * sizeof(struct store_file);
	header->keys = (uint32_t)at;
	at += keys * sizeof(struct store_key);
	header->sites = (uint32_t)at;
	at += sites * sizeof(struct store_site);
	header->buckets = (uint32_t)at;
	at += buckets * sizeof(uint32_t);
	header->strings = (uint32_t)at;
	at += strings;
	header->size = at;
	header->file_count = (uint32_t)store->files.count;
	header->key_count = (uint32_t)keys;
	header->site_count = (uint32_t)sites;
	header->bucket_count = (uint32_t)buckets;
	header->string_size = (uint32_t)strings;
	header->programs = programs;
	return at <= INT32_MAX;
}

static void put_bucket(uint8_t *image, const struct store_header *header, uint64_t hash, uint32_t value)
{
	for (uint64_t n = hash;; n++) {
		uint8_t *at = image + header->buckets + (n & (header->bucket_count - 1)) * sizeof(value);
		uint32_t there;

		memcpy(&there, at, sizeof(there));
		if (!there) {
			memcpy(at, &value, sizeof(value));
			return;
		}
	}
}

/* Writes a file's sites from run->first on, in two parts, and fills in the rest of *run. */
static void put_sites(const struct known_file *known, uint8_t *sites, struct store_run *run)
{
	for (int observed = 1; observed >= 0; observed--) {
		for (uint32_t i = 0; i < known->site_count; i++)
			if (!!(known->sites[i].flags & STORE_OBSERVED) == observed)
				memcpy(sites + (uint64_t)(run->first + run->count++) * sizeof(*known->sites),
				       &known->sites[i], sizeof(*known->sites));
		if (observed)
			run->observed = run->count;
	}
}

static void fill_image(const struct store *store, uint8_t *image, struct store_header *header)
{
	uint32_t sites = 0, keys = 0, strings = 0;

	for (uint32_t i = 0; i < store->files.count; i++) {
		const struct known_file *known = &store->files.at[i];
		struct store_file file = { .id = known->id, .path = strings, .sites = { .first = sites } };

		put_sites(known, image + header->sites, &file.sites);
		memcpy(image + header->files + i * sizeof(file), &file, sizeof(file));
		memcpy(image + header->strings + strings, known->path, strlen(known->path) + 1);
		strings += (uint32_t)strlen(known->path) + 1;
		sites += known->site_count;
		put_bucket(image, header, core_store_id_hash(&known->id), 1 + i);
		for (size_t n = 0; n < known->keys.count; n++) {
			struct store_key key = known->keys.at[n];

			key.file = i;
			memcpy(image + header->keys + (uint64_t)keys * sizeof(key), &key, sizeof(key));
			put_bucket(image, header, core_store_key_hash(&key), STORE_BUCKET_KEY | (1 + keys));
			keys++;
		}
	}
	header->checksum = core_hash(CORE_HASH_START, image + sizeof(*header), header->size - sizeof(*header));
	memcpy(image, header, sizeof(*header));
}

static long write_whole(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t put = write(fd, bytes, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		bytes += put;
		size -= (size_t)put;
	}
	/* Programs under k23 read the store when they start, as other users, too. */
	if (fchmod(fd, 0644) != 0 || fsync(fd) != 0)
		return -errno;
	return 0;
}

static void sync_directory(const char *path)
{
	char *directory = strdup(path), *slash = directory ? strrchr(directory, '/') : NULL;
	int fd;

	if (slash)
		slash[1] = 0;
	fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(directory);
}

/* The temporary file has one name, as the caller holds the lock: what a writer that was killed has left goes. */
static long put_in_place(const char *path, const uint8_t *image, size_t size)
{
	char *temporary = store_beside(path, ".new");
	long r;
	int fd;

	if (!temporary)
		return -ENOMEM;
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		free(temporary);
		return r;
	}
	r = write_whole(fd, image, size);
	if (close(fd) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) != 0)
		r = -errno;
	if (r != 0)
		unlink(temporary);
	else
		sync_directory(path);
	free(temporary);
	return r;
}

long store_image(const struct store *store, uint8_t **bytes, size_t *size)
{
	struct store_header header;

	if (!lay_out_parts(store, &header))
		return -EFBIG;
	*bytes = calloc(1, header.size);
	if (!*bytes)
		return -ENOMEM;
	fill_image(store, *bytes, &header);
	*size = header.size;
	return 0;
}

long store_write(const struct store *store, const char *path)
{
	uint8_t *image;
	size_t size;
	long r = store_image(store, &image, &size);

	if (r != 0)
		return r;
	r = put_in_place(path, image, size);
	free(image);
	return r;
}

static long make_directories(const char *path)
{
	/* The system's store is read by the programs of every user. */
	mode_t mode = strncmp(path, STORE_SYSTEM, strlen(STORE_SYSTEM)) == 0 ? 0755 : 0700;
	char *copy = strdup(path);
	long r = copy ? 0 : -ENOMEM;

	for (char *slash = copy ? strchr(copy + (*copy == '/'), '/') : NULL; slash && r == 0;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(copy, mode) != 0 && errno != EEXIST)
			r = -errno;
		*slash = '/';
	}
	free(copy);
	return r;
}

long store_lock(const char *path)
{
	char *name = store_beside(path, ".lock");
	long r = name ? make_directories(path) : -ENOMEM;
	int fd = -1;

	if (r == 0) {
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		r = fd < 0 ? -errno : 0;
	}
	free(name);
	while (r == 0 && flock(fd, LOCK_EX) != 0)
		r = errno == EINTR ? 0 : -errno;
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r;
}

char *store_beside(const char *path, const char *suffix)
{
	char *name;

	return asprintf(&name, "%s%s", path, suffix) < 0 ? NULL : name;
}

char *store_default_path(void)
{
	const char *named = getenv("K23_STORE"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (named && *named)
		return strdup(named);
	if (geteuid() == 0)
		return strdup(STORE_SYSTEM);
	if (cache && *cache == '/')
		return store_beside(cache, "/k23/sites");
	return home && *home == '/' ? store_beside(home, "/.cache/k23/sites") : NULL;
}
