#include "sites/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/patch.h"
#include "core/store.h"
#include "sites/bytes.h"

#define MAX_SIZE (256u << 20)
#define OVERFLOW_UID 65534u /* whom files belong to whose owner a user namespace does not have */

static bool is_site(const struct store_site *site)
{
	if (site->reason >= STORE_REASONS || site->flags & ~(STORE_OBSERVED | STORE_VERIFIED | STORE_STABLE))
		return false;
	if (site->flags & STORE_STABLE && !(site->flags & STORE_VERIFIED))
		return false;
	if (site->programs && !(site->flags & STORE_OBSERVED))
		return false;
	if (site->flags & STORE_VERIFIED)
		return site->reason == STORE_PLANNED && core_patch_valid(site);
	return site->reason != STORE_PLANNED;
}

static bool is_id(const struct store_id *id)
{
	return (id->kind == STORE_BUILD_ID || id->kind == STORE_CONTENT) && id->size && id->size <= sizeof(id->bytes);
}

bool known_valid(const struct known_file *file)
{
	if (!is_id(&file->id))
		return false;
	for (uint32_t i = 0; i < file->site_count; i++)
		if (!is_site(&file->sites[i]) || (i && file->sites[i].offset <= file->sites[i - 1].offset))
			return false;
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const struct store_site *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Sorts the sites of both parts by offset. False when the parts are wrong: the observed sites come first, and each
 * part is sorted. */
static bool unite_parts(struct known_file *file, uint32_t observed)
{
	for (uint32_t i = 0; i < file->site_count; i++)
		if (!(file->sites[i].flags & STORE_OBSERVED) != (i >= observed) ||
		    (i && i != observed && file->sites[i].offset <= file->sites[i - 1].offset))
			return false;
	qsort(file->sites, file->site_count, sizeof(*file->sites), by_offset);
	return true;
}

/* Reads one file. *sites: the number of sites of the files before it, behind which its own follow without a gap. */
static long read_known(const struct core_store *store, const struct bytes *bytes, uint32_t index, uint32_t *sites,
		       struct known_file *to)
{
	const struct store_header *header = &store->header;
	const char *strings = (const char *)bytes->at + header->strings;
	struct store_file file;
	long r = bytes_read(bytes, header->files + (uint64_t)index * sizeof(file), &file, sizeof(file));

	if (r != 0)
		return r;
	if (file.sites.first != *sites || file.path >= header->string_size ||
	    !memchr(strings + file.path, 0, header->string_size - file.path))
		return -EBADMSG;
	*to = (struct known_file){ .id = file.id, .site_count = file.sites.count };
	to->path = strdup(strings + file.path);
	/* The count may be anything: memory is allocated when it is known that the sites are there. */
	if (file.sites.count > header->site_count - *sites || file.sites.observed > file.sites.count)
		return -EBADMSG;
	to->sites = calloc(file.sites.count + 1, sizeof(*to->sites));
	if (!to->path || !to->sites)
		return -ENOMEM;
	r = core_store_sites(store, &file.sites, 0, to->sites, file.sites.count);
	if (r != (long)file.sites.count)
		return -EBADMSG;
	if (!unite_parts(to, file.sites.observed) || !known_valid(to))
		return -EBADMSG;
	*sites += file.sites.count;
	return 0;
}

static long read_keys(struct store *store, const struct core_store *from, const struct bytes *bytes)
{
	for (uint32_t i = 0; i < from->header.key_count; i++) {
		struct store_key key;
		long r = bytes_read(bytes, from->header.keys + (uint64_t)i * sizeof(key), &key, sizeof(key));

		if (r != 0 || key.file >= store->files.count)
			return -EBADMSG;
		if (!array_push(&store->files.at[key.file].keys, key))
			return -ENOMEM;
	}
	return 0;
}

static long read_all(struct store *store, const struct core_store *from, const struct bytes *bytes)
{
	uint32_t sites = 0, programs = 0;

	for (uint32_t i = 0; i < from->header.file_count; i++) {
		struct known_file file = { 0 };
		long r = read_known(from, bytes, i, &sites, &file);

		/* A file that was read by half is freed with the others. */
		if (!array_push(&store->files, file)) {
			free(file.path);
			free(file.sites);
			return -ENOMEM;
		}
		if (r != 0)
			return r;
		for (uint32_t n = 0; n < file.site_count; n++)
			programs |= file.sites[n].programs;
	}
	return sites == from->header.site_count && programs == from->header.programs ? read_keys(store, from, bytes)
										     : -EBADMSG;
}

/* Whether the parts follow each other as store_write() puts them. The checksum does not cover the header. */
static bool is_laid_out(const struct store_header *header)
{
	uint64_t at = sizeof(*header);

	if (header->files != at || header->reserved)
		return false;
	at += header->file_count * (uint64_t)sizeof(struct store_file);
	if (header->keys != at)
		return false;
	at += header->key_count * (uint64_t)sizeof(struct store_key);
	if (header->sites != at)
		return false;
	at += header->site_count * (uint64_t)sizeof(struct store_site);
	if (header->buckets != at)
		return false;
	at += header->bucket_count * (uint64_t)sizeof(uint32_t);
	return header->strings == at && header->size == at + header->string_size;
}

/* Whether the bytes are those that a tool of this version has written. */
static long check_bytes(struct core_store *from, const struct bytes *bytes)
{
	struct store_header header;

	if (bytes->size < sizeof(header))
		return -EINVAL;
	memcpy(&header, bytes->at, sizeof(header));
	if (header.magic != STORE_MAGIC)
		return -EINVAL;
	if (header.version != STORE_VERSION)
		return header.version < STORE_VERSION ? -ESTALE : -EPROTO;
	if (core_store_open(from, bytes_read, bytes, bytes->size) != 0 || !is_laid_out(&from->header) ||
	    core_hash(CORE_HASH_START, bytes->at + sizeof(header), bytes->size - sizeof(header)) != header.checksum)
		return -EBADMSG;
	return 0;
}

long store_parse(struct store *store, const uint8_t *bytes, size_t size)
{
	struct bytes all = { bytes, size };
	struct core_store from;
	long r;

	memset(store, 0, sizeof(*store));
	r = check_bytes(&from, &all);
	if (r == 0)
		r = read_all(store, &from, &all);
	if (r != 0)
		store_free(store);
	return r;
}

/* Whether nobody else can have written the file. What is mounted into a container from outside of its user namespace
 * belongs to the overflow user there, whoever else is that, too: on a read-only mount, it is as whoever has mounted it
 * wants it. */
static bool is_trusted(int fd, const struct stat *status)
{
	struct statvfs mount;

	if (!S_ISREG(status->st_mode) || status->st_mode & 022)
		return false;
	if (status->st_uid == geteuid() || status->st_uid == 0)
		return true;
	return status->st_uid == OVERFLOW_UID && fstatvfs(fd, &mount) == 0 && mount.f_flag & ST_RDONLY;
}

static long read_whole(int fd, uint8_t **bytes, size_t *size)
{
	struct stat status;
	long r;

	if (fstat(fd, &status) != 0)
		return -errno;
	if (!is_trusted(fd, &status))
		return -EPERM;
	if (status.st_size > MAX_SIZE)
		return -EFBIG;
	*size = (size_t)status.st_size;
	*bytes = malloc(*size + 1);
	if (!*bytes)
		return -ENOMEM;
	bytes_populate(*bytes, *size);
	r = bytes_load(fd, *bytes, *size);
	return r == -ENODATA ? -EBADMSG : r;
}

static long load_bytes(const char *path, uint8_t **bytes, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	long r;

	*bytes = NULL;
	*size = 0;
	if (fd < 0)
		return -errno;
	r = read_whole(fd, bytes, size);
	close(fd);
	return r;
}

long store_read(struct store *store, const char *path)
{
	uint8_t *bytes;
	size_t size;
	long r = load_bytes(path, &bytes, &size);

	memset(store, 0, sizeof(*store));
	if (r == 0)
		r = store_parse(store, bytes, size);
	free(bytes);
	return r;
}

long store_load(const char *path, uint8_t **bytes, size_t *size)
{
	struct core_store store;
	long r = load_bytes(path, bytes, size);

	if (r == 0)
		r = check_bytes(&store, &(struct bytes){ *bytes, *size });
	if (r != 0) {
		free(*bytes);
		*bytes = NULL;
		*size = 0;
	}
	return r;
}

bool store_is_outdated(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct store_header header;
	bool outdated = fd >= 0 && pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
			header.magic == STORE_MAGIC && header.version < STORE_VERSION;

	if (fd >= 0)
		close(fd);
	return outdated;
}

void store_free(struct store *store)
{
	for (size_t i = 0; i < store->files.count; i++) {
		free(store->files.at[i].path);
		free(store->files.at[i].sites);
		free(store->files.at[i].keys.at);
	}
	free(store->files.at);
	memset(store, 0, sizeof(*store));
}

const char *store_problem(long error)
{
	switch (error) {
	case -EINVAL:
		return "is no store of k23's";
	case -ESTALE:
		return "is a store of an older version of k23's";
	case -EPROTO:
		return "is a store of a newer version of k23's";
	case -EBADMSG:
		return "is damaged";
	case -EPERM:
		return "is not a regular file of this user's or root's that only its owner can write";
	case -EFBIG:
		return "is too large for a store";
	default:
		return strerror((int)-error);
	}
}
