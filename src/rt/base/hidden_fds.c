#include "rt/base/hidden_fds.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include "abi/syscall.h"
#include "rt/base/lock.h"
#include "rt/base/thread.h"

#define NUMBERS 8192u /* higher ones cannot be hidden */
/* The kernel's table of descriptors, which fork copies, is as large as the highest number wants. */
#define HIGHEST 4095u
#define TRIES 16
#define LOCKED_FILES 64u

static RT_TABLE uint64_t hidden[NUMBERS / 64];
static RT_TABLE uint64_t inherits[NUMBERS / 64]; /* of these: those that execve is to leave open when they are shown */
static uint32_t count;
static uint64_t lock;

/* Files on which the process may have record locks: these go when any descriptor of such a file is closed. */
static RT_TABLE struct file {
	uint64_t device, inode;
} locked_files[LOCKED_FILES];
static uint32_t locked_count; /* may be LOCKED_FILES + 1: there are more */

/* ctx: any */
static bool is_in(const uint64_t *set, uint32_t fd)
{
	return fd < NUMBERS && __atomic_load_n(&set[fd / 64], __ATOMIC_RELAXED) & 1ul << fd % 64;
}

/* ctx: entry; locked */
static void put(uint64_t *set, uint32_t fd, bool in)
{
	if (in)
		__atomic_fetch_or(&set[fd / 64], 1ul << fd % 64, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&set[fd / 64], ~(1ul << fd % 64), __ATOMIC_RELAXED);
}

/* ctx: any */
bool rt_hidden_any(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED) != 0;
}

/* ctx: any */
bool rt_hidden_has(int fd)
{
	return rt_hidden_any() && is_in(hidden, (uint32_t)fd);
}

/* ctx: any */
uint32_t rt_hidden_next(uint32_t from)
{
	for (uint32_t fd = from; rt_hidden_any() && fd < NUMBERS; fd++)
		if (is_in(hidden, fd))
			return fd;
	return RT_HIDDEN_NONE;
}

