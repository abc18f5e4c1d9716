#include "cli/hook_spec.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/self.h"
#include "version.h"

void hook_spec_add(FILE *spec, const char *option, bool first)
{
	fputc(first ? ':' : ',', spec);
	for (; *option; option++) {
		if (*option == ',' || *option == '\\')
			fputc('\\', spec);
		fputc(*option, spec);
	}
}

/* Adds KEY=TEXT. */
static void add_text(FILE *spec, const char *key, const char *text, bool first)
{
	char *option;

	if (asprintf(&option, "%s=%s", key, text) < 0)
		die(EXIT_K23, "out of memory");
	hook_spec_add(spec, option, first);
	free(option);
}

static char *read_policy(const char *path)
{
	FILE *file = fopen(path, "re"), *memory;
	char *text, part[4096];
	size_t size, n;

	memory = file ? open_memstream(&text, &size) : NULL;
	if (!memory)
		die(EXIT_K23, "cannot read the policy %s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		fwrite(part, 1, n, memory);
	if (ferror(file))
		die(EXIT_K23, "cannot read the policy %s: %s", path, strerror(errno));
	if (fclose(memory) != 0)
		die(EXIT_K23, "out of memory");
	fclose(file);
	if (strlen(text) != size)
		die(EXIT_K23, "the policy %s is no text: it has a NUL in it", path);
	return text;
}

const char *hook_spec_of_policy(const char *spec)
{
	size_t length = strcspn(spec, ":"), size;
	char *path, *text, *written;
	FILE *memory;

	if (length < 3 || strncmp(spec + length - 3, ".py", 3) != 0)
		return spec;
	path = strndup(spec, length);
	if (path && !(written = realpath(path, NULL)))
		die(EXIT_K23, "cannot read the policy %s: %s", path, strerror(errno));
	free(path);
	path = path ? written : NULL;
	memory = path ? open_memstream(&written, &size) : NULL;
	if (!memory)
		die(EXIT_K23, "out of memory");
	text = read_policy(path);
	fputs("python", memory);
	add_text(memory, "file", path, true);
	add_text(memory, "text", text, false);
	if (spec[length] && spec[length + 1])
		fprintf(memory, ",%s", spec + length + 1);
	if (fclose(memory) != 0)
		die(EXIT_K23, "out of memory");
	free(path);
	free(text);
	return written;
}

/* The file of a hook that comes with k23: beside the tool in a build tree, or where hooks are installed. */
static char *shipped_hook(const char *name)
{
	static const char *const places[] = { "%s/hooks", ("%s/../" K23_HOOK_SUBDIR), K23_HOOK_DIR };
	char *self = self_path(), *path = NULL, *tried = NULL;
	const char *beside = self ? dirname(self) : NULL;
	size_t size;
	FILE *list = open_memstream(&tried, &size);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && list; i++) {
		char *directory;

		if (!self && strchr(places[i], '%'))
			continue;
		if (asprintf(&directory, places[i], beside) < 0 || asprintf(&path, "%s/%s.so", directory, name) < 0)
			break;
		fprintf(list, "%s%s", ftell(list) ? ", " : "", directory);
		free(directory);
		if (access(path, R_OK) == 0) {
			fclose(list);
			free(tried);
			free(self);
			return path;
		}
		free(path);
	}
	if (!list || fclose(list) != 0)
		die(EXIT_K23, "out of memory");
	if (strcmp(name, "python") == 0)
		die(EXIT_K23, "this k23 was built without Python, which policies need: install libpython3.11-dev, and "
			      "build it again (there is no python.so in %s)", tried);
	die(EXIT_K23, "there is no hook %s among those that come with k23, in %s; a hook of your own is named by a "
		      "path with a slash", name, tried);
}

char *hook_spec_file(const char *spec, const char **options)
{
	const char *colon = strchr(spec, ':');
	char *real, *file = colon ? strndup(spec, (size_t)(colon - spec)) : strdup(spec);

	if (!file)
		die(EXIT_K23, "out of memory");
	*options = colon ? colon + 1 : "";
	if (strchr(file, '/')) {
		/* A k23 that runs inside this one opens the file again, perhaps from another directory. */
		real = realpath(file, NULL);
		if (!real)
			return file;
		free(file);
		return real;
	}
	real = shipped_hook(file);
	free(file);
	return real;
}
