#include "sites/needed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILES 512u

bool needed_add(struct needed *needed, const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		return true;
	for (size_t i = 0; i < needed->paths.count; i++)
		if (strcmp(needed->paths.at[i], real) == 0) {
			free(real);
			return true;
		}
	if (needed->paths.count < MAX_FILES && array_push(&needed->paths, real))
		return true;
	free(real);
	return false;
}

/* Looks for a library in a directory. Returns whether it is there, and was added. */
static bool add_in(struct needed *needed, const char *directory, int length, const char *name)
{
	char *path;
	bool found;

	if (!length || asprintf(&path, "%.*s/%s", length, directory, name) < 0)
		return false;
	found = access(path, R_OK) == 0 && needed_add(needed, path);
	free(path);
	return found;
}

/* The same in a list of directories; $ORIGIN is the directory of the file that has the list. */
static bool add_in_list(struct needed *needed, const char *list, const char *origin, const char *name)
{
	static const char *const words[] = { "$ORIGIN", "${ORIGIN}" };
	int origin_length = (int)(strrchr(origin, '/') - origin);

	for (; list; list = strchr(list, ':') ? strchr(list, ':') + 1 : NULL) {
		int length = (int)strcspn(list, ":");
		char *directory = NULL;
		bool found;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !directory; i++) {
			int word = (int)strlen(words[i]);

			if (strncmp(list, words[i], (size_t)word) == 0 &&
			    asprintf(&directory, "%.*s%.*s", origin_length, origin, length - word, list + word) < 0)
				return false;
		}
		found = add_in(needed, directory ? directory : list, directory ? (int)strlen(directory) : length, name);
		free(directory);
		if (found)
			return true;
	}
	return false;
}

static void add_library(struct needed *needed, const struct elf_file *elf, const char *path, const char *name)
{
	static const char usual[] = "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib:"
				    "/usr/local/lib";

	if (strchr(name, '/'))
		needed_add(needed, name);
	else
		(void)(add_in_list(needed, elf_file_string(elf, DT_RPATH, 0), path, name) ||
		       add_in_list(needed, getenv("LD_LIBRARY_PATH"), path, name) ||
		       add_in_list(needed, elf_file_string(elf, DT_RUNPATH, 0), path, name) ||
		       add_in_list(needed, usual, path, name));
}

bool needed_add_of(struct needed *needed, const struct elf_file *elf, const char *path)
{
	const char *name = elf_file_interpreter(elf);

	if (name)
		needed_add(needed, name);
	for (unsigned i = 0; i < MAX_FILES && (name = elf_file_string(elf, DT_NEEDED, i)) != NULL; i++)
		add_library(needed, elf, path, name);
	return needed->paths.count < MAX_FILES;
}

void needed_free(struct needed *needed)
{
	for (size_t i = 0; i < needed->paths.count; i++)
		free(needed->paths.at[i]);
	free(needed->paths.at);
}
