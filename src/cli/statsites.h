/*
 * The part of the report of `k23 stat` that says where calls were made, which way they took, and why.
 */
#ifndef CLI_STATSITES_H
#define CLI_STATSITES_H

#include <stdint.h>
#include <stdio.h>

#include <k23/counters.h>

struct json_object;

/* One site, or all of a file, or all. */
struct site_row {
	char *path; /* NULL: no file */
	uint64_t offset;
	uint64_t calls, fast; /* all; by the fast path */
	const char *why;      /* why the others were not; NULL if there are none */
};

struct site_report {
	struct site_row *sites; /* most guarded calls first */
	size_t site_count;
	struct site_row *files; /* most calls first */
	size_t file_count;
	struct site_row total;
};

/* store: its path, or NULL; it knows why sites are not patched. patched: whether any may be. */
void site_report_read(struct site_report *report, const struct k23_counters *counters, const char *store, bool patched);
/* all: the sites, too. */
void site_report_print(FILE *output, const struct site_report *report, bool all);
/* Adds "fast" and "sites". */
void site_report_json(struct json_object *object, const struct site_report *report);
void site_report_free(struct site_report *report);

#endif
