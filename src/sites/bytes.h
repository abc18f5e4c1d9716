/*
 * The bytes of a file, in memory.
 */
#ifndef SITES_BYTES_H
#define SITES_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "abi/syscall.h"

struct bytes {
	const uint8_t *at;
	size_t size;
};

/* Reads some of them, a core_read_fn: 0, or -EBADMSG when they are not there. */
long bytes_read(const void *context, uint64_t offset, void *to, size_t size) must_check;

/* Has the kernel make writable memory ready that is about to be filled: one call instead of a fault for each page. */
void bytes_populate(void *at, size_t size);

/* Reads a file from its begin. 0, -ENODATA when it has less than `size` bytes, or another -errno. */
long bytes_load(int fd, uint8_t *to, size_t size) must_check;

#endif
