/*
 * Whether what the store knows of a file still holds.
 */
#ifndef SITES_CHECK_H
#define SITES_CHECK_H

#include "sites/storefile.h"

enum check_result {
	CHECK_SAME,
	CHECK_CHANGED, /* another file is there now */
	CHECK_GONE,    /* none that could be one */
};

/* Looks at the file at its path: its identity, and the bytes that plans rely on. 0, or -errno when it cannot tell. */
long check_file(const struct known_file *file, enum check_result *result) must_check;

#endif
