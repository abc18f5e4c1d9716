#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/hook_spec.h"

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