/* False: it is none that can have record locks. ctx: boot | entry */
static bool find_file(int fd, struct file *file)
{
	struct statx about;

	if (failed(sys(statx, fd, "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE, &about)) ||
	    (about.stx_mode & S_IFMT) != S_IFREG)
		return false;
	*file = (struct file){ (uint64_t)about.stx_dev_major << 32 | about.stx_dev_minor, about.stx_ino };
	return true;
}

/* Its place in the table, or NULL. ctx: entry; locked */
static struct file *find_locked(const struct file *file)
{
	for (uint32_t i = 0; i < locked_count && i < LOCKED_FILES; i++)
		if (locked_files[i].device == file->device && locked_files[i].inode == file->inode)
			return &locked_files[i];
	return NULL;
}

/* ctx: entry; locked */
static bool may_have_locks(const struct file *file)
{
	return find_locked(file) || locked_count > LOCKED_FILES;
}

/* ctx: boot | entry */
void rt_hidden_control(int fd, int command)
{
	struct file file;

	if ((command != F_SETLK && command != F_SETLKW) || !find_file(fd, &file))
		return;
	rt_lock(&lock);
	if (!may_have_locks(&file)) {
		if (locked_count < LOCKED_FILES)
			locked_files[locked_count] = file;
		locked_count++;
	}
	rt_unlock(&lock);
}

/* ctx: boot | entry */
void rt_hidden_closes(int fd)
{
	struct file file, *known;

	if (!__atomic_load_n(&locked_count, __ATOMIC_RELAXED) || !find_file(fd, &file))
		return;
	rt_lock(&lock);
	known = find_locked(&file);
	if (known && locked_count <= LOCKED_FILES)
		*known = locked_files[--locked_count];
	rt_unlock(&lock);
}

/* Makes a duplicate with a number that the program's limit leaves it no use for. The limit is raised meanwhile, and so
 * only where no other thread of the program can see that. ctx: entry; locked */
static long duplicate_above(int fd, const struct rlimit64 *limit)
{
	struct rlimit64 raised = { .rlim_cur = NUMBERS, .rlim_max = limit->rlim_max };
	long r;

	if (raised.rlim_cur > limit->rlim_max)
		raised.rlim_cur = limit->rlim_max;
	if (limit->rlim_cur > HIGHEST || raised.rlim_cur <= limit->rlim_cur || (rt.begun && !rt_self()->alone) ||
	    failed(sys(prlimit64, 0, RLIMIT_NOFILE, &raised, NULL)))
		return -EMFILE;
	r = sys(fcntl, fd, F_DUPFD_CLOEXEC, limit->rlim_cur);
	sys(prlimit64, 0, RLIMIT_NOFILE, limit, NULL);
	return r;
}

/* Makes a duplicate with such a number, or else with the highest that is free. ctx: entry; locked */
static long duplicate(int fd)
{
	struct rlimit64 limit = { 0 };
	uint32_t number, step = 1;
	long r;

	sys(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	r = duplicate_above(fd, &limit);
	number = limit.rlim_cur <= HIGHEST ? (uint32_t)limit.rlim_cur : HIGHEST + 1;
	for (int i = 0; i < TRIES && failed(r); i++, step *= 2) {
		number = number > step ? number - step : 0;
		while (number > (uint32_t)fd && is_in(hidden, number))
			number--;
		if (number <= (uint32_t)fd)
			break;
		/* The kernel takes a higher one if the program has this one. */
		r = sys(fcntl, fd, F_DUPFD_CLOEXEC, number);
	}
	if (!failed(r) && r >= NUMBERS) {
		sys(close, r);
		r = -EMFILE;
	}
	return r;
}

/* ctx: boot | entry */
long rt_hide(int fd, bool inherited)
{
	struct file file;
	long moved = -EMFILE;

	rt_lock(&lock);
	if (rt_hidden_has(fd)) {
		put(inherits, (uint32_t)fd, inherited);
		rt_unlock(&lock);
		return fd;
	}
	if (!locked_count || !find_file(fd, &file) || !may_have_locks(&file))
		moved = duplicate(fd);
	if (failed(moved) && fd < (int)NUMBERS) {
		moved = sys(fcntl, fd, F_SETFD, FD_CLOEXEC);
		if (!failed(moved))
			moved = fd;
	}
	if (!failed(moved)) {
		put(inherits, (uint32_t)moved, inherited);
		put(hidden, (uint32_t)moved, true);
		__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
		if (moved != fd)
			sys(close, fd);
	}
	rt_unlock(&lock);
	return moved;
}

/* Takes it out of the set. ctx: entry; locked */
static void forget(int fd)
{
	put(hidden, (uint32_t)fd, false);
	__atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
}

/* ctx: boot | entry */
long rt_hidden_show(int fd)
{
	long r = -EBADF;

	rt_lock(&lock);
	if (rt_hidden_has(fd)) {
		r = sys(fcntl, fd, is_in(inherits, (uint32_t)fd) ? F_DUPFD : F_DUPFD_CLOEXEC, 0);
		if (!failed(r)) {
			sys(close, fd);
			forget(fd);
		}
	}
	rt_unlock(&lock);
	return r;
}

/* ctx: boot | entry */
long rt_hidden_close(int fd)
{
	long r;

	rt_hidden_closes(fd);
	if (!rt_hidden_has(fd))
		return sys(close, fd);
	rt_lock(&lock);
	r = sys(close, fd);
	if (rt_hidden_has(fd))
		forget(fd);
	rt_unlock(&lock);
	return r;
}

/* ctx: entry */
void rt_hidden_lock(void)
{
	rt_lock(&lock);
}

/* ctx: entry */
void rt_hidden_unlock(void)
{
	rt_unlock(&lock);
}

/* ctx: entry */
void rt_hidden_forked(void)
{
	lock = 0;
	locked_count = 0; /* such locks stay with the parent */
}
