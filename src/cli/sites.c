/*
 * k23 sites: what is known of files and their system call instructions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sites.h"

static const char help[] =
	"usage: k23 sites COMMAND [--store=FILE] ...\n"
	"\n"
	"Shows, checks and exchanges what the store knows of files and their system call instructions (sites).\n"
	"\n"
	"  list [FILE...]       the files, or the sites of files\n"
	"  show FILE[:OFFSET]   sites, their instructions, and what these become or why they stay\n"
	"  verify               whether the files on the disk are the same, changed, or gone\n"
	"  merge OTHER...       take in other stores\n"
	"  export               the store as text\n"
	"  import FILE          take in what was exported (-: from the standard input)\n"
	"  prune                forget files that are changed or gone\n"
	"\n"
	"  --store=FILE         the store; by default $XDG_CACHE_HOME/k23/sites or ~/.cache/k23/sites, for root\n"
	"                       /var/lib/k23/sites\n"
	"  --format=text|paper  of export and import: all of it (default), or a line PATH,OFFSET for each site\n"
	"                       that was observed\n"
	"  --unobserved         prune: also forget sites that were never observed\n"
	"  --reset              prune: forget everything, also a store that cannot be read\n"
	"\n"
	"Exit status: 0, 1 when something does not hold or is not there, 125 when k23 fails.\n";

static const struct subcommand {
	const char *name;
	sites_fn *run;
} subcommands[] = {
	{ "list", sites_list },	    { "show", sites_show },	{ "verify", sites_verify }, { "merge", sites_merge },
	{ "export", sites_export }, { "import", sites_import }, { "prune", sites_prune },
};

static void parse_options(struct sites_options *to, int argc, char **argv)
{
	static const struct option options[] = {
		{ "store", required_argument, NULL, 's' },
		{ "format", required_argument, NULL, 'f' },
		{ "unobserved", no_argument, NULL, 'u' },
		{ "reset", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = next_option("sites", argc, argv, "h", options)) != -1) {
		if (option == 's')
			to->store = optarg;
		else if (option == 'f' && (strcmp(optarg, "text") == 0 || strcmp(optarg, "paper") == 0))
			to->paper = strcmp(optarg, "paper") == 0;
		else if (option == 'f')
			die_usage("sites", "--format takes text or paper, not %s", optarg);
		else if (option == 'u')
			to->unobserved = true;
		else if (option == 'r')
			to->reset = true;
		else
			exit((fputs(help, stdout), 0));
	}
}

int command_sites(int argc, char **argv)
{
	struct sites_options options = { 0 };
	char *store;
	int status;

	parse_options(&options, argc, argv);
	argc -= optind;
	argv += optind;
	if (!argc)
		die_usage("sites", "no command is given");
	store = store_use_path(options.store);
	options.store = store;
	for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
		if (strcmp(argv[0], subcommands[i].name) != 0)
			continue;
		status = subcommands[i].run(&options, argc - 1, argv + 1);
		free(store);
		return status;
	}
	die_usage("sites", "there is no command %s", argv[0]);
}
