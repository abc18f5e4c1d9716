/*
 * The part of the report of `k23 stat` that says where calls were made, which way they took, and why.
 */
#ifndef CLI_STAT_SITES_H
#define CLI_STAT_SITES_H

#include <stdint.h>
#include <stdio.h>

#include <k23/counters.h>

#include "sites/store.h"

struct json_object;

/* The calls of one site, of all sites of a file, or of all sites. */
struct stat_site_row {
	char *path; /* NULL: no file */
	uint64_t offset;
	uint64_t calls, fast; /* all calls; those by the fast path */
	const char *why;      /* why other calls went by the guard; NULL if there are none */
};

struct stat_sites {
	struct stat_site_row *sites; /* most guarded calls first */
	size_t site_count;
	struct stat_site_row *files; /* most calls first */
	size_t file_count;
	struct stat_site_row total;
};

/* known: the store, which knows why sites are not patched. patched: whether sites may be patched. */
void stat_sites_read(struct stat_sites *report, const struct k23_counters *counters, const struct store *known,
		     bool patched);
/* A path of the counters' table, to be freed; NULL: it is not known. */
char *stat_sites_path(const struct k23_counters *counters, uint32_t path);
/* all: also each site. */
void stat_sites_print(FILE *output, const struct stat_sites *report, bool all);
/* Adds "fast" and "sites" to the report's object. */
void stat_sites_json(struct json_object *object, const struct stat_sites *report);
void stat_sites_free(struct stat_sites *report);

#endif
