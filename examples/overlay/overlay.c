/*
 * overlay: a folder that can be changed, and stays as it is: k23 run --hook ./overlay.so:lower=DIR,upper=DIR -- make
 *
 * What the program changes below `lower` goes to `upper`, and it sees both as one, by the name of `lower`. README.md
 * says more.
 */
#include "overlay.h"

#include <alloca.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static long make(long nr, const void *a, unsigned long b, unsigned long c)
{
	return k23_syscall(nr, (unsigned long)a, b, c, 0, 0, 0);
}

/* --- from the lower layer to the upper one */

/* Gives a file of the upper layer what one of the lower has beside its contents. */
static void copy_status(const char *name, const struct stat *status)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	make(SYS_lchown, name, status->st_uid, status->st_gid);
	if (!S_ISLNK(status->st_mode))
		make(SYS_chmod, name, status->st_mode & 07777, 0);
	k23_syscall(SYS_utimensat, (unsigned)AT_FDCWD, (unsigned long)name, (unsigned long)times, AT_SYMLINK_NOFOLLOW,
		    0, 0);
}

static long copy_contents(const char *to, const char *from)
{
	/* The C library's open: the program does not see its descriptors. */
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	long r = out < 0 ? -errno : 1;

	while (r > 0)
		r = k23_syscall(SYS_sendfile, (unsigned)out, (unsigned)in, 0, 1u << 30, 0, 0);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return r;
}

static long copy_link(const char *to, const char *from)
{
	char target[K23_PATH_MAX];
	long r = make(SYS_readlink, from, (unsigned long)target, sizeof(target) - 1);

	if (r < 0)
		return r;
	target[r] = '\0';
	return make(SYS_symlink, target, (unsigned long)to, 0);
}

/* Makes the directories of the upper layer that lead to a path. */
static long copy_parents(const char *path)
{
	char name[K23_PATH_MAX], to[K23_PATH_MAX];
	struct stat status;

	for (const char *end = strchr(path + lower_size + 1, '/'); end; end = strchr(end + 1, '/')) {
		memcpy(name, path, (size_t)(end - path));
		name[end - path] = '\0';
		if (!in_layer(to, upper, name))
			return -ENAMETOOLONG;
		if (mode_of(to) || sys_stat(name, &status) < 0)
			continue;
		if (make(SYS_mkdir, to, 0700, 0) == 0)
			copy_status(to, &status);
	}
	return 0;
}

/* Sees to it that the upper layer has the file. */
static long copy_up(struct place *place)
{
	char to[K23_PATH_MAX], part[K23_PATH_MAX + 32];
	struct stat status;
	long r;

	if (place->in_upper || !place->mode)
		return 0;
	r = in_layer(to, upper, place->path) ? sys_stat(place->path, &status) : -ENAMETOOLONG;
	if (r == 0)
		r = copy_parents(place->path);
	if (r < 0)
		return r;
	snprintf(part, sizeof(part), "%s/" WHITEOUT ".%d", upper, k23_tid());
	if (S_ISDIR(status.st_mode))
		r = make(SYS_mkdir, part, 0700, 0);
	else if (S_ISLNK(status.st_mode))
		r = copy_link(part, place->path);
	else if (S_ISREG(status.st_mode))
		r = copy_contents(part, place->path);
	else
		r = make(SYS_mknod, part, status.st_mode, status.st_rdev);
	if (r == 0) {
		copy_status(part, &status);
		/* Another thread may have done the same meanwhile, and changed its copy already. */
		r = k23_syscall(SYS_renameat2, (unsigned)AT_FDCWD, (unsigned long)part, (unsigned)AT_FDCWD,
				(unsigned long)to, 1 /* RENAME_NOREPLACE */, 0);
	}
	if (r < 0)
		make(S_ISDIR(status.st_mode) ? SYS_rmdir : SYS_unlink, part, 0, 0);
	place->in_upper = r == 0 || r == -EEXIST;
	return place->in_upper ? 0 : r;
}

/* Hides what the lower layer has by the name of a place. */
static long hide(const struct place *place)
{
	char name[K23_PATH_MAX];
	long r;

	if (!place->parent_in_lower || !mode_of(place->path))
		return 0;
	r = whiteout_of(name, place->path) ? copy_parents(place->path) : -ENAMETOOLONG;
	if (r == 0)
		r = make(SYS_mknod, name, S_IFREG | 0600, 0);
	return r == -EEXIST ? 0 : r;
}

