/*
 * k23 analyze: finds the system call instructions of files, and puts them into the store.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/storeuse.h"

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

static void report(const char *path, const struct analysis *analysis, bool verbose)
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
			printf("  0x%" PRIx64 " %s: %s\n", analysis->sites[i].offset, reason_name(analysis->sites[i].reason),
			       reason_text(analysis->sites[i].reason));
}

static bool analyse_one(struct storefile *store, const char *name, bool verbose)
{
	struct analysis analysis;
	char *path = realpath(name, NULL);
	long r = path ? analyse(path, NULL, 0, &analysis) : -errno;

	if (r != 0) {
		complain("%s: %s", name, storeuse_analysis_problem(r));
		free(path);
		return false;
	}
	if (storefile_add(store, path, &analysis, NULL) != 0)
		die(EXIT_K23, "out of memory");
	report(name, &analysis, verbose);
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
	struct storefile store, known;
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
	path = storeuse_path(name);
	storeuse_read(&known, path); /* what is wrong with it is said first */
	storefile_free(&known);
	known = (struct storefile){ 0 };
	for (int i = optind; i < argc; i++)
		all = analyse_one(&known, argv[i], verbose) && all;
	lock = storeuse_change(&store, path);
	/* Ours are the newest plans. */
	if (storefile_merge(&known, &store) != 0)
		die(EXIT_K23, "out of memory");
	storeuse_write(&known, path, lock);
	storefile_free(&store);
	storefile_free(&known);
	free(path);
	return all ? 0 : 1;
}
