#include <stdbool.h>

#include "cli/stat/sites.h"

#include <k23/types.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/stat/counts.h"
#include "sites/identity.h"

static const char no_file[] = "(no file)";

static uint64_t guarded(const struct stat_site_row *row)
{
	return row->calls - row->fast;
}

/* What the store knows of the file at a path. */
static struct known_file *find_known(const struct store *store, const char *path)
{
	struct store_id id;
	struct stat status;

	return identity_of_path(path, &id, &status) == 0 ? store_find(store, &id) : NULL;
}

static const char *explain_guarded(const struct store *store, const struct stat_site_row *row, bool patched)
{
	const struct known_file *known;
	const struct store_site *site;

	if (!patched)
		return "nothing is patched (--no-patch)";
	if (!row->path)
		return "code that is in no file";
	known = find_known(store, row->path);
	site = known ? known_site(known, row->offset) : NULL;
	if (!site)
		return "not learned yet";
	if (!(site->flags & STORE_VERIFIED))
		return reason_text(site->reason);
	if (!(site->flags & STORE_OBSERVED))
		return "not observed before";
	return "learned since, or not patched in that process (its store, its %gs)";
}

char *stat_sites_path(const struct k23_counters *counters, uint32_t path)
{
	const struct k23_counter_path *entry = &counters->paths[path];

	if (path >= K23_COUNTERS_PATHS || !__atomic_load_n(&entry->known, __ATOMIC_ACQUIRE) ||
	    entry->text >= K23_COUNTERS_TEXT)
		return NULL;
	return strndup(counters->text + entry->text, K23_COUNTERS_TEXT - entry->text);
}

static void add_to(struct stat_site_row *sum, const struct stat_site_row *row)
{
	sum->calls += row->calls;
	sum->fast += row->fast;
}

static bool same_file(const struct stat_site_row *a, const struct stat_site_row *b)
{
	return a->path && b->path ? strcmp(a->path, b->path) == 0 : a->path == b->path;
}

static void add_site(struct stat_sites *report, const struct stat_site_row *row)
{
	size_t i = 0;

	report->sites[report->site_count++] = *row;
	add_to(&report->total, row);
	while (i < report->file_count && !same_file(&report->files[i], row))
		i++;
	if (i == report->file_count)
		report->files[report->file_count++] = (struct stat_site_row){ .path = row->path };
	add_to(&report->files[i], row);
}

static int by_guarded(const void *a, const void *b)
{
	const struct stat_site_row *x = a, *y = b;

	if (guarded(x) != guarded(y))
		return guarded(x) < guarded(y) ? 1 : -1;
	return x->calls < y->calls;
}

static int by_calls(const void *a, const void *b)
{
	uint64_t x = ((const struct stat_site_row *)a)->calls, y = ((const struct stat_site_row *)b)->calls;

	return (x < y) - (x > y);
}

void stat_sites_read(struct stat_sites *report, const struct k23_counters *counters, const struct store *known,
		     bool patched)
{
	*report = (struct stat_sites){
		.sites = calloc(K23_COUNTERS_SITES + 1, sizeof(*report->sites)),
		.files = calloc(K23_COUNTERS_SITES + 1, sizeof(*report->files)),
	};
	if (!report->sites || !report->files)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i <= K23_COUNTERS_SITES; i++) {
		const struct k23_counter_site *site = i < K23_COUNTERS_SITES ? &counters->sites[i] : NULL;
		struct stat_site_row row = {
			.fast = stat_counts_site(counters, i, K23_BY_SITE),
			.calls = stat_counts_site(counters, i, K23_BY_GUARD),
		};

		row.calls += row.fast;
		if (!row.calls)
			continue;
		if (site && __atomic_load_n(&site->known, __ATOMIC_ACQUIRE)) {
			row.path = stat_sites_path(counters, site->path);
			row.offset = site->offset;
		}
		if (guarded(&row))
			row.why = explain_guarded(known, &row, patched);
		add_site(report, &row);
	}
	qsort(report->sites, report->site_count, sizeof(report->sites[0]), by_guarded);
	qsort(report->files, report->file_count, sizeof(report->files[0]), by_calls);
}

static double share(const struct stat_site_row *row)
{
	return row->calls ? 100 * (double)row->fast / (double)row->calls : 0;
}

void stat_sites_print(FILE *output, const struct stat_sites *report, bool all)
{
	fprintf(output, "\n%6s %9s %9s %s\n------ --------- --------- ----------------\n", "% fast", "fast", "guarded",
		"file");
	for (size_t i = 0; i < report->file_count; i++) {
		const struct stat_site_row *file = &report->files[i];

		fprintf(output, "%6.2f %9llu %9llu %s\n", share(file), (unsigned long long)file->fast,
			(unsigned long long)guarded(file), file->path ? file->path : no_file);
		for (size_t k = 0; all && k < report->site_count; k++) {
			const struct stat_site_row *site = &report->sites[k];

			if (same_file(site, file))
				fprintf(output, "%6.2f %9llu %9llu   0x%llx%s%s\n", share(site),
					(unsigned long long)site->fast, (unsigned long long)guarded(site),
					(unsigned long long)site->offset, site->why ? ": " : "",
					site->why ? site->why : "");
		}
	}
	fprintf(output, "------ --------- --------- ----------------\n%6.2f %9llu %9llu total\n", share(&report->total),
		(unsigned long long)report->total.fast, (unsigned long long)guarded(&report->total));
}

void stat_sites_json(struct json_object *object, const struct stat_sites *report)
{
	struct json_object *sites = json_object_new_array();

	json_object_object_add(object, "fast", json_object_new_uint64(report->total.fast));
	for (size_t i = 0; i < report->site_count; i++) {
		const struct stat_site_row *row = &report->sites[i];
		struct json_object *site = json_object_new_object();

		json_object_object_add(site, "file", row->path ? json_object_new_string(row->path) : NULL);
		json_object_object_add(site, "offset", json_object_new_uint64(row->offset));
		json_object_object_add(site, "calls", json_object_new_uint64(row->calls));
		json_object_object_add(site, "fast", json_object_new_uint64(row->fast));
		json_object_object_add(site, "why", row->why ? json_object_new_string(row->why) : NULL);
		json_object_array_add(sites, site);
	}
	json_object_object_add(object, "sites", sites);
}

void stat_sites_free(struct stat_sites *report)
{
	for (size_t i = 0; i < report->site_count; i++)
		free(report->sites[i].path);
	free(report->sites);
	free(report->files);
}
