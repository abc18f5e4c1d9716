/*
 * Looking things up in a store (abi/store.h) that may be corrupt, or somebody's trap:
 * everything is read through a function that may fail, and checked.
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
/* 0 with *file filled in, -ENOENT, or -EINVAL. The key's `file` does not matter. */
long core_store_find(const struct core_store *store, const struct store_id *id, struct store_file *file) must_check;
long core_store_find_key(const struct core_store *store, const struct store_key *key, struct store_file *file)
	must_check;
/* Reads sites of a run from the index `first` on. Returns how many (up to count), or -EINVAL. */
long core_store_sites(const struct core_store *store, const struct store_run *run, uint32_t first,
		      struct store_site *sites, uint32_t count) must_check;
/* The run's site at an offset: 0, -ENOENT or -EINVAL. */
long core_store_site(const struct core_store *store, const struct store_run *run, uint64_t offset,
		     struct store_site *site) must_check;

/* The bit of a program's group. path: of its file, with or without directories. */
uint32_t core_store_program(const char *path);

/* Where a search in the buckets begins; they are filled by the same functions. */
uint64_t core_store_id_hash(const struct store_id *id);
uint64_t core_store_key_hash(const struct store_key *key);

#endif
