#include "cli/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

void bytes_add(struct bytes *to, const void *data, size_t size)
{
	if (!size)
		return; /* memcpy() takes no NULL */
	if (to->size + size > to->room) {
		to->room = 2 * (to->size + size);
		to->data = realloc(to->data, to->room);
		if (!to->data)
			die(EXIT_K23, "out of memory");
	}
	memcpy(to->data + to->size, data, size);
	to->size += size;
}
