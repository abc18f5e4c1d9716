/*
 * The build-id of an ELF file. ctx: any
 */
#ifndef CORE_BUILD_ID_H
#define CORE_BUILD_ID_H

#include "core/store.h"

/* Finds the build-id in the bytes that `read` gives: those of the file, or of its image in memory, where the notes
 * are in the segment that begins with the ELF header. 0, -ENOENT when the file has no build-id, -ENOEXEC when it is
 * no 64-bit x86 ELF file, or the error of `read`. */
long core_build_id(core_read_fn *read, const void *context, struct store_id *id) must_check;

#endif
