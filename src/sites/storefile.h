/*
 * The store (abi/store.h) as a file: reading all of it, changing it, and putting it in place.
 */
#ifndef SITES_STOREFILE_H
#define SITES_STOREFILE_H

#include "abi/store.h"
#include "abi/syscall.h"
#include "sites/analysis.h"
#include "sites/array.h"

/* A file that is known, with its sites by offset. */
struct known_file {
	struct store_id id;
	char *path;
	struct store_site *sites;
	uint32_t site_count;
	ARRAY(struct store_key) keys; /* their `file` does not matter */
};

struct storefile {
	ARRAY(struct known_file) files;
};

/* Reads the store at `path`. 0; -ENOENT: there is none, and *store is empty; or what storefile_problem() explains.
 * On success storefile_free() is due. */
long storefile_read(struct storefile *store, const char *path) must_check;
/* The same for bytes; -EINVAL, -EPROTO or -EBADMSG for those that are no store. */
long storefile_parse(struct storefile *store, const uint8_t *bytes, size_t size) must_check;
/* Puts the store in place at `path`, for whoever holds the lock: by rename, when all of it is on the disk. */
long storefile_write(const struct storefile *store, const char *path) must_check;
void storefile_free(struct storefile *store);
/* The bytes of the store at `path`, which are checked; free() is due. Errors as of storefile_read. */
long storefile_load(const char *path, uint8_t **bytes, size_t *size) must_check;
/* Why reading or writing failed, as the end of a sentence that begins with the path. */
const char *storefile_problem(long error);

/* Makes this process the only one to change the store at `path`, and waits until it may be; creates the directories on
 * the way. A descriptor, which is closed to end it, or -errno. */
long storefile_lock(const char *path) must_check;
/* Where the store is by default: $K23_STORE, or the user's or the system's; NULL when there is no home. Free it. */
char *store_default_path(void);
/* The path with something appended: the log's ".log". NULL: out of memory. */
char *store_beside(const char *path, const char *suffix);

/* The file of an id, or NULL. */
struct known_file *storefile_find(const struct storefile *store, const struct store_id *id);
/* Adds an analysis, the newest: its plans replace what was there of the file, and sites that were observed stay so.
 * *observed, if not NULL, becomes how many sites are observed that were not before. 0 or -ENOMEM. */
long storefile_add(struct storefile *store, const char *path, const struct analysis *analysis, uint32_t *observed)
	must_check;
/* Adds another store. Files that both have keep their plans and get the other's observations. */
long storefile_merge(struct storefile *store, const struct storefile *other) must_check;
/* Adds a file's key, once. */
long storefile_add_key(struct known_file *file, const struct store_key *key) must_check;
/* Forgets a file. */
void storefile_remove(struct storefile *store, size_t index);
/* Whether it may be in a store: an id, and sites by offset whose parts fit together. */
bool known_valid(const struct known_file *file);
/* The site at an offset, or NULL. */
struct store_site *known_site(const struct known_file *file, uint64_t offset);

#endif
