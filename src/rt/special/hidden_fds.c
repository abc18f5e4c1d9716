/*
 * Hidden descriptors (base/hidden_fds.h): what the program closes and duplicates, and what lists of its descriptors in
 * /proc show.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <asm/statfs.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/hidden_fds.h"
#include "rt/special/special.h"

long special_descriptor(struct rt_thread *thread, struct k23_call *call)
{
	return rt_hidden_has((int)call->args[0]) ? -EBADF : rt_gate_program(call, thread);
}

long special_close(struct rt_thread *thread, struct k23_call *call)
{
	if (rt_hidden_has((int)call->args[0]))
		return -EBADF;
	rt_hidden_closes((int)call->args[0]);
	return rt_gate_program(call, thread);
}

long special_fcntl(struct rt_thread *thread, struct k23_call *call)
{
	rt_hidden_control((int)call->args[0], (int)call->args[1]);
	return special_descriptor(thread, call);
}

long special_dup2(struct rt_thread *thread, struct k23_call *call)
{
	return rt_hidden_has((int)call->args[1]) ? -EBADF : special_descriptor(thread, call);
}

/* The ranges between hidden descriptors, one after the other. */
static long close_between(struct rt_thread *thread, struct k23_call *call, uint32_t first, uint32_t last)
{
	long r = 0;

	for (uint32_t hidden; !failed(r); first = hidden + 1) {
		hidden = rt_hidden_next(first);
		if (hidden > last || hidden == RT_HIDDEN_NONE) {
			call->args[0] = first;
			call->args[1] = last;
			return rt_gate_program(call, thread);
		}
		if (hidden > first) {
			call->args[0] = first;
			call->args[1] = hidden - 1;
			r = rt_gate_program(call, thread);
		}
		if (hidden == last)
			break;
	}
	return r;
}

long special_close_range(struct rt_thread *thread, struct k23_call *call)
{
	uint32_t first = (uint32_t)call->args[0], last = (uint32_t)call->args[1], flags = (uint32_t)call->args[2];
	struct k23_call own = *call;
	long r = 0;

	/* With CLOSE_RANGE_CLOEXEC nothing changes for them. */
	if (first > last || flags & ~CLOSE_RANGE_UNSHARE || rt_hidden_next(first) > last)
		return rt_gate_program(call, thread);
	if (flags & CLOSE_RANGE_UNSHARE) {
		struct k23_call unshare = { .nr = __NR_unshare, .args = { CLONE_FILES } };

		r = rt_gate_program(&unshare, thread);
		own.args[2] = 0;
	}
	return failed(r) ? r : close_between(thread, &own, first, last);
}

/* An entry of a directory, as getdents and getdents64 have it. */
struct entry {
	uint64_t inode, offset;
	uint16_t size;
	char rest[14]; /* the type, if it is getdents64's, and the name; where both are longer, it is no number */
} __attribute__((packed));

/* The number that is the name of an entry, or -1. */
static int number_of(const char *name, const char *end)
{
	int number = 0;

	if (*name == '0' || *name == '\0')
		return -1;
	for (; name < end && *name; name++) {
		if (*name < '0' || *name > '9' || number > 99999999)
			return -1;
		number = 10 * number + (*name - '0');
	}
	return name < end ? number : -1;
}

/* Whether an entry of a directory in /proc leads to a hidden descriptor: fd/N, or fdinfo/N, and not task/N. Processes
 * that have come of this one have the same. */
static bool is_hidden(int directory, int number)
{
	struct statx shown, mine;
	char name[sizeof("../fd/1234")] = "../fd/";
	size_t n = 6;

	if (!rt_hidden_has(number))
		return false;
	for (int unit = 1000; unit; unit /= 10) /* it is no higher: base/hidden_fds.c */
		if (number >= unit)
			name[n++] = (char)('0' + number / unit % 10);
	name[n] = '\0';
	if (failed(sys(statx, directory, name + sizeof("../fd/") - 1, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &shown)) ||
	    (shown.stx_mode & S_IFMT) == S_IFDIR)
		return false;
	return !failed(sys(statx, directory, name, 0, STATX_INO, &shown)) &&
	       !failed(sys(statx, number, "", AT_EMPTY_PATH, STATX_INO, &mine)) && mine.stx_ino == shown.stx_ino &&
	       mine.stx_dev_major == shown.stx_dev_major && mine.stx_dev_minor == shown.stx_dev_minor;
}

/* Moves entries in the program's memory, which it may change at any time. */
static bool move(uint64_t to, uint64_t from, uint64_t size)
{
	char buffer[1024];

	for (uint64_t part; size; to += part, from += part, size -= part) {
		part = size < sizeof(buffer) ? size : sizeof(buffer);
		if (failed(rt_copy_from(buffer, from, part)) || failed(rt_copy_to(to, buffer, part)))
			return false;
	}
	return true;
}

/* Takes hidden descriptors out of a list. name: where it begins in an entry's rest. Returns the list's size then. */
static long filter(int directory, uint64_t list, long size, size_t name)
{
	long at = 0;

	while (at < size) {
		struct entry entry = { 0 };
		size_t known = (size_t)(size - at) < sizeof(entry) ? (size_t)(size - at) : sizeof(entry);

		if (failed(rt_copy_from(&entry, list + (uint64_t)at, known)) || !entry.size || entry.size > size - at)
			break;
		if (!is_hidden(directory, number_of(entry.rest + name, entry.rest + sizeof(entry.rest)))) {
			at += entry.size;
			continue;
		}
		if (!move(list + (uint64_t)at, list + (uint64_t)at + entry.size, (uint64_t)(size - at - entry.size)))
			break;
		size -= entry.size;
	}
	return size;
}

static bool is_in_proc(int directory)
{
	struct statfs about;

	return sys(fstatfs, directory, &about) == 0 && about.f_type == PROC_SUPER_MAGIC;
}

static long list(struct rt_thread *thread, struct k23_call *call, size_t name)
{
	for (;;) {
		long all = rt_gate_program(call, thread), size;

		if (failed(all) || !all || !rt_hidden_any() || !is_in_proc((int)call->args[0]))
			return all;
		size = filter((int)call->args[0], call->args[1], all, name);
		/* 0 would be the end of the directory. */
		if (size)
			return size;
	}
}

long special_getdents(struct rt_thread *thread, struct k23_call *call)
{
	return list(thread, call, 0);
}

long special_getdents64(struct rt_thread *thread, struct k23_call *call)
{
	return list(thread, call, 1);
}
