#include "sites/site_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "sites/identity.h"

#define MAX_LINE 20000u
#define MAX_FILES 4096u /* a power of two */
#define MAX_OFFSETS (1u << 20)

/* The lines of one file. */
struct group {
	char *path;
	uint64_t inode;
	ARRAY(struct seen_site) sites;
};

struct groups {
	struct group *at; /* by hash, 2 * MAX_FILES */
	size_t count, sites;
};

static bool take_number(char **at, unsigned base, char end, uint64_t *value)
{
	unsigned digits = 0;

	for (*value = 0;; (*at)++, digits++) {
		unsigned c = (unsigned char)**at, digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			break;
		if (*value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	if (!digits || **at != end)
		return false;
	++*at;
	return true;
}

static void unescape(char *path)
{
	char *to = path;

	while (*path) {
		/* Nothing but a newline is escaped. */
		if (strncmp(path, "\\012", 4) == 0) {
			*to++ = '\n';
			path += 4;
		} else {
			*to++ = *path++;
		}
	}
	*to = 0;
}

bool site_log_line_parse(char *line, struct site_log_line *to)
{
	uint64_t major, minor, group;

	if (!take_number(&line, 16, ' ', &to->offset) || !take_number(&line, 16, ':', &major) ||
	    !take_number(&line, 16, ' ', &minor) || !take_number(&line, 10, ' ', &to->inode))
		return false;
	while (*line == ' ')
		line++;
	to->programs = 0;
	if (*line >= '0' && *line <= '9') {
		if (!take_number(&line, 10, ' ', &group) || group >= STORE_PROGRAMS)
			return false;
		to->programs = 1u << group;
	}
	if (*line != '/')
		return false;
	unescape(line);
	to->path = line;
	return true;
}

static struct group *find_group(struct groups *groups, const struct site_log_line *line)
{
	uint64_t hash = core_hash(core_hash(CORE_HASH_START, &line->inode, sizeof(line->inode)), line->path,
				  strlen(line->path));

	for (;; hash++) {
		struct group *group = &groups->at[hash & (2 * MAX_FILES - 1)];

		if (group->path && (group->inode != line->inode || strcmp(group->path, line->path) != 0))
			continue;
		if (!group->path && groups->count < MAX_FILES) {
			group->path = strdup(line->path);
			group->inode = line->inode;
			groups->count += group->path != NULL;
		}
		return group->path ? group : NULL;
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct seen_site *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void make_unique(struct group *group)
{
	struct seen_site *sites = group->sites.at;
	size_t kept = 0;

	if (group->sites.count)
		qsort(sites, group->sites.count, sizeof(*sites), by_offset);
	for (size_t i = 0; i < group->sites.count; i++) {
		if (kept && sites[i].offset == sites[kept - 1].offset)
			sites[kept - 1].programs |= sites[i].programs;
		else
			sites[kept++] = sites[i];
	}
	group->sites.count = kept;
}

static void add_line(struct groups *groups, char *text, struct ingest_report *report)
{
	struct site_log_line line;
	struct group *group;

	report->lines++;
	if (!site_log_line_parse(text, &line)) {
		report->garbage++;
		return;
	}
	group = find_group(groups, &line);
	/* Many processes may meet the same site: only new sites take room. */
	if (group && group->sites.count == group->sites.room) {
		groups->sites -= group->sites.count;
		make_unique(group);
		groups->sites += group->sites.count;
		/* If few lines were repeated, more room keeps this from being done again soon. */
		if (2 * group->sites.count > group->sites.room &&
		    !array_grow((void **)&group->sites.at, group->sites.room, &group->sites.room,
				sizeof(*group->sites.at)))
			return;
	}
	if (!group || groups->sites >= MAX_OFFSETS ||
	    !array_push(&group->sites, ((struct seen_site) { line.offset, line.programs })))
		report->dropped++;
	else
		groups->sites++;
}

static long read_log(FILE *log, struct groups *groups, struct ingest_report *report)
{
	char *line = malloc(MAX_LINE);
	bool rest = false; /* what comes is the rest of a line that is too long */

	if (!line)
		return -ENOMEM;
	while (fgets(line, MAX_LINE, log)) {
		size_t length = strlen(line);
		bool whole = length && line[length - 1] == '\n';

		if (whole)
			line[length - 1] = 0;
		if (!rest && !whole && length + 1 == MAX_LINE)
			*line = 0; /* a line that is too long counts as garbage, once */
		if (!rest)
			add_line(groups, line, report);
		rest = !whole;
	}
	free(line);
	return ferror(log) ? -EIO : 0;
}

/* Marks the known sites among those where programs were seen. *observed, if it is not NULL, grows by the number of
 * sites that were not observed before. */
static void mark_seen(struct known_file *file, const struct seen_site *seen, size_t count, uint32_t *observed)
{
	for (size_t i = 0; i < count; i++) {
		struct store_site *site = known_site(file, seen[i].offset);

		if (!site)
			continue;
		if (observed)
			*observed += !(site->flags & STORE_OBSERVED);
		site->flags |= STORE_OBSERVED;
		site->programs |= seen[i].programs;
	}
}

/* Marks the sites if all of them are known. False: some are not. */
static bool mark_known(struct known_file *file, const struct seen_site *seen, size_t count, uint32_t *observed)
{
	for (size_t i = 0; i < count; i++) {
		const struct store_site *site = known_site(file, seen[i].offset);

		/* Now that a program was seen there, an analysis may plan this site. */
		if (!site || site->reason == STORE_NOT_REACHED)
			return false;
	}
	mark_seen(file, seen, count, observed);
	return true;
}

static uint32_t count_observed(const struct analysis *analysis)
{
	uint32_t observed = 0;

	for (uint32_t i = 0; i < analysis->site_count; i++)
		observed += analysis->sites[i].flags & STORE_OBSERVED;
	return observed;
}

/* Analyses a file in which programs were seen at these sites. */
static long ingest_new(struct store *store, const char *file, const struct seen_site *seen, size_t count,
		       uint32_t *observed, struct ingest_report *report)
{
	uint64_t *offsets = calloc(count + 1, sizeof(*offsets));
	struct analysis analysis;
	long r;

	if (!offsets)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		offsets[i] = seen[i].offset;
	r = analyse_file(file, offsets, count, &analysis);
	free(offsets);
	if (r != 0)
		return r;
	report->rejected += count - count_observed(&analysis);
	r = store_add(store, file, &analysis, observed);
	if (r == 0)
		mark_seen(store_find(store, &analysis.id), seen, count, NULL);
	analysis_free(&analysis);
	return r;
}

/* The known file that a path leads to now: by its build-id, or, as that takes no reading of the file, by its key.
 * 0 or -errno. */
static long find_known(const struct store *store, const char *path, struct stat *status, struct known_file **known)
{
	struct store_key key;
	struct store_id id;
	long r = identity_of_path(path, &id, status);

	*known = r == 0 ? store_find(store, &id) : NULL;
	if (r != -ENOENT || stat(path, status) != 0 || !S_ISREG(status->st_mode))
		return r;
	identity_key(status, &key);
	*known = store_find_key(store, &key);
	return *known ? 0 : r;
}

/* A known file shows something else to stat(2) than it did: its new key says as much of it as the old one. */
static long add_key(struct known_file *known, const char *path, const struct stat *status)
{
	struct store_key key, read;
	struct elf_file elf;

	if (!identity_key(status, &key))
		return 0;
	if (!known_key(known, &key) && elf_file_open(&elf, path) == 0) {
		(void)analysis_key(&elf, &read);
		if (memcmp(&read, &key, offsetof(struct store_key, flags)) == 0)
			key.flags = read.flags;
		elf_file_close(&elf);
	}
	return store_add_key(known, &key);
}

long site_log_ingest_file(struct store *store, const char *file, const struct seen_site *seen, size_t count,
			  bool analyse, struct ingest_report *report)
{
	struct stat status;
	uint32_t observed = 0;
	struct known_file *known;
	long r = find_known(store, file, &status, &known);

	if (known && mark_known(known, seen, count, &observed)) {
		r = add_key(known, file, &status);
	} else if (!analyse) {
		report->large++;
		return 0;
	} else {
		r = ingest_new(store, file, seen, count, &observed, report);
		if (r != 0 && r != -ENOMEM) {
			report->failed += r != -ENOENT;
			report->gone += r == -ENOENT;
			return 0;
		}
	}
	report->files++;
	report->new_sites += observed;
	report->new_files += observed != 0;
	return r;
}

static long ingest_group(struct store *store, struct group *group, uint64_t largest, struct ingest_report *report)
{
	struct stat status;

	make_unique(group);
	if (stat(group->path, &status) != 0 || status.st_ino != group->inode || !S_ISREG(status.st_mode)) {
		report->gone++;
		return 0;
	}
	return site_log_ingest_file(store, group->path, group->sites.at, group->sites.count,
				    (uint64_t)status.st_size <= largest, report);
}

static long ingest_log(struct store *store, const char *taken, uint64_t largest, struct ingest_report *report)
{
	struct groups groups = { .at = calloc(2 * MAX_FILES, sizeof(*groups.at)) };
	int fd = open(taken, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *log = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct stat status;
	long r = !groups.at ? -ENOMEM : log ? 0 : -errno;

	if (r == 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)))
		r = -EPERM;
	if (r == 0)
		r = read_log(log, &groups, report);
	for (size_t i = 0; i < 2 * MAX_FILES && r == 0; i++)
		if (groups.at[i].path)
			r = ingest_group(store, &groups.at[i], largest, report);
	for (size_t i = 0; groups.at && i < 2 * MAX_FILES; i++) {
		free(groups.at[i].path);
		free(groups.at[i].sites.at);
	}
	free(groups.at);
	if (log)
		fclose(log);
	else if (fd >= 0)
		close(fd);
	return r;
}

/* Ingests the log; the caller holds the lock. The log is removed when the store has what it says, not before. */
static long ingest_locked(const char *path, const char *log, const char *taken, uint64_t largest,
			  struct ingest_report *report)
{
	struct store store;
	long r = store_read(&store, path);

	if (r != 0 && r != -ENOENT)
		return r;
	/* A process that was killed while it ingested may have left a log that it had taken. */
	r = ingest_log(&store, taken, largest, report);
	if (r == 0) {
		r = store_write(&store, path);
		if (r == 0 && unlink(taken) != 0)
			r = -errno;
	}
	if (r == 0 || r == -ENOENT) {
		r = rename(log, taken) == 0 ? 0 : -errno;
		if (r == 0)
			r = ingest_log(&store, taken, largest, report);
		if (r == 0)
			r = store_write(&store, path);
		if (r == 0 && unlink(taken) != 0)
			r = -errno;
	}
	store_free(&store);
	return r == -ENOENT ? 0 : r;
}

long site_log_ingest(const char *path, uint64_t largest, struct ingest_report *report)
{
	char *log = store_beside(path, ".log"), *taken = store_beside(path, ".taken");
	long lock = log && taken ? store_lock(path) : -ENOMEM;
	long r = lock;

	memset(report, 0, sizeof(*report));
	if (lock >= 0) {
		r = ingest_locked(path, log, taken, largest, report);
		close((int)lock);
	}
	free(log);
	free(taken);
	return r;
}
