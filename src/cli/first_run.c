#include "cli/first_run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store.h"
#include "inject/script.h"
#include "sites/bytes.h"
#include "sites/identity.h"

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool is_too_large(const char *path)
{
	struct stat status;

	return stat(path, &status) != 0 || status.st_size > FIRST_RUN_MAX_SIZE;
}

/* The program's file, as execvp finds it. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *candidate;

	if (strchr(name, '/'))
		return is_program(name) ? strdup(name) : NULL;
	for (path = path ? path : "/bin:/usr/bin";; path++) {
		size_t length = strcspn(path, ":");

		if (asprintf(&candidate, "%.*s%s%s", (int)length, path, length ? "/" : "", name) < 0)
			return NULL;
		if (*name && is_program(candidate))
			return candidate;
		free(candidate);
		path += length;
		if (!*path)
			return NULL;
	}
}

static ssize_t read_head(const char *path, char *head, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = pread(fd, head, size, 0);
	close(fd);
	return got;
}

static bool open_store(const struct launch *launch, const struct bytes *bytes, struct core_store *store)
{
	return core_store_open(store, bytes_read, bytes, launch->store_size) == 0;
}

bool first_run_knows(const struct launch *launch, const char *path)
{
	struct bytes bytes = { launch->store_bytes, launch->store_size };
	struct core_store store;
	struct store_file file;
	struct store_key key;
	struct store_id id;
	struct stat status;

	if (!open_store(launch, &bytes, &store) || stat(path, &status) != 0)
		return false;
	identity_key(&status, &key);
	return core_store_find_key(&store, &key, &file) == 0 ||
	       (identity_of_path(path, &id, &status) == 0 && core_store_find(&store, &id, &file) == 0);
}

/* Whether programs of the same name were learned. */
static bool was_learned(const struct launch *launch, const char *path)
{
	struct bytes bytes = { launch->store_bytes, launch->store_size };
	struct core_store store;

	return open_store(launch, &bytes, &store) && store.header.programs & core_store_program(path);
}

char *first_run_of(const struct launch *launch)
{
	char *path = find_program(launch->argv[0]);
	bool known = path && was_learned(launch, path);

	for (int level = 0; path && !known && level < SCRIPT_MAX_FILES; level++) {
		char head[SCRIPT_HEAD_SIZE + 1];
		struct script script;
		ssize_t size;

		known = first_run_knows(launch, path);
		size = known ? 0 : read_head(path, head, SCRIPT_HEAD_SIZE);
		if (size <= 0 || !script_is(head, size) || !script_parse(head, size, &script))
			break;
		free(path);
		path = is_program(script.interpreter) ? strdup(script.interpreter) : NULL;
	}
	if (path && !known && !is_too_large(path))
		return path;
	free(path);
	return NULL;
}
