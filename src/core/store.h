/*
 * Looking things up in a store (abi/store.h), which may be damaged, or made by an attacker: everything is checked,
 * and read by a function that may fail. ctx: any
 */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "abi/store.h"
#include "abi/syscall.h"

/* Reads from the store's bytes. 0 or -errno. */
typedef long core_read_fn(const void *context, uint64_t offset, void *to, size_t size);

struct core_store {
	core_read_fn *read;
	const void *context;
	struct store_header header;
};

/* size: of the file. 0, -EINVAL for what is no store of this version or points outside itself, or read's error. */
long core_store_open(struct core_store *store, core_read_fn *read, const void *context, uint64_t size) must_check;
/* Finds a file by its id, or by a key, whose last two members are not looked at, but filled in: 0 with *file filled in,
 * -ENOENT, or -EINVAL. */
long core_store_find(const struct core_store *store, const struct store_id *id, struct store_file *file) must_check;
long core_store_find_key(const struct core_store *store, struct store_key *key, struct store_file *file)
	must_check;
/* Reads sites of a run from the index `first` on. Returns how many (up to count), or -EINVAL. */
long core_store_sites(const struct core_store *store, const struct store_run *run, uint32_t first,
		      struct store_site *sites, uint32_t count) must_check;
/* Finds the run's site at an offset: 0, -ENOENT or -EINVAL. */
long core_store_site(const struct core_store *store, const struct store_run *run, uint64_t offset,
		     struct store_site *site) must_check;

/* The bit of the group that a program belongs to, by the name of its file; `path` may have directories in front of
 * it. */
uint32_t core_store_program(const char *path);

/* The bucket with which a search for an id or a key begins, and so the first one that may be filled with it. */
uint64_t core_store_id_hash(const struct store_id *id);
uint64_t core_store_key_hash(const struct store_key *key);

#endif
