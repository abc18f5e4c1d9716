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
	ARRAY(struct store_key) keys; /* `file` of these is not used */
};

/* The system's store: root's own, and under that of every other user. */
#define STORE_SYSTEM "/var/lib/k23/sites"

struct store {
	ARRAY(struct known_file) files;
};

/* Reads the store at `path`. 0, and store_free() is due; -ENOENT when there is no store, and *store is empty; or an
 * error that store_problem() explains. */
long store_read(struct store *store, const char *path) must_check;
/* Reads a store from its bytes; -EINVAL, -ESTALE (of an older version), -EPROTO or -EBADMSG when they are no store. */
long store_parse(struct store *store, const uint8_t *bytes, size_t size) must_check;
/* Puts the store in place at `path`, by rename, when all of it is on the disk. The caller holds the lock. */
long store_write(const struct store *store, const char *path) must_check;
/* The bytes of which store_write() would make the file; free() is due. 0, -EFBIG or -ENOMEM. */
long store_image(const struct store *store, uint8_t **bytes, size_t *size) must_check;
void store_free(struct store *store);
/* Reads the bytes of the store at `path`, and checks that they are as they were written: the runtime, too, believes
 * nothing of what they say. free() is due. Errors are those of store_read(). */
long store_load(const char *path, uint8_t **bytes, size_t *size) must_check;
/* Whether there is a store of an older version at `path`, by its header alone. */
bool store_is_outdated(const char *path);
/* Why reading or writing failed, as the end of a sentence that begins with the path. */
const char *store_problem(long error);

/* Waits until this process is the only one that may change the store at `path`; creates the directories of the path.
 * Returns a descriptor, whose close ends the lock, or -errno. */
long store_lock(const char *path) must_check;
/* The store's path if no option names one: $K23_STORE, the user's store, or for root the system's. NULL when there is
 * no home directory; free() is due. */
char *store_default_path(void);
/* The path of a file beside the store: of the site log for the suffix ".log". free() is due; NULL: out of memory. */
char *store_beside(const char *path, const char *suffix);

/* The known file with an id, or NULL. */
struct known_file *store_find(const struct store *store, const struct store_id *id);
/* The known file with a key, or NULL. */
struct known_file *store_find_key(const struct store *store, const struct store_key *key);
/* Adds an analysis. Its plans replace older ones of the file, and sites that were observed stay observed. *observed,
 * if it is not NULL, becomes the number of sites that were not observed before. 0 or -ENOMEM. */
long store_add(struct store *store, const char *path, const struct analysis *analysis, uint32_t *observed)
	must_check;
/* Adds another store. A file that is in both keeps its plans, and gets the other store's observations. */
long store_merge(struct store *store, const struct store *other) must_check;
/* Adds a key to a file, or its flags to the key that the file has. */
long store_add_key(struct known_file *file, const struct store_key *key) must_check;
/* Forgets a file. */
void store_remove(struct store *store, size_t index);
/* Forgets the files without a site. */
void store_remove_empty(struct store *store);
/* Whether a file may be in a store: it has an id, and its sites are sorted by offset and make sense. */
bool known_valid(const struct known_file *file);
/* The key that says the same of stat(2) as `key`, or NULL. */
struct store_key *known_key(const struct known_file *file, const struct store_key *key);
/* The site at an offset, or NULL. */
struct store_site *known_site(const struct known_file *file, uint64_t offset);

#endif
