/*
 * What a file is known by.
 */
#ifndef SITES_IDENTITY_H
#define SITES_IDENTITY_H

#include "sites/elf_file.h"

/* The id of a file: its build-id, or else the SHA-256 of its bytes. 0 or -errno. */
long identity_of(const struct elf_file *elf, struct store_id *id) must_check;
/* The id of a file that has a build-id, without reading all of the file. 0, -ENOENT when there is no build-id, or
 * -errno. */
long identity_of_path(const char *path, struct store_id *id, struct stat *status) must_check;

/* The key of a file, from what stat(2) shows. False when the last change is so recent that another could go unseen. */
bool identity_key(const struct stat *status, struct store_key *key);

#endif
