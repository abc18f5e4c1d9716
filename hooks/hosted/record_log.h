/*
 * The records of all processes of a run, in a ring that they share, until somebody has written them to the database.
 */
#ifndef HOOKS_HOSTED_RECORD_LOG_H
#define HOOKS_HOSTED_RECORD_LOG_H

#include <k23/hook.h>

#include <stdbool.h>
#include <stdint.h>

#define LOG_SIZE (64u << 20)
#define LOG_PATH_MAX (3 * K23_PATH_MAX) /* of the root, of the directory, in it */

enum how {
	HOW_STAT,
	HOW_READ,
	HOW_WRITE,
	HOW_READ_WRITE,
	HOW_CREATE,
	HOW_REMOVE,
	HOW_RENAME,
	HOW_RENAME_TO,
	HOW_LINK,
	HOW_CHANGE,
	HOW_EXEC,
	HOW_CHDIR,
	HOW_CHROOT,
	HOW_WATCH,
	HOW_MOUNT,
};

/* The path follows, with its NUL. */
struct log_record {
	uint64_t number; /* from 1, in the order in which calls have ended; of two with the same, the later one holds */
	int32_t pid, tid, error;
	uint32_t path_size;
	uint16_t arch, nr, how, unused;
};

struct log {
	struct k23_lock lock;	 /* head, numbers, lost */
	struct k23_lock writing; /* tail: held by who writes to the database */
	uint64_t head, tail;	 /* bytes that have ever been put in, and taken out */
	uint64_t numbers, lost;
	unsigned char bytes[LOG_SIZE];
};

static void log_put(struct log *log, uint64_t at, const void *from, size_t size)
{
	size_t start = at % LOG_SIZE, first = size < LOG_SIZE - start ? size : LOG_SIZE - start;

	memcpy(log->bytes + start, from, first);
	memcpy(log->bytes, (const char *)from + first, size - first);
}

static void log_get(const struct log *log, uint64_t at, void *to, size_t size)
{
	size_t start = at % LOG_SIZE, first = size < LOG_SIZE - start ? size : LOG_SIZE - start;

	memcpy(to, log->bytes + start, first);
	memcpy((char *)to + first, log->bytes, size - first);
}

/* Returns the record's number, or 0: there is no room. Who dies in between has changed nothing that counts. */
static uint64_t log_append(struct log *log, struct log_record *record, const char *path)
{
	uint64_t size;

	record->path_size = (uint32_t)k23_strlen(path) + 1;
	size = sizeof(*record) + record->path_size;
	k23_lock(&log->lock);
	if (!record->number)
		record->number = ++log->numbers;
	if (log->head + size - __atomic_load_n(&log->tail, __ATOMIC_ACQUIRE) > LOG_SIZE) {
		log->lost++;
		record->number = 0;
	} else {
		log_put(log, log->head, record, sizeof(*record));
		log_put(log, log->head + sizeof(*record), path, record->path_size);
		__atomic_store_n(&log->head, log->head + size, __ATOMIC_RELEASE);
	}
	k23_unlock(&log->lock);
	return record->number;
}

static uint64_t log_end(const struct log *log)
{
	return __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
}

static uint64_t log_size(const struct log *log)
{
	uint64_t tail = __atomic_load_n(&log->tail, __ATOMIC_RELAXED), head = log_end(log);

	return head > tail ? head - tail : 0;
}

static uint64_t log_lost(const struct log *log)
{
	return __atomic_load_n(&log->lost, __ATOMIC_RELAXED);
}

/* Reads the record at an offset, and sets that to the next one. False: the program has written to what is not its
 * own. */
static bool log_read(const struct log *log, uint64_t *at, struct log_record *record, char path[LOG_PATH_MAX])
{
	log_get(log, *at, record, sizeof(*record));
	if (!record->path_size || record->path_size > LOG_PATH_MAX || record->how > HOW_MOUNT)
		return false;
	log_get(log, *at + sizeof(*record), path, record->path_size);
	path[record->path_size - 1] = '\0';
	*at += sizeof(*record) + record->path_size;
	return true;
}

/* What has been written. When all has, the ring is used from its beginning again, so that of its pages few are. */
static void log_remove(struct log *log, uint64_t end)
{
	k23_lock(&log->lock);
	if (log->head == end)
		log->head = end = 0;
	__atomic_store_n(&log->tail, end, __ATOMIC_RELEASE);
	k23_unlock(&log->lock);
}

#endif
