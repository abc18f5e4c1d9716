/*
 * What a file is known by.
 */
#ifndef SITES_IDENTITY_H
#define SITES_IDENTITY_H

#include "sites/elf_file.h"

/* Its build-id, or else the SHA-256 of its bytes. 0 or -errno. */
long identity_of(const struct elf_file *elf, struct store_id *id) must_check;
/* The same for a file that has a build-id, without reading all of it; -ENOENT when it has none. */
long identity_of_path(const char *path, struct store_id *id, struct stat *status) must_check;

/* The key of a file as stat shows it. False when it was changed so lately that it may change again unseen. */
bool identity_key(const struct stat *status, struct store_key *key);

#endif
