/*
 * The files that calls name, for `k23 stat --html`, in the table of k23/counters.h.
 */
#ifndef HOOKS_STAT_FILES_H
#define HOOKS_STAT_FILES_H

#include <k23/counters.h>

#include "collector.h"
#include "stat_sites.h"

/* Makes the path absolute that the call names. Returns its length, or an error: the call names none. */
static long file_of_call(const struct k23_call *call, char *absolute, size_t size)
{
	const struct k23_syscall_info *info = k23_describe(call);
	char path[K23_PATH_MAX];
	long r;

	for (int i = 0; info && i < info->args; i++) {
		int dirfd = i && info->kind[i - 1] == K23_DIRFD ? (int)call->args[i - 1] : AT_FDCWD;

		if (info->kind[i] != K23_PATH)
			continue;
		r = k23_copy_string(path, sizeof(path), call->args[i]);
		if (r > 0)
			r = k23_path_absolute(absolute, size, dirfd, path);
		return r > 0 ? r : -ENOENT;
	}
	return -ENOENT;
}

/* The file's entry, or NULL: there is no room, or the call names no file. */
static struct k23_counter_file *find_file(const struct k23_call *call)
{
	struct k23_counters *counters = (struct k23_counters *)channel;
	struct k23_counter_file *file;
	char path[K23_PATH_MAX];
	long length = file_of_call(call, path, sizeof(path));
	uint64_t key = hash_path(path, length > 0 ? (size_t)length : 0);
	uint32_t i, text;
	int taken;

	if (length <= 0)
		return NULL;
	i = find_key(counters->files, sizeof(counters->files[0]), K23_COUNTERS_FILES, key, &taken);
	if (i == K23_COUNTERS_FILES) {
		__atomic_add_fetch(&counters->files_unlisted, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	file = &counters->files[i];
	text = taken ? add_text(counters, path, (size_t)length + 1) : K23_COUNTERS_TEXT;
	if (text < K23_COUNTERS_TEXT) {
		file->text = text;
		__atomic_store_n(&file->known, 1, __ATOMIC_RELEASE);
	}
	return file;
}

static void count_file(struct k23_counter_file *file, uint64_t cycles, long result)
{
	__atomic_add_fetch(&file->calls, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&file->cycles, cycles, __ATOMIC_RELAXED);
	if (k23_failed(result))
		__atomic_add_fetch(&file->errors, 1, __ATOMIC_RELAXED);
}

#endif
