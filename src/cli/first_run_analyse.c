/*
 * The part of a first run that takes the libraries of an analysis: the front leaves it to the tool.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/first_run.h"
#include "sites/needed.h"
#include "sites/store.h"

static void analyse(const struct launch *launch, const char *path, struct needed *needed, struct store *found)
{
	struct analysis analysis;
	struct elf_file elf;
	struct stat status;

	if (stat(path, &status) != 0 || status.st_size > FIRST_RUN_MAX_SIZE || elf_file_open(&elf, path) != 0)
		return;
	needed_add_of(needed, &elf, path);
	if (!first_run_knows(launch, path) && analyse_elf(&elf, NULL, 0, &analysis) == 0) {
		if (store_add(found, path, &analysis, NULL) != 0)
			complain("out of memory");
		analysis_free(&analysis);
	}
	elf_file_close(&elf);
}

/* Puts what was found under what the store has by now. */
static void write_store(const char *path, const struct store *found)
{
	struct store store;
	long lock = store_lock(path), r = lock;

	if (lock < 0)
		return;
	r = store_read(&store, path);
	if (r == 0 || r == -ENOENT)
		r = store_merge(&store, found);
	if (r == 0)
		r = store_write(&store, path);
	store_free(&store);
	close((int)lock);
}

void first_run_analyse(const struct launch *launch, const char *executable)
{
	struct needed needed = { 0 };
	struct store found = { 0 };

	needed_add(&needed, executable);
	for (size_t i = 0; i < needed.paths.count; i++)
		analyse(launch, needed.paths.at[i], &needed, &found);
	if (found.files.count)
		write_store(launch->store, &found);
	store_free(&found);
	needed_free(&needed);
}
