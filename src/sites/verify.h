/*
 * Whether what the store knows of a file still holds.
 */
#ifndef SITES_VERIFY_H
#define SITES_VERIFY_H

#include "sites/store.h"

enum verify_result {
	VERIFY_SAME,
	VERIFY_CHANGED, /* another file is there now */
	VERIFY_GONE,    /* none that could be one */
};

/* Looks at the file at its path: its identity, and the bytes that plans rely on. 0, or -errno when it cannot tell. */
long verify_file(const struct known_file *file, enum verify_result *result) must_check;

#endif
