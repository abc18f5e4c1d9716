/*
 * The build-id of an ELF file, or of one that is mapped.
 */
#ifndef CORE_BUILDID_H
#define CORE_BUILDID_H

#include "core/store.h"

/* read: of the file's bytes; an image in memory will do, since notes are in the segment that begins with the ELF header.
 * 0, -ENOENT when it has none, -ENOEXEC when it is no 64-bit x86 ELF file, or read's error. */
long core_build_id(core_read_fn *read, const void *context, struct store_id *id) must_check;

#endif