/* --- directories */

struct entry {
	unsigned long position; /* of the entry in the list of the directory, which is its d_off */
	unsigned long inode;
	unsigned char type;
	char *name;
};

struct list {
	struct entry *entries;
	size_t count, room;
};

/* The same each time that the directory is read, whatever is removed meanwhile. */
static unsigned long position_of(const char *name)
{
	uint32_t hash = 2166136261u;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return strlen(name);
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return 3 + (hash >> 2);
}

static int by_position(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;

	if (one->position != other->position)
		return one->position < other->position ? -1 : 1;
	return strcmp(one->name, other->name);
}

static void sort(struct list *list)
{
	qsort(list->entries, list->count, sizeof(*list->entries), by_position);
}

static void add(struct list *list, const struct entry *entry)
{
	if (list->count == list->room) {
		list->room = 2 * list->room + 64;
		list->entries = realloc(list->entries, list->room * sizeof(*list->entries));
	}
	list->entries[list->count++] = *entry;
}

/* Adds what a layer has in a directory. hidden: for what the upper one hides of the lower one; NULL in that. */
static long add_layer(struct list *list, const char *directory, struct list *hidden)
{
	DIR *stream = opendir(directory);
	const struct dirent *found;

	if (!stream)
		return -errno;
	while ((found = readdir(stream))) {
		bool hides = hidden && k23_starts_with(found->d_name, WHITEOUT);
		const char *name = found->d_name + (hides ? sizeof(WHITEOUT) - 1 : 0);
		struct entry entry = { position_of(name), found->d_ino, found->d_type, strdup(name) };

		add(hides ? hidden : list, &entry);
	}
	closedir(stream);
	sort(list);
	return 0;
}

static bool has(const struct list *list, const struct entry *entry)
{
	return list->count && bsearch(entry, list->entries, list->count, sizeof(*entry), by_position);
}

static void list_free(struct list *list)
{
	while (list->count)
		free(list->entries[--list->count].name);
	free(list->entries);
	*list = (struct list){ 0 };
}

/* Lists what both layers have in a directory. */
static long list_directory(struct list *list, const struct place *place)
{
	struct list hidden = { 0 }, below = { 0 }, above;
	char name[K23_PATH_MAX];
	long r = 0;

	*list = (struct list){ 0 };
	if (place->in_upper)
		r = in_layer(name, upper, place->path) ? add_layer(list, name, &hidden) : -ENAMETOOLONG;
	if (place->in_lower && r == 0)
		r = add_layer(&below, place->path, NULL);
	sort(&hidden);
	for (size_t i = 0, count = list->count; i < below.count; i++) {
		above = (struct list){ list->entries, count, 0 };
		if (has(&above, &below.entries[i]) || has(&hidden, &below.entries[i]))
			continue;
		add(list, &below.entries[i]);
		below.entries[i].name = NULL;
	}
	sort(list);
	list_free(&below);
	list_free(&hidden);
	return r;
}

static long is_empty(const struct place *place)
{
	struct list list;
	long r = list_directory(&list, place);

	if (r == 0)
		r = list.count <= 2;
	list_free(&list);
	return r;
}

struct record {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[256];
};
#define NAME_AT offsetof(struct record, name)

/* The entries behind a position, as many as have room. Those of one position come at once. */
static long give(const struct list *list, unsigned long *position, unsigned long to, unsigned long size)
{
	unsigned long used = 0, done = *position, whole = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct entry *entry = &list->entries[i];
		struct record record = { entry->inode, (int64_t)entry->position, 0, entry->type, "" };

		if (entry->position <= *position)
			continue;
		if (entry->position != done)
			whole = used;
		record.length = (unsigned short)((NAME_AT + strlen(entry->name) + 8) & ~7ul);
		if (used + record.length > size) {
			used = entry->position == done ? whole : used;
			break;
		}
		memcpy(record.name, entry->name, strlen(entry->name) + 1);
		if (k23_copy_to(to + used, &record, record.length) < 0)
			return -EFAULT;
		used += record.length;
		done = entry->position;
		if (i + 1 == list->count || list->entries[i + 1].position != done)
			*position = done;
	}
	return used;
}

