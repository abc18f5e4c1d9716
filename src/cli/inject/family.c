#include "cli/inject/family.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/collect.h"

#define ROUNDS 400
#define PAUSE 5000 /* us, between two rounds */

/* Those that were there before. */
static struct {
	struct relative *at;
	size_t count;
} strangers;

void family_adopt(void)
{
	strangers.count = family_list(getpid(), &strangers.at);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void family_reap(pid_t spared)
{
	siginfo_t info = { 0 };

	/* If the first that has ended is the one that is spared, the others' turn comes when it has been waited for. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid && info.si_pid != spared) {
		if (!collect_let_go(&info))
			waitpid(info.si_pid, NULL, WNOHANG);
	}
}

/* False: there is no such process. */
static bool read_relative(pid_t pid, struct relative *relative)
{
	char path[40], text[1024], state, *name_end;
	int parent, fields = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	name_end = strrchr(text, ')'); /* the name may have any */
	*relative = (struct relative){ .pid = pid };
	if (name_end)
		fields = sscanf(name_end + 1,
				" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
				&state, &parent, &relative->start);
	if (fields != 3)
		return false;
	relative->parent = parent;
	relative->ended = state == 'Z' || state == 'X';
	return true;
}

/* All processes that there are. */
static size_t list_all(struct relative **all)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	size_t count = 0, room = 0;

	*all = NULL;
	while (directory && (entry = readdir(directory))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (count == room) {
			room = room ? 2 * room : 256;
			*all = reallocarray(*all, room, sizeof(**all));
			if (!*all)
				die(EXIT_K23, "out of memory");
		}
		if (pid > 0 && read_relative(pid, &(*all)[count]))
			count++;
	}
	if (directory)
		closedir(directory);
	return count;
}

static bool is_stranger(const struct relative *relative)
{
	for (size_t i = 0; i < strangers.count; i++)
		if (strangers.at[i].pid == relative->pid && strangers.at[i].start == relative->start)
			return true;
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	const struct relative *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The parent among all, in the order of ids; NULL: it has gone, or is another's. */
static struct relative *find_parent(const struct relative *of, struct relative *all, size_t count)
{
	const struct relative parent = { .pid = of->parent };

	return bsearch(&parent, all, count, sizeof(*all), compare_ids);
}

/* Whether a process descends from the ancestor, and what is known of that then for all between the two. There may be
 * any number of processes, one below the other. known: for each of all, 0: not yet. */
static bool belongs(struct relative *one, pid_t ancestor, struct relative *all, size_t count, signed char *known)
{
	struct relative *at = one;
	signed char answer = 0;

	for (size_t steps = 0; !answer && steps <= count; steps++) {
		struct relative *parent = find_parent(at, all, count);

		answer = known[at - all];
		if (!answer && is_stranger(at))
			answer = -1;
		else if (!answer && at->parent == ancestor)
			answer = 1;
		else if (!answer && !parent)
			answer = -1;
		at = parent;
	}
	for (at = one; at && !known[at - all]; at = find_parent(at, all, count)) {
		known[at - all] = answer > 0 ? 1 : -1;
		if (at->parent == ancestor || is_stranger(at))
			break;
	}
	return answer > 0;
}

size_t family_list(pid_t ancestor, struct relative **relatives)
{
	size_t all = list_all(relatives), count = 0;
	struct relative *list = *relatives, *found = calloc(all + 1, sizeof(*found));
	signed char *known = calloc(all + 1, 1);

	if (!found || !known)
		die(EXIT_K23, "out of memory");
	qsort(list, all, sizeof(*list), compare_ids);
	for (size_t i = 0; i < all; i++)
		if (belongs(&list[i], ancestor, list, all, known))
			found[count++] = list[i];
	free(known);
	free(list);
	*relatives = found;
	return count;
}

/* Sends a signal to this very process, and to none that has got its id since. */
static void send_one(const struct relative *to, int sig)
{
	int fd = (int)syscall(SYS_pidfd_open, to->pid, 0);
	struct relative now;

	if (fd < 0)
		return;
	if (read_relative(to->pid, &now) && now.start == to->start)
		syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	close(fd);
}

/* Sends a signal to all that have not ended. Returns how many there are. */
static size_t send_all(pid_t ancestor, int sig)
{
	struct relative *relatives;
	size_t count = family_list(ancestor, &relatives), living = 0;

	for (size_t i = 0; i < count; i++) {
		if (relatives[i].ended)
			continue;
		send_one(&relatives[i], sig);
		living++;
	}
	free(relatives);
	return living;
}

bool family_kill(pid_t ancestor)
{
	size_t living, before = 0;

	/* What has stopped makes no more children. */
	for (int i = 0; i < ROUNDS && (living = send_all(ancestor, SIGSTOP)) > before; i++)
		before = living;
	for (int i = 0; i < ROUNDS; i++) {
		if (!send_all(ancestor, SIGKILL))
			return true;
		usleep(PAUSE);
	}
	return false;
}
