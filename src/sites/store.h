/*
 * The store (abi/store.h) as a file: reading all of it, changing it, and putting it in place.
 */
#ifndef SITES_STORE_H
#define SITES_STORE_H

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

struct store {
	ARRAY(struct known_file) files;
};

/* Reads the store at `path`. 0; -ENOENT: there is none, and *store is empty; or what store_problem() explains.
 * On success store_free() is due. */
long store_read(struct store *store, const char *path) must_check;
/* The same for bytes; -EINVAL, -EPROTO or -EBADMSG for those that are no store. */
long store_parse(struct store *store, const uint8_t *bytes, size_t size) must_check;
/* Puts the store in place at `path`, for whoever holds the lock: by rename, when all of it is on the disk. */
long store_write(const struct store *store, const char *path) must_check;
void store_free(struct store *store);
/* The bytes of the store at `path`, which are checked; free() is due. Errors as of store_read. */
long store_load(const char *path, uint8_t **bytes, size_t *size) must_check;
/* Why reading or writing failed, as the end of a sentence that begins with the path. */
const char *store_problem(long error);

/* Makes this process the only one to change the store at `path`, and waits until it may be; creates the directories on
 * the way. A descriptor, which is closed to end it, or -errno. */
long store_lock(const char *path) must_check;
/* Where the store is by default: $K23_STORE, or the user's or the system's; NULL when there is no home. Free it. */
char *store_default_path(void);
/* The path with something appended: the log's ".log". NULL: out of memory. */
char *store_beside(const char *path, const char *suffix);

/* The file of an id, or NULL. */
struct known_file *store_find(const struct store *store, const struct store_id *id);
/* Adds an analysis, the newest: its plans replace what was there of the file, and sites that were observed stay so.
 * *observed, if not NULL, becomes how many sites are observed that were not before. 0 or -ENOMEM. */
long store_add(struct store *store, const char *path, const struct analysis *analysis, uint32_t *observed)
	must_check;
/* Adds another store. Files that both have keep their plans and get the other's observations. */
long store_merge(struct store *store, const struct store *other) must_check;
/* Adds a file's key, once. */
long store_add_key(struct known_file *file, const struct store_key *key) must_check;
/* Forgets a file. */
void store_remove(struct store *store, size_t index);
/* Whether it may be in a store: an id, and sites by offset whose parts fit together. */
bool known_valid(const struct known_file *file);
/* The site at an offset, or NULL. */
struct store_site *known_site(const struct known_file *file, uint64_t offset);

#endif
