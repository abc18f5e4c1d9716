#include "cli/storeuse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

char *storeuse_path(const char *option)
{
	char *path = option ? store_beside(option, "") : store_default_path();

	if (!path)
		die(EXIT_K23, "there is no HOME to keep the store in: --store names one");
	if (!*path)
		die(EXIT_K23, "the name of the store is empty");
	return path;
}

void storeuse_read(struct storefile *store, const char *path)
{
	long r = storefile_read(store, path);

	if (r != 0 && r != -ENOENT)
		die(EXIT_K23, "%s %s%s", path, r == -EACCES ? "cannot be read: " : "", storefile_problem(r));
}

int storeuse_change(struct storefile *store, const char *path)
{
	long lock = storefile_lock(path);

	if (lock < 0)
		die(EXIT_K23, "%s cannot be locked: %s", path, strerror((int)-lock));
	storeuse_read(store, path);
	return (int)lock;
}

void storeuse_write(const struct storefile *store, const char *path, int lock)
{
	long r = storefile_write(store, path);

	if (r != 0)
		die(EXIT_K23, "%s cannot be written: %s", path, r == -EFBIG ? "it would be too large" : strerror((int)-r));
	close(lock);
}

const char *storeuse_analysis_problem(long error)
{
	switch (error) {
	case -ENOEXEC:
		return "is no 64-bit x86 program or library";
	case -ESTALE:
		return "was changed while it was read";
	case -E2BIG:
		return "has tables that do not make sense";
	default:
		return strerror((int)-error);
	}
}
