/*
 * k23 sites: what is known of files and their system call instructions.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sites/sites.h"

static const struct subcommand {
	const char *name;
	sites_fn *run;
} subcommands[] = {
	{ "list", sites_list },	    { "show", sites_show },	{ "verify", sites_verify }, { "merge", sites_merge },
	{ "export", sites_export }, { "import", sites_import }, { "prune", sites_prune },
};

enum { STORE = 0x100, SYSTEM, FORMAT, UNOBSERVED, RESET };

static const struct option_row sites_options[] = {
	{ "store", 0, "FILE",
	  "the store; by default $XDG_CACHE_HOME/k23/sites or\n~/.cache/k23/sites, for root /var/lib/k23/sites",
	  STORE, NULL },
	{ "system", 0, NULL, "the store is /var/lib/k23/sites, which the runs of every user\nuse", SYSTEM, NULL },
	{ "format", 0, "text|paper",
	  "of export and import: all of it (default), or a line\nPATH,OFFSET for each site that was observed",
	  FORMAT, NULL },
	{ "unobserved", 0, NULL, "prune: also forget sites that were never observed", UNOBSERVED, NULL },
	{ "reset", 0, NULL, "prune: forget everything, also a store that cannot be read", RESET, NULL },
	{ 0 },
};

static void parse_options(struct sites_options *to, int argc, char **argv)
{
	int option;

	while ((option = option_next(&command_sites, argc, argv)) != -1) {
		if (option == STORE)
			to->store = optarg;
		else if (option == SYSTEM)
			to->store = STORE_SYSTEM;
		else if (option == UNOBSERVED)
			to->unobserved = true;
		else if (option == RESET)
			to->reset = true;
		else if (strcmp(optarg, "text") != 0 && strcmp(optarg, "paper") != 0)
			die_usage("sites", "--format takes text or paper, not %s", optarg);
		else
			to->paper = strcmp(optarg, "paper") == 0;
	}
}

static int sites(int argc, char **argv)
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

const struct command command_sites = {
	.name = "sites",
	.run = sites,
	.summary = "show, check and exchange what is known of files and their sites",
	.usage = "COMMAND [OPTIONS] ...",
	.about = "Shows, checks and exchanges what the store knows of files and their system call instructions\n"
		 "(sites).\n"
		 "\n"
		 "  list [FILE...]       the files, or the sites of files\n"
		 "  show FILE[:OFFSET]   sites, their instructions, and what these become or why they stay\n"
		 "  verify               whether the files on the disk are the same, changed, or gone\n"
		 "  merge OTHER...       take in other stores\n"
		 "  export               the store as text\n"
		 "  import FILE          take in what was exported (-: from the standard input)\n"
		 "  prune                forget files that are changed or gone\n",
	.options = { sites_options },
	.after = "Exit status: 0, 1 when something does not hold or is not there, 125 when k23 fails.",
	.words = "list show verify merge export import prune",
};
