#include "cli/trace/path_filter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/render/memory.h"
#include "core/describe.h"

static void add(struct path_filter *filter, char *path)
{
	filter->paths = reallocarray(filter->paths, filter->count + 1, sizeof(*filter->paths));
	if (!path || !filter->paths)
		die(EXIT_K23, "out of memory");
	filter->paths[filter->count++] = path;
}

void path_filter_add(struct path_filter *filter, const char *path)
{
	add(filter, strdup(path));
}

void path_filter_resolve(struct path_filter *filter, bool quiet)
{
	size_t written = filter->count;

	for (size_t i = 0; i < written; i++) {
		char *path = realpath(filter->paths[i], NULL);

		if (!path || strcmp(path, filter->paths[i]) == 0) {
			free(path);
			continue;
		}
		if (!quiet)
			complain("Requested path \"%s\" resolved into \"%s\"", filter->paths[i], path);
		add(filter, path);
	}
}

static bool has_path(const struct path_filter *filter, const void *path, size_t size)
{
	for (size_t i = 0; i < filter->count; i++)
		if (strlen(filter->paths[i]) == size && memcmp(filter->paths[i], path, size) == 0)
			return true;
	return false;
}

/* Whether one of the paths is at an address. */
static bool has_string(const struct path_filter *filter, const struct call *call, uint64_t address)
{
	char path[K23_PATH_MAX];
	struct piece piece;
	size_t size = 0;

	do {
		if (!memory_piece(call, PHASE_ENTRY, address + size, &piece) || piece.size > sizeof(path) - size)
			return false;
		memcpy(path + size, piece.data, piece.size);
		size += piece.size;
	} while (piece.flags & K23_RING_MORE);
	return has_path(filter, path, size);
}

static bool has_descriptor(const struct path_filter *filter, const struct call *call)
{
	struct piece file;
	size_t at = 0;
	int fd;

	while (memory_next_descriptor(call, PHASE_ENTRY, &at, &fd, &file))
		if (fd != AT_FDCWD && has_path(filter, file.data, file.size - memory_deleted(&file)))
			return true;
	return false;
}

bool path_filter_has(const struct path_filter *filter, const struct call *call)
{
	struct k23_syscall_info info;

	if (!filter->count || has_descriptor(filter, call))
		return true;
	if (!core_describe(call->entry->arch, (long)call->entry->nr, &info))
		return false;
	for (unsigned i = 0; i < info.args; i++)
		if (info.kind[i] == K23_PATH && has_string(filter, call, call->entry->args[i]))
			return true;
	return false;
}
