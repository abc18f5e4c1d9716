/*
 * k23 analyze: finds the system call instructions of files, and puts them into the store.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/store_use.h"

static void print_report(const char *path, const struct analysis *analysis, bool verbose)
{
	uint32_t reasons[STORE_REASONS], refused;

	analysis_count(analysis->sites, analysis->site_count, reasons);
	refused = analysis->site_count - reasons[STORE_PLANNED];
	printf("%s: %" PRIu32 " sites, %" PRIu32 " planned, %" PRIu32 " refused", path, analysis->site_count,
	       reasons[STORE_PLANNED], refused);
	for (unsigned i = 0, first = 1; i < STORE_REASONS; i++) {
		if (i == STORE_PLANNED || !reasons[i])
			continue;
		printf("%s%s %" PRIu32, first ? ": " : ", ", reason_name(i), reasons[i]);
		first = 0;
	}
	putchar('\n');
	for (uint32_t i = 0; verbose && i < analysis->site_count; i++)
		if (analysis->sites[i].reason != STORE_PLANNED)
			printf("  0x%" PRIx64 " %s: %s\n", analysis->sites[i].offset,
			       reason_name(analysis->sites[i].reason), reason_text(analysis->sites[i].reason));
}

static bool analyse_one(struct store *store, const char *name, bool verbose)
{
	struct analysis analysis;
	char *path = realpath(name, NULL);
	long r = path ? analyse_file(path, NULL, 0, &analysis) : -errno;

	if (r != 0) {
		complain("%s: %s", name, store_use_analysis_problem(r));
		free(path);
		return false;
	}
	if (store_add(store, path, &analysis, NULL) != 0)
		die(EXIT_K23, "out of memory");
	print_report(name, &analysis, verbose);
	analysis_free(&analysis);
	free(path);
	return true;
}

enum { STORE = 0x100, SYSTEM };

static const struct option_row analyze_options[] = {
	{ "store", 0, "FILE",
	  "the store; by default $XDG_CACHE_HOME/k23/sites or\n~/.cache/k23/sites, for root /var/lib/k23/sites",
	  STORE, NULL },
	{ "system", 0, NULL, "the store is /var/lib/k23/sites, which the runs of every user\nuse", SYSTEM, NULL },
	{ "verbose", 'v', NULL, "also a line for each instruction that cannot be patched,\nwith the reason", 0, NULL },
	{ 0 },
};

static int analyze(int argc, char **argv)
{
	const char *name = NULL;
	char *path;
	bool verbose = false, all = true;
	struct store store, known = { 0 };
	int option, lock;

	while ((option = option_next(&command_analyze, argc, argv)) != -1) {
		if (option == STORE)
			name = optarg;
		else if (option == SYSTEM)
			name = STORE_SYSTEM;
		else if (option == 'v')
			verbose = true;
	}
	if (optind == argc)
		die_usage("analyze", "no file is given");
	path = store_use_path(name);
	store_use_check(path);
	for (int i = optind; i < argc; i++)
		all = analyse_one(&known, argv[i], verbose) && all;
	lock = store_use_change(&store, path);
	/* The plans of this analysis are the newest. */
	if (store_merge(&known, &store) != 0)
		die(EXIT_K23, "out of memory");
	store_use_write(&known, path, lock);
	store_free(&store);
	store_free(&known);
	free(path);
	return all ? 0 : 1;
}

const struct command command_analyze = {
	.name = "analyze",
	.run = analyze,
	.summary = "find the system call instructions of files, and how each can be patched",
	.usage = "[OPTIONS] FILE...",
	.about = "Finds the system call instructions of programs and libraries, and how each can be patched, and\n"
		 "keeps that in the store, where `k23 run` looks it up. Prints a line for each file.\n",
	.options = { analyze_options },
	.after = "Exit status: 0, 1 when one of the files could not be analysed, 125 when k23 fails.",
};
