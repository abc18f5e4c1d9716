/*
 * Bytes that grow.
 */
#ifndef CLI_BYTES_H
#define CLI_BYTES_H

#include <stddef.h>

struct bytes {
	unsigned char *data;
	size_t size, room;
};

void bytes_add(struct bytes *to, const void *data, size_t size);

#endif
