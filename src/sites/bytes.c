#include "sites/bytes.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/kernel.h"
#include "core/page.h"

long bytes_read(const void *context, uint64_t offset, void *to, size_t size)
{
	const struct bytes *bytes = context;

	if (offset > bytes->size || size > bytes->size - offset)
		return -EBADMSG;
	memcpy(to, bytes->at + offset, size);
	return 0;
}

void bytes_populate(void *at, size_t size)
{
	uintptr_t start = core_page_up((uintptr_t)at), end = core_page_down((uintptr_t)at + size);

	if (start < end)
		madvise((void *)start, end - start, MADV_POPULATE_WRITE);
}

long bytes_load(int fd, uint8_t *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = pread(fd, to + at, size - at, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENODATA;
		at += (size_t)got;
	}
	return 0;
}