/* The position is the kernel's, of its directory that the descriptor leads to. */
static long on_getdents64(struct k23_call *call)
{
	unsigned fd = (unsigned)call->args[0];
	unsigned long position;
	struct place place = { 0 };
	struct list list;
	long r = start_at_fd(&place, (int)fd);

	if (r < 0 || !place.is_inside || !S_ISDIR(place.mode))
		return k23_forward(call);
	r = k23_syscall(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0);
	position = (unsigned long)r;
	if (r >= 0)
		r = list_directory(&list, &place);
	if (r < 0)
		return r;
	r = give(&list, &position, call->args[1], (unsigned)call->args[2]);
	if (r == 0 && position < list.entries[list.count - 1].position)
		r = -EINVAL;
	if (r > 0)
		k23_syscall(SYS_lseek, fd, position, SEEK_SET, 0, 0, 0);
	list_free(&list);
	return r;
}

/* --- calls with paths */

/* The call with other paths: the kernel's name of each place. */
static long forward_with(struct k23_call *call, int first, struct place *one, int second, struct place *other)
{
	char names[2][K23_PATH_MAX + 1];
	struct place *places[2] = { one, other };
	int at[2] = { first, second };
	unsigned long old[2] = { 0 };
	long r;

	for (int i = 0; i < 2; i++) {
		const char *real = at[i] < 0 ? NULL : real_name(places[i], names[i]);

		if (!real)
			continue;
		if (real != names[i])
			memcpy(names[i], *real ? real : "/", strlen(*real ? real : "/") + 1);
		if (places[i]->is_slashed)
			strcat(names[i], "/");
		old[i] = call->args[at[i]];
		call->args[at[i]] = (unsigned long)names[i];
	}
	r = k23_forward(call);
	for (int i = 0; i < 2; i++)
		if (at[i] >= 0 && old[i])
			call->args[at[i]] = old[i];
	return r;
}

/* Finds the path in an argument. Returns 1; 0: the layers have nothing to do with it; or an error for the call. */
static long find_argument(struct place *place, const struct k23_call *call, int at, int dirfd)
{
	char path[K23_PATH_MAX];
	long r;

	place->path[0] = '\0';
	if (at < 0 || !call->args[at] || k23_copy_string(path, sizeof(path), call->args[at]) <= 0)
		return 0;
	r = find(place, dirfd, path, k23_path_last(call, at));
	if (!place->was_inside)
		return 0;
	return r < 0 ? r : 1;
}

/* Finds the path of a call that has one. Returns whether it leads into the layers; otherwise *result is the call's. */
static bool leads_inside(struct place *place, struct k23_call *call, int *at, long *result)
{
	int dirfd;
	long r;

	*at = k23_path_argument(call, 0, &dirfd);
	r = find_argument(place, call, *at, dirfd);
	if (r > 0 && place->is_inside)
		return true;
	*result = r < 0 ? r : r ? forward_with(call, *at, place, -1, NULL) : k23_forward(call);
	return false;
}

static long on_path(struct k23_call *call)
{
	struct place place;
	long r;
	int at;

	return leads_inside(&place, call, &at, &r) ? forward_with(call, at, &place, -1, NULL) : r;
}

static bool is_below_root(const struct place *place)
{
	return place->is_inside && place->size > lower_size;
}

static long on_open(struct k23_call *call)
{
	struct k23_open_how how;
	struct place place;
	int dirfd, at = k23_path_argument(call, 0, &dirfd);
	long r = find_argument(&place, call, at, dirfd);
	bool opened = k23_open_how(&how, call), writes;

	if (r <= 0)
		return r < 0 ? r : k23_forward(call);
	/* As on a kernel that does not know of them: what is confined to a directory is so in one layer only. */
	if (how.resolve)
		return -ENOSYS;
	if (!opened || !place.is_inside)
		return forward_with(call, at, &place, -1, NULL);
	writes = !(how.flags & O_PATH) && (how.flags & (O_ACCMODE | O_TRUNC) || (how.flags & O_TMPFILE) == O_TMPFILE);
	if (how.flags & O_CREAT && place.is_slashed)
		return -EISDIR;
	if (place.mode && how.flags & O_CREAT && how.flags & O_EXCL)
		return -EEXIST;
	if (place.mode && writes && !S_ISCHR(place.mode) && !S_ISBLK(place.mode))
		r = copy_up(&place);
	else if (!place.mode && how.flags & O_CREAT && !(how.flags & O_PATH))
		r = copy_parents(place.path), place.in_upper = true;
	return r < 0 ? r : forward_with(call, at, &place, -1, NULL);
}

