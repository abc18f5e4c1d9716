/*
 * The files that the calls of a run named, as `k23 stat --html` reports them.
 */
#ifndef CLI_STAT_FILES_H
#define CLI_STAT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include <k23/counters.h>

struct stat_file {
	char *path;
	uint64_t calls, errors, cycles;
};

struct stat_files {
	struct stat_file *rows; /* most calls first */
	size_t count;
	uint64_t unlisted; /* calls that named files for which there was no room */
};

void stat_files_read(struct stat_files *files, const struct k23_counters *counters);
void stat_files_free(struct stat_files *files);

#endif
