/*
 * k23 sites verify, merge, export, import and prune.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/sites/sites.h"
#include "sites/exchange.h"
#include "sites/verify.h"

static void no_arguments(const char *command, int argc)
{
	if (argc)
		die_usage("sites", "%s takes no argument", command);
}

int sites_verify(const struct sites_options *options, int argc, char **argv)
{
	static const char *const results[] = {
		[VERIFY_SAME] = "same", [VERIFY_CHANGED] = "changed", [VERIFY_GONE] = "gone",
		[VERIFY_WRONG] = "has wrong plans: k23 sites prune forgets them",
		[VERIFY_VSYSCALL] = "names the vsyscall page, which the store denies: k23 sites prune forgets that",
	};
	struct store store;
	int status = 0;

	(void)argv;
	no_arguments("verify", argc);
	store_use_read(&store, options->store);
	for (size_t i = 0; i < store.files.count; i++) {
		enum verify_result result;
		long r = verify_file(&store.files.at[i], &result);

		if (r != 0)
			complain("%s: %s", store.files.at[i].path, store_use_analysis_problem(r));
		else
			printf("%s: %s\n", store.files.at[i].path, results[result]);
		if (r != 0 || result != VERIFY_SAME)
			status = 1;
	}
	store_free(&store);
	return status;
}

int sites_merge(const struct sites_options *options, int argc, char **argv)
{
	struct store store;
	int lock;

	if (!argc)
		die_usage("sites", "merge takes other stores");
	lock = store_use_change(&store, options->store);
	for (int i = 0; i < argc; i++) {
		struct store other;
		long r = store_read(&other, argv[i]);

		if (r != 0)
			die(EXIT_K23, "%s %s%s", argv[i], r == -ENOENT ? "cannot be read: " : "", store_problem(r));
		if (store_merge(&store, &other) != 0)
			die(EXIT_K23, "out of memory");
		store_free(&other);
	}
	store_use_write(&store, options->store, lock);
	store_free(&store);
	return 0;
}

int sites_export(const struct sites_options *options, int argc, char **argv)
{
	struct store store;

	(void)argv;
	no_arguments("export", argc);
	store_use_read(&store, options->store);
	if (options->paper)
		exchange_write_paper(stdout, &store);
	else
		exchange_write_text(stdout, &store);
	store_free(&store);
	return 0;
}

static void import_text(FILE *from, const char *name, struct store *store)
{
	struct store other;
	uint64_t line;
	long r = exchange_read_text(from, &other, &line);

	if (r == -EINVAL)
		die(EXIT_K23, "%s, line %" PRIu64 ": this is not the text of a store", name, line);
	if (r == 0)
		r = store_merge(store, &other);
	if (r != 0)
		die(EXIT_K23, "%s cannot be read: %s", name, strerror((int)-r));
	store_free(&other);
}

static int import_paper(FILE *from, const char *name, struct store *store)
{
	struct ingest_report report;
	uint64_t line;
	long r = exchange_read_paper(from, store, &report, &line);

	if (r == -EINVAL)
		die(EXIT_K23, "%s, line %" PRIu64 ": this is not PATH,OFFSET", name, line);
	if (r != 0)
		die(EXIT_K23, "%s cannot be read: %s", name, strerror((int)-r));
	complain("%" PRIu32 " sites in %" PRIu32 " files are new", report.new_sites, report.new_files);
	if (report.rejected || report.gone || report.failed)
		complain("%" PRIu64 " places are no system call instructions, %" PRIu32 " files are not there, %" PRIu32
			 " could not be analysed", report.rejected, report.gone, report.failed);
	return report.rejected || report.gone || report.failed;
}

int sites_import(const struct sites_options *options, int argc, char **argv)
{
	struct store store;
	int lock, status = 0;
	FILE *from;

	if (argc != 1)
		die_usage("sites", "import takes one file, or - for the standard input");
	from = strcmp(argv[0], "-") == 0 ? stdin : fopen(argv[0], "re");
	if (!from)
		die(EXIT_K23, "%s cannot be read: %s", argv[0], strerror(errno));
	lock = store_use_change(&store, options->store);
	if (options->paper)
		status = import_paper(from, argv[0], &store);
	else
		import_text(from, argv[0], &store);
	store_use_write(&store, options->store, lock);
	store_free(&store);
	if (from != stdin)
		fclose(from);
	return status;
}

static void drop_unobserved(struct known_file *file)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < file->site_count; i++)
		if (file->sites[i].flags & STORE_OBSERVED)
			file->sites[kept++] = file->sites[i];
	file->site_count = kept;
}

/* Whether the file is to be forgotten. A file that this user cannot read is kept, as it may be there for other
 * users. */
static bool is_stale(const struct known_file *file)
{
	enum verify_result result;

	return verify_file(file, &result) == 0 && result != VERIFY_SAME;
}

int sites_prune(const struct sites_options *options, int argc, char **argv)
{
	struct store store = { 0 };
	long lock;

	(void)argv;
	no_arguments("prune", argc);
	if (options->reset) {
		/* The old store is not read, as it may be damaged. */
		lock = store_lock(options->store);
		if (lock < 0)
			die(EXIT_K23, "%s cannot be locked: %s", options->store, strerror((int)-lock));
		store_use_write(&store, options->store, (int)lock);
		return 0;
	}
	lock = store_use_change(&store, options->store);
	for (size_t i = store.files.count; i-- > 0;) {
		struct known_file *file = &store.files.at[i];
		bool stale = is_stale(file);

		if (!stale && options->unobserved)
			drop_unobserved(file);
		if (!stale && (file->site_count || !options->unobserved))
			continue;
		printf("%s: forgotten\n", file->path);
		store_remove(&store, i);
	}
	store_use_write(&store, options->store, (int)lock);
	store_free(&store);
	return 0;
}
