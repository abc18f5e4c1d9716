/*
 * Running a program as a child of the command, which stays to collect what the program's processes report.
 *
 * Signals that a terminal sends to the whole foreground group reach the program anyway, so the collector ignores
 * them. Signals that a process sends to the collector alone are meant for the program, so they are passed on. When
 * the program has ended, and the collector waits for processes that it left behind, any of these signals ends the
 * waiting.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/collect.h"

const int collect_passed_on[COLLECT_PASSED_ON] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

/* What the signal handler uses. */
static struct {
	uint32_t *doorbell;
	volatile sig_atomic_t child; /* its process id; 0: it has ended */
	volatile sig_atomic_t stop;  /* a signal ended the waiting */
} shared;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (sig != SIGCHLD && !shared.child)
		shared.stop = 1;
	else if (sig != SIGCHLD && info->si_code <= 0)
		kill((pid_t)shared.child, sig);
	/* If collect_wait() is about to sleep, this keeps it awake. */
	__atomic_add_fetch(shared.doorbell, 1, __ATOMIC_SEQ_CST);
	errno = saved;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigfillset(&action.sa_mask);
	sigaction(SIGCHLD, &action, NULL);
	for (size_t i = 0; i < COLLECT_PASSED_ON; i++)
		sigaction(collect_passed_on[i], &action, NULL);
	/* The program goes on when the report cannot be written any more. */
	action.sa_handler = SIG_IGN;
	action.sa_flags = 0;
	sigaction(SIGPIPE, &action, NULL);
}

void collect_start(struct collection *collection, struct segment *segment, const struct launch *launch)
{
	struct sigaction action = { .sa_handler = SIG_DFL }, chld;
	struct launch shared_launch = *launch;
	sigset_t all, old;

	memset(collection, 0, sizeof(*collection));
	collection->segment = segment;
	collection->first = launch->carry ? 1 : 0;
	shared.doorbell = &segment->channel->doorbell;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	/* If SIGCHLD is ignored, the kernel drops the child's status. */
	sigaction(SIGCHLD, &action, &chld);
	collection->child = fork();
	if (collection->child < 0)
		die(EXIT_K23, "fork: %s", strerror(errno));
	if (collection->child == 0) {
		sigaction(SIGCHLD, &chld, NULL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		shared_launch.memory = segment->memory;
		shared_launch.gaps = segment->gaps;
		_exit(launch_exec(&shared_launch));
	}
	shared.child = collection->child;
	catch_signals();
	sigdelset(&old, SIGCHLD);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

bool collect_let_go(const siginfo_t *info)
{
	if (info->si_code != CLD_TRAPPED)
		return false;
	ptrace(PTRACE_DETACH, info->si_pid, NULL, (long)info->si_status);
	return true;
}

/* Whether the child has ended. Its id may then soon be another process's, so no signal is sent to it any more. */
static bool reap_child(struct collection *collection)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)collection->child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || !info.si_pid ||
	    collect_let_go(&info))
		return false;
	shared.child = 0;
	collection->ended = waitpid(collection->child, &collection->status, 0) == collection->child;
	return collection->ended;
}

/* Other children that have ended: what the program made by CLONE_PARENT is nobody else's to wait for. */
static void reap_others(const struct collection *collection)
{
	siginfo_t info = { 0 };

	/* If the first that has ended is the program, the others' turn comes when that has been waited for. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid &&
	       (collection->ended || info.si_pid != collection->child)) {
		if (!collect_let_go(&info))
			waitpid(info.si_pid, NULL, WNOHANG);
	}
}

void collect_wait(struct collection *collection, unsigned patience)
{
	struct k23_channel *channel = collection->segment->channel;
	struct timespec timeout = { patience / 1000, (long)(patience % 1000) * 1000000 };
	uint32_t bell = __atomic_load_n(&channel->doorbell, __ATOMIC_SEQ_CST);

	reap_others(collection);
	__atomic_store_n(&channel->sleeping, 1, __ATOMIC_SEQ_CST);
	/* A child that ended before `bell` was read is seen here; one that ends later changes the doorbell. */
	if (collection->ended || !reap_child(collection))
		syscall(SYS_futex, &channel->doorbell, FUTEX_WAIT, bell, &timeout, NULL, 0);
	__atomic_store_n(&channel->sleeping, 0, __ATOMIC_SEQ_CST);
}

bool collect_started(const struct collection *collection)
{
	const struct k23_channel *channel = collection->segment->channel;

	return __atomic_load_n(&channel->arrived, __ATOMIC_RELAXED) > collection->first ||
	       segment_let_through(collection->segment);
}

bool collect_over(struct collection *collection)
{
	if (!collection->ended)
		return false;
	return shared.stop || !collect_started(collection) || segment_deserted(collection->segment);
}

bool collect_leaves(const struct collection *collection)
{
	return shared.stop && !segment_deserted(collection->segment);
}

const char collect_exit_help[] =
	"Exit status: the program's; when a signal killed the program, the same signal kills k23. 125\n"
	"when k23 fails, 126 when the program cannot be run, 127 when it is not found.";

void collect_exit(const struct collection *collection)
{
	static const struct rlimit no_core;
	sigset_t mask;
	int sig;

	if (WIFEXITED(collection->status))
		exit(WEXITSTATUS(collection->status));
	sig = WTERMSIG(collection->status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(sig, SIG_DFL);
	raise(sig);
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	exit(128 + sig);
}
