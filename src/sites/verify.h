/*
 * Verifying that what the store knows of a file still holds.
 */
#ifndef SITES_VERIFY_H
#define SITES_VERIFY_H

#include "sites/store.h"

enum verify_result {
	VERIFY_SAME,
	VERIFY_CHANGED, /* another file is at its path now */
	VERIFY_GONE,    /* no file is there */
	VERIFY_WRONG,   /* a plan says something else of the file's bytes than these do */
	VERIFY_VSYSCALL, /* the file names an address of the vsyscall page, and its key says that it names none */
};

/* Compares the file at the path with what is known: its identity, the bytes that plans rely on, and what its key
 * says. 0, or -errno when the file cannot be read. */
long verify_file(const struct known_file *file, enum verify_result *result) must_check;

#endif