static long on_change(struct k23_call *call)
{
	struct place place;
	long r;
	int at;

	if (!leads_inside(&place, call, &at, &r))
		return r;
	r = copy_up(&place);
	return r < 0 ? r : forward_with(call, at, &place, -1, NULL);
}

/* Calls that change a file by its descriptor, which may be one of the lower layer's that was opened for reading. */
static long on_change_fd(struct k23_call *call)
{
	struct place place = { 0 };
	unsigned long old = call->args[0];
	char name[K23_PATH_MAX];
	long r = start_at_fd(&place, (int)old);
	int fd;

	if (r < 0 || !is_below_root(&place) || place.in_upper || !place.mode)
		return k23_forward(call);
	r = copy_up(&place);
	if (r < 0)
		return r;
	fd = open(real_name(&place, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	call->args[0] = (unsigned)fd;
	r = k23_forward(call);
	call->args[0] = old;
	close(fd);
	return r;
}

static long on_utimensat(struct k23_call *call)
{
	return call->args[1] ? on_change(call) : on_change_fd(call);
}

static long on_make(struct k23_call *call)
{
	struct place place;
	long r;
	int at;

	if (!leads_inside(&place, call, &at, &r))
		return r;
	if (place.mode)
		return -EEXIST;
	if (place.is_slashed && call->nr != SYS_mkdir && call->nr != SYS_mkdirat)
		return -ENOENT;
	r = copy_parents(place.path);
	place.in_upper = true;
	return r < 0 ? r : forward_with(call, at, &place, -1, NULL);
}

/* The places of a call that has two, and in which arguments these are; and of each what find_argument() says. */
struct pair {
	struct place from, to;
	int from_at, to_at;
	long has_from, has_to;
};

/* Returns 1, 0 if neither leads into the folder, or -errno. */
static long find_pair(struct pair *pair, const struct k23_call *call)
{
	int dirfd;

	pair->from_at = k23_path_argument(call, 0, &dirfd);
	pair->has_from = find_argument(&pair->from, call, pair->from_at, dirfd);
	pair->to_at = k23_path_argument(call, pair->from_at + 1, &dirfd);
	pair->has_to = find_argument(&pair->to, call, pair->to_at, dirfd);
	if (pair->has_from < 0 || pair->has_to < 0)
		return pair->has_from < 0 ? pair->has_from : pair->has_to;
	return pair->has_from || pair->has_to;
}

static long on_link(struct k23_call *call)
{
	struct pair pair;
	struct place *place = &pair.from, *new = &pair.to;
	long r = find_pair(&pair, call);
	bool is_nameless;

	if (r <= 0)
		return r < 0 ? r : k23_forward(call);
	/* A file without a name is linked by its descriptor, or by a link of /proc. */
	is_nameless = !place->path[0] || (!place->is_inside && k23_starts_with(place->path, "/proc/"));
	if (!is_nameless && (pair.has_from && place->is_inside) != (pair.has_to && new->is_inside))
		return pair.has_from && !place->mode ? -ENOENT : -EXDEV;
	if (pair.has_to && new->is_inside) {
		if (pair.has_from && !place->mode)
			return -ENOENT;
		if (new->mode || new->is_slashed)
			return new->mode ? -EEXIST : -ENOENT;
		if (!is_nameless && !place->in_upper)
			return S_ISDIR(place->mode) ? -EPERM : -EXDEV;
		r = copy_parents(new->path);
		if (r < 0)
			return r;
		new->in_upper = true;
	}
	return forward_with(call, is_nameless ? -1 : pair.from_at, place, pair.to_at, new);
}

/* Removes what hides files, and a directory with it if there is nothing else. */
static void remove_directory(const char *directory)
{
	DIR *stream = opendir(directory);
	const struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (k23_starts_with(entry->d_name, WHITEOUT))
			unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
	make(SYS_rmdir, directory, 0, 0);
}

static long on_remove(struct k23_call *call)
{
	bool is_rmdir = call->nr == SYS_rmdir || (call->nr == SYS_unlinkat && call->args[2] & AT_REMOVEDIR);
	char name[K23_PATH_MAX];
	struct place place;
	long r;
	int at;

	if (!leads_inside(&place, call, &at, &r))
		return r;
	if (!place.mode)
		return -ENOENT;
	if (place.dots || !is_below_root(&place))
		return !is_rmdir ? -EISDIR : place.dots == 1 ? -EINVAL : place.dots ? -ENOTEMPTY : -EBUSY;
	if (is_rmdir != S_ISDIR(place.mode) || (place.is_slashed && !is_rmdir))
		return is_rmdir || place.is_slashed ? -ENOTDIR : -EISDIR;
	r = is_rmdir ? is_empty(&place) : 1;
	if (r <= 0)
		return r < 0 ? r : -ENOTEMPTY;
	r = hide(&place);
	if (r < 0 || !place.in_upper)
		return r;
	if (!is_rmdir)
		return forward_with(call, at, &place, -1, NULL);
	if (real_name(&place, name))
		remove_directory(name);
	return 0;
}

/* Whether a place may take that of another, which then has none any more. */
static long check_rename(const struct place *from, const struct place *to, unsigned flags)
{
	long r;

	if (!from->mode)
		return -ENOENT;
	if (flags & ~1u) /* RENAME_NOREPLACE */
		return -EINVAL;
	if (flags && to->mode)
		return -EEXIST;
	if (!is_below_root(from) || !is_below_root(to) || from->dots || to->dots)
		return -EBUSY;
	if (!S_ISDIR(from->mode))
		return S_ISDIR(to->mode) ? -EISDIR : 0;
	if (is_below(to->path, from->path, from->size) && to->size > from->size)
		return -EINVAL;
	if (from->in_lower)
		return -EXDEV;
	if (!to->mode || from->size == to->size)
		return 0;
	if (!S_ISDIR(to->mode))
		return -ENOTDIR;
	r = is_empty(to);
	return r < 0 ? r : r ? 0 : -ENOTEMPTY;
}

static long on_rename(struct k23_call *call)
{
	struct pair pair;
	struct place *from = &pair.from, *to = &pair.to;
	char name[K23_PATH_MAX];
	long r = find_pair(&pair, call);
	bool both;

	if (r <= 0)
		return r < 0 ? r : k23_forward(call);
	both = pair.has_from && pair.has_to;
	if (!both || !from->is_inside || !to->is_inside)
		return both && from->is_inside == to->is_inside ?
			       forward_with(call, pair.from_at, from, pair.to_at, to) : -EXDEV;
	r = check_rename(from, to, call->nr == SYS_renameat2 ? (unsigned)call->args[4] : 0);
	if (r == 0)
		r = copy_up(from);
	if (r == 0)
		r = copy_parents(to->path);
	if (r == 0)
		r = hide(from);
	if (r == 0 && S_ISDIR(from->mode))
		r = hide(to);
	if (r < 0)
		return r;
	if (to->mode && S_ISDIR(to->mode) && to->in_upper && from->size != to->size && real_name(to, name))
		remove_directory(name);
	to->in_upper = true;
	return forward_with(call, pair.from_at, from, pair.to_at, to);
}

/* --- programs */

#define SCRIPT_LINE 256 /* as much as the kernel looks at */
#define SCRIPTS 5       /* that the kernel executes for one program */
#define ARGUMENTS 65536

/* The interpreter that the first line of a script names, and its argument or NULL. */
static char *interpreter_of(const char *script, char line[SCRIPT_LINE + 1], char **argument)
{
	int fd = open(script, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? 0 : read(fd, line, SCRIPT_LINE);
	char *name;

	if (fd >= 0)
		close(fd);
	line[size > 0 ? size : 0] = '\0';
	if (!k23_starts_with(line, "#!"))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	for (size = (ssize_t)strlen(line); line[size - 1] == ' ' || line[size - 1] == '\t'; size--)
		line[size - 1] = '\0';
	name = line + 2 + strspn(line + 2, " \t");
	*argument = name + strcspn(name, " \t");
	if (!**argument)
		*argument = NULL;
	else
		*(*argument)++ = '\0', *argument += strspn(*argument, " \t");
	return name;
}

/* What is executed. */
struct program {
	char real[K23_PATH_MAX]; /* the name for the kernel */
	unsigned long words[2 * SCRIPTS + 1]; /* what comes in place of the first argument */
	unsigned count; /* of those; 0: it is no script */
	char lines[SCRIPTS][SCRIPT_LINE + 1];
};

/* The kernel opens the interpreter of a script by its name, and tells it the script's real name. So the interpreter is
 * executed, with the name that the program has given as its argument; it may be a script, too. */
static long find_program(struct program *program, struct place *place, unsigned long name)
{
	char *interpreter, *argument, real[K23_PATH_MAX];
	unsigned long words[2 * SCRIPTS + 1];
	unsigned at = sizeof(words) / sizeof(*words);

	program->count = 0;
	for (unsigned script = 0;; script++) {
		bool was_inside = place->is_inside;
		const char *found = real_name(place, real);
		long r;

		if (!found)
			return -ENAMETOOLONG;
		snprintf(program->real, sizeof(program->real), "%s", found);
		interpreter = script < SCRIPTS ? interpreter_of(found, program->lines[script], &argument) : NULL;
		if (!interpreter || make(SYS_access, found, X_OK, 0) < 0)
			break;
		r = find(place, AT_FDCWD, interpreter, K23_LAST_FOLLOWED);
		if (r < 0)
			return r;
		if (!was_inside && !place->is_inside && !script)
			break; /* the kernel's matter */
		words[--at] = name;
		if (argument)
			words[--at] = (unsigned long)argument;
		name = (unsigned long)interpreter;
		program->count = sizeof(words) / sizeof(*words) - at + 1;
	}
	if (!program->count)
		return 0;
	words[--at] = name;
	memcpy(program->words, words + at, program->count * sizeof(*words));
	return 0;
}

static long on_execve(struct k23_call *call)
{
	unsigned long old[2] = { call->args[0], call->args[1] }, *arguments, word = 1, count = 0;
	struct program program;
	struct place place;
	char path[K23_PATH_MAX];
	long r = k23_copy_string(path, sizeof(path), old[0]);

	if (r <= 0 || find(&place, AT_FDCWD, path, K23_LAST_FOLLOWED) < 0 ||
	    find_program(&program, &place, old[0]) < 0 || !program.count)
		return on_path(call);
	while (word && count < ARGUMENTS)
		if (k23_copy_from(&word, old[1] + count++ * sizeof(word), sizeof(word)) < 0)
			return -EFAULT;
	if (count == ARGUMENTS)
		return -E2BIG;
	arguments = alloca((program.count + count) * sizeof(*arguments));
	memcpy(arguments, program.words, program.count * sizeof(*arguments));
	arguments[program.count] = 0; /* and no more, if there was not even a first argument */
	word = sizeof(word);
	if (count > 1 && k23_copy_from(arguments + program.count, old[1] + word, (count - 1) * word) < 0)
		return -EFAULT;
	call->args[0] = (unsigned long)program.real;
	call->args[1] = (unsigned long)arguments;
	r = k23_forward(call);
	call->args[0] = old[0];
	call->args[1] = old[1];
	return r;
}

/* --- sockets with a name */

/* Which argument has the address, and the next one its size. */
static long on_address(struct k23_call *call)
{
	unsigned long *args = call->args + (call->nr == SYS_sendto ? 4 : 1), old[2] = { args[0], args[1] };
	struct sockaddr_un address = { 0 };
	char name[K23_PATH_MAX];
	const char *real;
	struct place place;
	long r = old[1] <= sizeof(address) ? k23_copy_from(&address, old[0], (unsigned)old[1]) : -EINVAL;
	bool binds = call->nr == SYS_bind;

	if (r < 0 || !old[0] || address.sun_family != AF_UNIX || !address.sun_path[0])
		return k23_forward(call);
	memcpy(name, address.sun_path, sizeof(address.sun_path));
	name[sizeof(address.sun_path)] = '\0';
	r = find(&place, AT_FDCWD, name, binds ? K23_LAST_ENTRY : K23_LAST_FOLLOWED);
	if (!place.was_inside)
		return k23_forward(call);
	if (r == 0 && binds && place.is_inside)
		r = place.mode ? -EADDRINUSE : copy_parents(place.path);
	if (r < 0)
		return r;
	real = real_name(&place, name);
	if (!real || strlen(real) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, real);
	args[0] = (unsigned long)&address;
	args[1] = offsetof(struct sockaddr_un, sun_path) + strlen(real) + 1;
	r = k23_forward(call);
	args[0] = old[0];
	args[1] = old[1];
	return r;
}

/* --- names that the kernel tells */

/* Gives the program the lower layer's name, of a path that is `size` bytes long. Returns its new size. */
static long show(unsigned long address, long size, unsigned long room)
{
	char path[K23_PATH_MAX];

	if (size <= 0 || size >= (long)sizeof(path) || k23_copy_from(path, address, (size_t)size) < 0)
		return size;
	path[size] = '\0';
	if (!is_below(path, upper, upper_size))
		return size;
	memmove(path + lower_size, path + upper_size, (size_t)size - upper_size + 1);
	memcpy(path, lower, lower_size);
	size = size - (long)upper_size + (long)lower_size;
	if ((unsigned long)size > room)
		return -ERANGE;
	return k23_copy_to(address, path, (size_t)size) < 0 ? -EFAULT : size;
}

static long on_getcwd(struct k23_call *call)
{
	return show(call->args[0], k23_forward(call), call->args[1]);
}

static long on_readlink(struct k23_call *call)
{
	char path[K23_PATH_MAX];
	int dirfd, at = k23_path_argument(call, 0, &dirfd);
	long r = k23_copy_string(path, sizeof(path), call->args[at]);

	if (r <= 0 || !k23_starts_with(path, "/proc/"))
		return on_path(call);
	return show(call->args[at + 1], k23_forward(call), (int)call->args[at + 2]);
}

static long absent(struct k23_call *call)
{
	(void)call;
	return -ENOSYS;
}

static long set_layer(char *to, const struct k23_options *options, const char *key)
{
	const char *path = k23_option(options, key);
	struct stat status;

	if (!path || !realpath(path, to) || sys_stat(to, &status) < 0 || !S_ISDIR(status.st_mode) || !to[1])
		return k23_refuse("it needs %s=DIRECTORY, which is not /", key);
	return 0;
}

static int init(const struct k23_options *options)
{
	long r = set_layer(lower, options, "lower");

	if (r == 0)
		r = set_layer(upper, options, "upper");
	lower_size = strlen(lower);
	upper_size = strlen(upper);
	if (r == 0 && (is_below(lower, upper, upper_size) || is_below(upper, lower, lower_size)))
		return k23_refuse("one of the layers lies in the other");
	k23_want_paths(on_path);
	return (int)r;
}

#define ON(function, call) { SYS_##call, function },
K23_HOOK(overlay, .init = init, .i386 = absent, .calls = {
	ON(on_open, open) ON(on_open, openat) ON(on_open, openat2) ON(on_open, creat)
	ON(on_change, chmod) ON(on_change, fchmodat) ON(on_change, fchmodat2) ON(on_change, chown) ON(on_change, lchown)
	ON(on_change, fchownat) ON(on_change, utime) ON(on_change, utimes) ON(on_change, futimesat)
	ON(on_utimensat, utimensat) ON(on_change, truncate) ON(on_change, setxattr) ON(on_change, lsetxattr)
	ON(on_change, removexattr) ON(on_change, lremovexattr) ON(on_change, setxattrat) ON(on_change, removexattrat)
	ON(on_change, file_setattr) ON(on_change_fd, fchmod) ON(on_change_fd, fchown) ON(on_change_fd, fsetxattr)
	ON(on_change_fd, fremovexattr) ON(on_make, mkdir) ON(on_make, mkdirat) ON(on_make, mknod) ON(on_make, mknodat)
	ON(on_make, symlink) ON(on_make, symlinkat) ON(on_link, link) ON(on_link, linkat) ON(on_remove, unlink)
	ON(on_remove, unlinkat) ON(on_remove, rmdir) ON(on_rename, rename) ON(on_rename, renameat)
	ON(on_rename, renameat2) ON(on_getdents64, getdents64) ON(absent, getdents) ON(on_getcwd, getcwd)
	ON(on_execve, execve) ON(on_address, bind) ON(on_address, connect) ON(on_address, sendto)
	ON(on_readlink, readlink) ON(on_readlink, readlinkat) ON(absent, io_uring_setup)
});
