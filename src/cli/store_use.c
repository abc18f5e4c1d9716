#include "cli/store_use.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/first_run.h"
#include "sites/site_log.h"

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
 * learned. wanted: an option names the store. */
static void take_in_site_log(struct launch *launch, bool wanted)
{
	struct ingest_report report;
	long lock, r = 0;

	if (!launch->keep_log && has_site_log(launch->store))
		r = site_log_ingest(launch->store, LATER_RUN_MAX_SIZE, &report);
	if (r == 0) {
		lock = store_lock(launch->store);
		if (lock >= 0)
			close((int)lock);
		r = lock < 0 ? lock : 0;
	}
	if (r != 0 && wanted && access(launch->store, F_OK) != 0)
		complain("there is no store %s, and none can be made (%s): nothing is patched", launch->store,
			 strerror((int)-r));
	launch->no_learn = r != 0;
}

bool store_use_is_own(const struct launch *launch)
{
	const char *named = getenv("K23_STORE");

	return !launch->store && !(named && *named);
}

/* The result of reading a store. Without a store that was named, what is not for this user's eyes is no store of this
 * user's: another user's HOME, one that is no directory (/dev/null), or what root has for a process that is root in a
 * namespace only. */
static long hide_foreign(long r, const char *path, bool own)
{
	return own && (r == -EACCES || r == -ENOTDIR || (r == -EPERM && strcmp(path, STORE_SYSTEM) == 0)) ? -ENOENT : r;
}

long store_use_load(struct store *store, const char *path, bool own)
{
	struct store system;
	long r = hide_foreign(store_read(store, path), path, own);

	if (!own || strcmp(path, STORE_SYSTEM) == 0 || (r != 0 && r != -ENOENT))
		return r;
	if (store_read(&system, STORE_SYSTEM) != 0)
		return r;
	/* Most libraries, of which the system's store may have them all. */
	store_remove_empty(&system);
	r = store_merge(store, &system);
	store_free(&system);
	return r;
}

/* The bytes of the store that the program gets. */
static long load_bytes(struct launch *launch, bool own)
{
	struct store store;
	long r;

	/* Most often there is one store, whose bytes are as they are to be. */
	if (!own || strcmp(launch->store, STORE_SYSTEM) == 0 || access(STORE_SYSTEM, R_OK) != 0)
		return hide_foreign(store_load(launch->store, &launch->store_bytes, &launch->store_size),
				    launch->store, own);
	r = store_use_load(&store, launch->store, own);
	if (r == 0)
		r = store_image(&store, &launch->store_bytes, &launch->store_size);
	store_free(&store);
	return r;
}

/* If the store does not know the program, the program was never run: analyses it. */
static void meet(struct launch *launch, bool own)
{
	char *executable;

	if (launch->no_learn || launch->no_patch || launch->profile)
		return;
	executable = first_run_of(launch);
	if (executable) {
		first_run_analyse(launch, executable);
		free(launch->store_bytes);
		launch->store_bytes = NULL;
		launch->store_size = 0;
		launch->unmet = load_bytes(launch, own) == 0 && first_run_knows(launch, executable);
	}
	free(executable);
}

void store_use_prepare(struct launch *launch)
{
	bool own = store_use_is_own(launch), wanted = launch->store && !launch->no_learn;
	char *given = launch->store ? strdup(launch->store) : store_default_path();
	long r;

	launch->store = given && *given ? absolute_path(given) : NULL;
	free(given);
	if (!launch->store)
		return;
	if (!launch->no_learn) {
		store_use_put_aside(launch->store); /* if this user may; if not, it is an outdated store below */
		take_in_site_log(launch, wanted);
	}
	if (launch->no_patch && launch->no_learn)
		return;
	r = load_bytes(launch, own);
	if (r == 0 || r == -ENOENT) {
		meet(launch, own);
		return;
	}
	if (own && r == -ESTALE)
		return;
	if (r == -EACCES)
		complain("%s cannot be read: %s; nothing is patched (--store names another)", launch->store,
			 strerror(EACCES));
	else
		complain("%s %s; nothing is patched (`k23 sites prune --reset` starts a new store)", launch->store,
			 store_problem(r));
	launch->no_patch = launch->no_learn = true;
}
