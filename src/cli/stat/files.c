#include "cli/stat/files.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int by_calls(const void *a, const void *b)
{
	const struct stat_file *x = a, *y = b;

	return x->calls != y->calls ? (x->calls < y->calls) - (x->calls > y->calls) : strcmp(x->path, y->path);
}

void stat_files_read(struct stat_files *files, const struct k23_counters *counters)
{
	*files = (struct stat_files){ calloc(K23_COUNTERS_FILES, sizeof(*files->rows)), 0, counters->files_unlisted };
	if (!files->rows)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i < K23_COUNTERS_FILES; i++) {
		const struct k23_counter_file *file = &counters->files[i];
		struct stat_file *row = &files->rows[files->count];

		if (!file->calls)
			continue;
		if (!file->known || file->text >= K23_COUNTERS_TEXT) {
			files->unlisted += file->calls;
			continue;
		}
		*row = (struct stat_file){ strndup(counters->text + file->text, K23_COUNTERS_TEXT - file->text),
					   file->calls, file->errors, file->cycles };
		if (!row->path)
			die(EXIT_K23, "out of memory");
		files->count++;
	}
	if (files->count)
		qsort(files->rows, files->count, sizeof(files->rows[0]), by_calls);
}

void stat_files_free(struct stat_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->rows[i].path);
	free(files->rows);
}
