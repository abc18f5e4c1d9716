#include "cli/store_use.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sites/site_log.h"

char *store_use_path(const char *option)
{
	char *path = option ? store_beside(option, "") : store_default_path();

	if (!path)
		die(EXIT_K23, "there is no HOME to keep the store in: --store names one");
	if (!*path)
		die(EXIT_K23, "the name of the store is empty");
	return path;
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
		die(EXIT_K23, "%s cannot be locked: %s", path, strerror((int)-lock));
	store_use_read(store, path);
	return (int)lock;
}

void store_use_write(const struct store *store, const char *path, int lock)
{
	long r = store_write(store, path);

	if (r != 0)
		die(EXIT_K23, "%s cannot be written: %s", path,
		    r == -EFBIG ? "it would be too large" : strerror((int)-r));
	close(lock);
}

/* An absolute path: the program may be in another directory when its runtime opens the site log. */
static char *absolute_path(const char *path)
{
	char *cwd, *joined;

	if (*path == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&joined, "%s/%s", cwd, path) < 0)
		joined = NULL;
	free(cwd);
	return joined;
}

static bool has_site_log(const char *path)
{
	char *log = store_beside(path, ".log"), *taken = store_beside(path, ".taken");
	bool has = log && taken && (access(log, F_OK) == 0 || access(taken, F_OK) == 0);

	free(log);
	free(taken);
	return has;
}

/* Takes in what was learned, and makes sure that the site log can be written. If this user may not, nothing is
 * learned. */
static void take_in_site_log(struct launch *launch)
{
	struct ingest_report report;
	long lock, r = !launch->keep_log && has_site_log(launch->store) ? site_log_ingest(launch->store, &report) : 0;

	if (r == 0) {
		lock = store_lock(launch->store);
		if (lock >= 0)
			close((int)lock);
		r = lock < 0 ? lock : 0;
	}
	launch->no_learn = r != 0;
}

void store_use_prepare(struct launch *launch)
{
	bool wanted = launch->store && !launch->no_learn;
	char *given = launch->store ? strdup(launch->store) : store_default_path();
	long r;

	launch->store = given && *given ? absolute_path(given) : NULL;
	free(given);
	if (!launch->store)
		return;
	if (!launch->no_learn)
		take_in_site_log(launch);
	if (launch->no_patch)
		return;
	r = store_load(launch->store, &launch->store_bytes, &launch->store_size);
	if (r == -ENOENT && wanted && launch->no_learn)
		complain("there is no store %s, and none can be made: nothing is patched", launch->store);
	if (r == 0 || r == -ENOENT)
		return;
	if (r == -EACCES)
		complain("%s cannot be read: %s; nothing is patched (--store names another)", launch->store,
			 strerror(EACCES));
	else
		complain("%s %s; nothing is patched (`k23 sites prune --reset` starts a new store)", launch->store,
			 store_problem(r));
	launch->no_patch = launch->no_learn = true;
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
