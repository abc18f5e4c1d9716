/*
 * The store, for commands that change it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/store_use.h"

char *store_use_path(const char *option)
{
	char *path = option ? store_beside(option, "") : store_default_path();

	if (!path)
		die(EXIT_K23, "there is no HOME to keep the store in: --store names one");
	if (!*path)
		die(EXIT_K23, "the name of the store is empty");
	return path;
}

/* Puts a store of an older version aside. What it knew is learned again. The caller holds the lock. */
static long put_aside_locked(const char *path)
{
	char *aside = store_beside(path, ".old");
	long r = aside ? 0 : -ENOMEM;

	/* Another process may have done it while this one waited for the lock. */
	if (r == 0 && store_is_outdated(path)) {
		r = rename(path, aside) == 0 ? 0 : -errno;
		if (r == 0)
			complain("%s is of an older version of k23's: it is %s now, and a new store begins", path,
				 aside);
	}
	free(aside);
	return r;
}

long store_use_put_aside(const char *path)
{
	long r, lock;

	if (!store_is_outdated(path))
		return 0;
	lock = store_lock(path);
	if (lock < 0)
		return lock;
	r = put_aside_locked(path);
	close((int)lock);
	return r;
}

void store_use_read(struct store *store, const char *path)
{
	long r = store_read(store, path);

	if (r != 0 && r != -ENOENT)
		die(EXIT_K23, "%s %s%s", path, r == -EACCES ? "cannot be read: " : "", store_problem(r));
}

int store_use_change(struct store *store, const char *path)
{
	long lock = store_lock(path);

	if (lock < 0)
		die(EXIT_K23, "%s cannot be changed: %s (--store names another)", path, strerror((int)-lock));
	put_aside_locked(path);
	store_use_read(store, path);
	return (int)lock;
}

void store_use_check(const char *path)
{
	struct store store;

	close(store_use_change(&store, path));
	store_free(&store);
}

void store_use_write(const struct store *store, const char *path, int lock)
{
	long r = store_write(store, path);

	if (r != 0)
		die(EXIT_K23, "%s cannot be written: %s", path,
		    r == -EFBIG ? "it would be too large" : strerror((int)-r));
	close(lock);
}

const char *store_use_analysis_problem(long error)
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
