/*
 * The part of the report of `k23 stat` that says where calls were made, which way they took, and why.
 */
#ifndef CLI_STAT_SITES_H
#define CLI_STAT_SITES_H

#include <stdint.h>
#include <stdio.h>

#include <k23/counters.h>

struct json_object;

/* One site, or all of a file, or all. */
struct stat_site_row {
	char *path; /* NULL: no file */
	uint64_t offset;
	uint64_t calls, fast; /* all; by the fast path */
	const char *why;      /* why the others were not; NULL if there are none */
};

struct stat_sites {
	struct stat_site_row *sites; /* most guarded calls first */
	size_t site_count;
	struct stat_site_row *files; /* most calls first */
	size_t file_count;
	struct stat_site_row total;
};

/* store: its path, or NULL; it knows why sites are not patched. patched: whether any may be. */
void stat_sites_read(struct stat_sites *report, const struct k23_counters *counters, const char *store, bool patched);
/* all: the sites, too. */
void stat_sites_print(FILE *output, const struct stat_sites *report, bool all);
/* Adds "fast" and "sites". */
void stat_sites_json(struct json_object *object, const struct stat_sites *report);
void stat_sites_free(struct stat_sites *report);

#endif
