/*
 * k23 learn: runs a program, and keeps where it makes system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/store_use.h"
#include "sites/site_log.h"

enum { SYSTEM = 0x100 };

static const struct option_row learn_options[] = {
	{ "system", 0, NULL, "the store is /var/lib/k23/sites, which the runs of every user\nuse", SYSTEM, NULL },
	{ 0 },
};

static void parse_options(struct launch *launch, int argc, char **argv)
{
	int option;

	while ((option = option_next(&command_learn, argc, argv)) != -1) {
		if (option == SYSTEM)
			launch->store = STORE_SYSTEM;
		else
			launch_option(launch, "learn", option, optarg);
	}
	if (optind == argc)
		die_usage("learn", "no program is given");
	launch->argv = argv + optind;
}

/* Lets every user add to the site log while this command of root's runs: daemons that root starts become other users,
 * and their calls are learned, too. Each line of it is checked. */
static void open_site_log_to_all(const char *store)
{
	char *log = store_beside(store, ".log");
	long lock = store_lock(store); /* makes the directory */
	int fd = log && lock >= 0 ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)
				  : -1;

	if (fd >= 0) {
		fchmod(fd, 0622);
		close(fd);
	}
	if (lock >= 0)
		close((int)lock);
	free(log);
}

/* Reaps the processes that have ended. False: none is left. */
static bool reap_children(pid_t child, struct collection *collection)
{
	for (;;) {
		siginfo_t info = { 0 };
		int status;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
			return false;
		if (!info.si_pid)
			return true;
		if (collect_let_go(&info) || waitpid(info.si_pid, &status, WNOHANG) != info.si_pid)
			continue;
		if (info.si_pid == child) {
			collection->status = status;
			collection->ended = true;
		}
	}
}

/* Runs the program until it and its descendants have ended. */
static void run_program(const struct launch *launch, struct collection *collection)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t waited, old;
	siginfo_t info;
	pid_t child;

	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	for (size_t i = 0; i < COLLECT_PASSED_ON; i++)
		sigaddset(&waited, collect_passed_on[i]);
	sigprocmask(SIG_BLOCK, &waited, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child < 0)
		die(EXIT_K23, "fork: %s", strerror(errno));
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(launch_exec(launch));
	}
	/* If SIGCHLD is ignored, the kernel drops the child's status. The program still ignores it. */
	sigaction(SIGCHLD, &action, NULL);
	while (reap_children(child, collection)) {
		int sig = sigwaitinfo(&waited, &info);

		if (sig < 0 || sig == SIGCHLD)
			continue;
		if (collection->ended)
			break;
		/* What the terminal sends, it sends to the program, too. */
		if (info.si_code <= 0)
			kill(child, sig);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static int learn(int argc, char **argv)
{
	struct collection collection = { 0 };
	struct ingest_report report;
	struct launch launch = { 0 };
	char *path;
	long r;

	parse_options(&launch, argc, argv);
	path = store_use_path(launch.store);
	launch.store = path;
	launch.profile = true;
	launch.keep_log = true; /* what is in the log already counts at the end, too */
	store_use_check(launch.store);
	if (geteuid() == 0)
		open_site_log_to_all(launch.store);
	run_program(&launch, &collection);
	r = site_log_ingest(launch.store, UINT64_MAX, &report);
	if (r != 0)
		die(EXIT_K23, "what was learned could not be put into %s: %s", launch.store, store_problem(r));
	complain("%" PRIu32 " sites in %" PRIu32 " files are new", report.new_sites, report.new_files);
	if (report.failed || report.dropped)
		complain("%" PRIu32 " files could not be analysed, %" PRIu64 " lines of the log were too many",
			 report.failed, report.dropped);
	free(path);
	free(launch.hooks);
	collect_exit(&collection);
}

const struct command command_learn = {
	.name = "learn",
	.run = learn,
	.summary = "run a program, and keep the sites where it makes system calls",
	.usage = "[OPTIONS] [--] PROGRAM [ARGS...]",
	.about = "Runs PROGRAM, and when it and every process that it started have ended, keeps in the store\n"
		 "where they made system calls, and how these places can be patched; for each program, which of\n"
		 "them it uses. Says how many are new. The store is by default $XDG_CACHE_HOME/k23/sites or\n"
		 "~/.cache/k23/sites, for root /var/lib/k23/sites.",
	.options = { learn_options, launch_options },
	.after = collect_exit_help,
	.program = true,
};
