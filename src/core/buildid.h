/*
 * The build-id of an ELF file, or of one that is mapped.
 */
#ifndef CORE_BUILDID_H
#define CORE_BUILDID_H

#include "core/store.h"

/* read: of the file's bytes, or of the image's, whose first byte is the file's and whose segments are `image` apart
 * as they are in memory. 0, -ENOENT when it has none, -ENOEXEC when it is no 64-bit x86 ELF file, or read's error. */
long core_build_id(core_read_fn *read, const void *context, bool image, struct store_id *id) must_check;

#endif
