#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/trace/namespaces.h"

#define DEPTH 33 /* of namespaces in each other: MAX_PID_NS_LEVEL, and the first */
#define BUCKETS 1024u

struct known_id {
	struct known_id *next;
	uint64_t inode;
	uint32_t id, outside;
	uint32_t number; /* in /proc, whose namespace may be another one */
};

struct namespaces {
	struct known_id *buckets[BUCKETS];
	unsigned level; /* how many namespaces this one is below that of /proc */
};

/* The ids of a thread, from that in the namespace of /proc to that in its own. */
struct ids {
	uint32_t of[DEPTH];
	unsigned count;
};

static struct known_id **bucket_of(struct namespaces *known, uint64_t inode, uint32_t id)
{
	return &known->buckets[(inode ^ id) % BUCKETS];
}

static struct known_id *look_up(struct namespaces *known, uint64_t inode, uint32_t id)
{
	struct known_id *found = *bucket_of(known, inode, id);

	while (found && (found->inode != inode || found->id != id))
		found = found->next;
	return found;
}

/* An id may be used again. */
static void note(struct namespaces *known, uint64_t inode, const struct ids *ids, unsigned level)
{
	uint32_t id = ids->of[level];
	struct known_id *entry = look_up(known, inode, id), **bucket = bucket_of(known, inode, id);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			die(EXIT_K23, "out of memory");
		*entry = (struct known_id){ .next = *bucket, .inode = inode, .id = id };
		*bucket = entry;
	}
	entry->outside = ids->of[known->level];
	entry->number = ids->of[0];
}

/* Reads the ids of a thread; task: its directory in /proc. Returns whether there are any. */
static bool read_ids(const char *task, struct ids *ids)
{
	char path[64], line[512];
	FILE *status;

	ids->count = 0;
	snprintf(path, sizeof(path), "%s/status", task);
	status = fopen(path, "re");
	while (status && !ids->count && fgets(line, sizeof(line), status)) {
		char *at = line + strlen("NSpid:"), *end;

		if (strncmp(line, "NSpid:", strlen("NSpid:")) != 0)
			continue;
		for (; ids->count < DEPTH; at = end) {
			ids->of[ids->count] = (uint32_t)strtoul(at, &end, 10);
			if (end == at)
				break;
			ids->count++;
		}
	}
	if (status)
		fclose(status);
	return ids->count;
}

static struct namespaces *get(struct namespaces **known)
{
	struct ids own;

	if (*known)
		return *known;
	*known = calloc(1, sizeof(**known));
	if (!*known)
		die(EXIT_K23, "out of memory");
	(*known)->level = read_ids("/proc/self", &own) ? own.count - 1 : 0;
	return *known;
}

/* Notes the thread's ids in each of the namespaces below this one, from its own upward. Returns the inode number of its
 * own; `inode`, if the kernel does not tell it. */
static uint64_t note_ids(struct namespaces *known, const char *task, const struct ids *ids, uint64_t inode)
{
	unsigned level = ids->count - 1;
	struct stat status;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/ns/pid", task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0)
		inode = status.st_ino;
	note(known, inode, ids, level);
	while (fd >= 0 && --level > known->level) {
		int above = ioctl(fd, NS_GET_PARENT);

		close(fd);
		fd = above;
		if (fd >= 0 && fstat(fd, &status) == 0)
			note(known, status.st_ino, ids, level);
	}
	if (fd >= 0)
		close(fd);
	return inode;
}

/* Whether a task has this id in the namespace. *inode: as namespaces_find() has it; that of the task's own, if it is
 * not known. */
static bool is_task(struct namespaces *known, const char *task, uint64_t *inode, uint32_t id)
{
	const struct known_id *entry;
	struct ids ids;
	unsigned level;
	uint64_t own;

	if (!read_ids(task, &ids) || ids.count <= known->level + 1)
		return false;
	for (level = known->level + 1; level < ids.count && ids.of[level] != id; level++)
		;
	if (level == ids.count || (!*inode && ids.of[ids.count - 1] != id))
		return false;
	own = note_ids(known, task, &ids, *inode);
	if (!*inode)
		*inode = own;
	entry = look_up(known, *inode, id);
	return entry && entry->outside == ids.of[known->level];
}

/* The numbers in a directory of tasks, of which the largest are mostly the newest; how many there are. */
static size_t list_tasks(const char *directory, uint32_t **numbers)
{
	DIR *tasks = opendir(directory);
	size_t count = 0, room = 0;
	const struct dirent *entry;

	*numbers = NULL;
	while (tasks && (entry = readdir(tasks))) {
		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		if (count == room) {
			room = 2 * room + 64;
			*numbers = reallocarray(*numbers, room, sizeof(**numbers));
			if (!*numbers)
				die(EXIT_K23, "out of memory");
		}
		(*numbers)[count++] = (uint32_t)strtoul(entry->d_name, NULL, 10);
	}
	if (tasks)
		closedir(tasks);
	return count;
}

/* Looks for a task in a directory: that of all processes, or that of a process's threads. threads: also for those of
 * all processes. Returns whether it is there. */
static bool search(struct namespaces *known, const char *directory, uint64_t *inode, uint32_t id, bool threads)
{
	char task[48], inner[64];
	uint32_t *numbers;
	bool found = false;

	for (size_t i = list_tasks(directory, &numbers); i-- > 0 && !found;) {
		snprintf(task, sizeof(task), "%s/%u", directory, numbers[i]);
		snprintf(inner, sizeof(inner), "%s/task", task);
		found = is_task(known, task, inode, id) || (threads && search(known, inner, inode, id, false));
	}
	free(numbers);
	return found;
}

/* Looks for a thread of a process. */
static bool search_process(struct namespaces *known, uint64_t inode, uint32_t pid, uint32_t tid)
{
	const struct known_id *process = look_up(known, inode, pid);
	char threads[32];

	if (!process)
		return false;
	snprintf(threads, sizeof(threads), "/proc/%u/task", process->number);
	return search(known, threads, &inode, tid, false);
}

/* Looks for a thread of the processes that are known. */
static bool search_known(struct namespaces *known, uint64_t inode, uint32_t tid)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (const struct known_id *entry = known->buckets[i]; entry; entry = entry->next)
			if (entry->inode == inode && search_process(known, inode, entry->id, tid))
				return true;
	return false;
}

bool namespaces_find(struct namespaces **known, uint64_t *inode, uint32_t *pid, uint32_t *tid)
{
	struct namespaces *all = get(known);
	bool leads = *tid == *pid, found = !leads && search_process(all, *inode, *pid, *tid);

	if (!found && !search(all, "/proc", inode, *pid, false))
		return false;
	if (!found && !leads && !search_process(all, *inode, *pid, *tid))
		return false;
	*tid = look_up(all, *inode, *tid)->outside;
	*pid = look_up(all, *inode, *pid)->outside;
	return true;
}

uint32_t namespaces_outside(struct namespaces **known, uint64_t inode, uint32_t id)
{
	struct namespaces *all = get(known);
	const struct known_id *entry = look_up(all, inode, id);

	/* It mostly is a new process, or a new thread of a process that is known. */
	if (!entry && (search(all, "/proc", &inode, id, false) || search_known(all, inode, id) ||
		       search(all, "/proc", &inode, id, true)))
		entry = look_up(all, inode, id);
	return entry ? entry->outside : 0;
}

void namespaces_free(struct namespaces *known)
{
	for (unsigned i = 0; known && i < BUCKETS; i++)
		for (struct known_id *entry = known->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
	free(known);
}
