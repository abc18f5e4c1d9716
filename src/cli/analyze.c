/*
 * k23 analyze: finds the system call instructions of files, and puts them into the store.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/store_use.h"

static const char help[] =
	"usage: k23 analyze [OPTIONS] FILE...\n"
	"\n"
	"Finds the system call instructions of programs and libraries, and how each can be patched, and keeps\n"
	"that in the store, where `k23 run` looks it up. Prints a line for each file.\n"
	"\n"
	"  --store=FILE   the store; by default $XDG_CACHE_HOME/k23/sites or ~/.cache/k23/sites, for root\n"
	"                 /var/lib/k23/sites\n"
	"  -v, --verbose  also a line for each instruction that cannot be patched, with the reason\n"
	"\n"
	"Exit status: 0, 1 when one of the files could not be analysed, 125 when k23 fails.\n";

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

int command_analyze(int argc, char **argv)
{
	static const struct option options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *name = NULL;
	char *path;
	bool verbose = false, all = true;
	struct store store, known;
	int option, lock;

	while ((option = next_option("analyze", argc, argv, "vh", options)) != -1) {
		if (option == 's')
			name = optarg;
		else if (option == 'v')
			verbose = true;
		else
			return fputs(help, stdout), 0;
	}
	if (optind == argc)
		die_usage("analyze", "no file is given");
	path = store_use_path(name);
	store_use_read(&known, path); /* a store that cannot be used ends the command before the analysis */
	store_free(&known);
	known = (struct store){ 0 };
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
