#include "sites/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/types.h>

#define TITLE "k23-sites 4"

static void write_path(FILE *to, const char *path)
{
	for (; *path; path++) {
		if (*path == '\n')
			fputs("\\n", to);
		else if (*path == '\\')
			fputs("\\\\", to);
		else
			fputc(*path, to);
	}
}

/* Unescapes a path in place. */
static bool read_path(char *path)
{
	char *to = path;

	for (; *path; path++) {
		if (*path != '\\')
			*to++ = *path;
		else if (path[1] == 'n' || path[1] == '\\')
			*to++ = *++path == 'n' ? '\n' : '\\';
		else
			return false;
	}
	*to = 0;
	return true;
}

void exchange_write_text(FILE *to, const struct store *store)
{
	fputs(TITLE "\n# file ID PATH; key DEVICE INODE SIZE MTIME CTIME FLAGS\n"
		    "# site OFFSET FLAGS REASON FUNCTION-HASH FUNCTION-BEFORE FUNCTION-SIZE NR WINDOW RELATIVE "
		    "RELATIVE-END BRANCH KEPT HOP PROGRAMS\n",
	      to);
	for (size_t i = 0; i < store->files.count; i++) {
		const struct known_file *file = &store->files.at[i];

		fprintf(to, "file %s:", file->id.kind == STORE_BUILD_ID ? "build-id" : "sha256");
		for (unsigned n = 0; n < file->id.size; n++)
			fprintf(to, "%02x", file->id.bytes[n]);
		fputc(' ', to);
		write_path(to, file->path);
		fputc('\n', to);
		for (size_t n = 0; n < file->keys.count; n++) {
			const struct store_key *key = &file->keys.at[n];

			fprintf(to, "key %" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu32 "\n",
				key->dev, key->ino, key->size, key->mtime, key->ctime, key->flags);
		}
		for (uint32_t n = 0; n < file->site_count; n++) {
			const struct store_site *site = &file->sites[n];

			fprintf(to,
				"site %" PRIx64 " %u %s %" PRIx64 " %" PRIu32 " %" PRIu32 " %" PRId32
				" %u %u %u %u %u %d %" PRIx32 "\n",
				site->offset, site->flags, reason_name(site->reason), site->function_hash,
				site->function_before, site->function_size, site->nr, site->window, site->relative,
				site->relative_end, site->branch, site->kept, site->hop, site->programs);
		}
	}
}

void exchange_write_paper(FILE *to, const struct store *store)
{
	for (size_t i = 0; i < store->files.count; i++) {
		const struct known_file *file = &store->files.at[i];

		for (uint32_t n = 0; n < file->site_count; n++) {
			if (!(file->sites[n].flags & STORE_OBSERVED))
				continue;
			write_path(to, file->path);
			fprintf(to, ",%" PRIu64 "\n", file->sites[n].offset);
		}
	}
}

static bool read_id(const char *text, const char *end, struct store_id *id)
{
	memset(id, 0, sizeof(*id));
	if (strncmp(text, "build-id:", 9) == 0)
		id->kind = STORE_BUILD_ID;
	else if (strncmp(text, "sha256:", 7) == 0)
		id->kind = STORE_CONTENT;
	else
		return false;
	for (text = strchr(text, ':') + 1; text < end; text += 2) {
		static const char digits[] = "0123456789abcdef";
		const char *high = memchr(digits, text[0], 16), *low = memchr(digits, text[1], 16);

		if (!high || !low || id->size == sizeof(id->bytes))
			return false;
		id->bytes[id->size++] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return id->size != 0;
}

static long read_file(struct store *store, char *line)
{
	struct analysis file = { .site_count = 0 };
	char *path = strchr(line, ' ');

	if (!path || !read_id(line, path, &file.id) || !read_path(path + 1) || store_find(store, &file.id))
		return -EINVAL;
	return store_add(store, path + 1, &file, NULL);
}

static long read_key(struct store *store, const char *line)
{
	struct store_key key = { 0 };
	int end = 0;

	/* There were keys without flags. */
	if (!store->files.count ||
	    sscanf(line, "%" SCNx64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 "%n %" SCNu32 "%n", &key.dev,
		   &key.ino, &key.size, &key.mtime, &key.ctime, &end, &key.flags, &end) < 5 ||
	    line[end])
		return -EINVAL;
	return store_add_key(&store->files.at[store->files.count - 1], &key);
}

/* Appends a site to the last file, which has room for *room sites. */
static long read_site(struct store *store, const char *line, size_t *room)
{
	struct known_file *file = store->files.count ? &store->files.at[store->files.count - 1] : NULL;
	struct store_site site = { 0 };
	unsigned flags, window, relative, relative_end, branch, kept;
	int hop;
	char reason[32], end;
	int named;

	if (!file ||
	    sscanf(line,
		   "%" SCNx64 " %u %31s %" SCNx64 " %" SCNu32 " %" SCNu32 " %" SCNd32 " %u %u %u %u %u %d %" SCNx32
		   "%c",
		   &site.offset, &flags, reason, &site.function_hash, &site.function_before, &site.function_size,
		   &site.nr, &window, &relative, &relative_end, &branch, &kept, &hop, &site.programs,
		   &end) != 14)
		return -EINVAL;
	named = reason_named(reason);
	if (named < 0 || flags > 255 || window > 255 || relative > 255 || relative_end > 255 || branch > 255 ||
	    kept > 255 || hop != (int8_t)hop ||
	    (file->site_count && file->sites[file->site_count - 1].offset >= site.offset) ||
	    file->site_count == UINT32_MAX)
		return -EINVAL;
	site.flags = (uint8_t)flags;
	site.reason = (uint8_t)named;
	site.window = (uint8_t)window;
	site.relative = (uint8_t)relative;
	site.relative_end = (uint8_t)relative_end;
	site.branch = (uint8_t)branch;
	site.kept = (uint8_t)kept;
	site.hop = (int8_t)hop;
	if (!array_grow((void **)&file->sites, file->site_count, room, sizeof(site)))
		return -ENOMEM;
	file->sites[file->site_count++] = site;
	return known_valid(&(struct known_file){ .id = file->id, .sites = &site, .site_count = 1 }) ? 0 : -EINVAL;
}

static long read_line(struct store *store, char *line, size_t *room)
{
	if (*line == '#' || !*line)
		return 0;
	if (strncmp(line, "file ", 5) == 0) {
		*room = 1; /* what a new file has */
		return read_file(store, line + 5);
	}
	if (strncmp(line, "key ", 4) == 0)
		return read_key(store, line + 4);
	if (strncmp(line, "site ", 5) == 0)
		return read_site(store, line + 5, room);
	return -EINVAL;
}

/* Reads the next line, without its newline. 1, 0 at the end, -EINVAL for a line with a NUL, or -EIO. */
static long next_line(FILE *from, char **line, size_t *room, uint64_t *number)
{
	ssize_t length = getline(line, room, from);

	if (length < 0)
		return feof(from) ? 0 : -EIO;
	++*number;
	if (strlen(*line) != (size_t)length)
		return -EINVAL;
	if (length && (*line)[length - 1] == '\n')
		(*line)[length - 1] = 0;
	return 1;
}

long exchange_read_text(FILE *from, struct store *store, uint64_t *number)
{
	size_t line_room = 0, site_room = 0;
	char *line = NULL;
	long r;

	*number = 0;
	memset(store, 0, sizeof(*store));
	r = next_line(from, &line, &line_room, number);
	if (r == 0 || (r > 0 && strcmp(line, TITLE) != 0))
		r = -EINVAL;
	while (r > 0 && (r = next_line(from, &line, &line_room, number)) > 0) {
		long wrong = read_line(store, line, &site_room);

		r = wrong ? wrong : 1;
	}
	free(line);
	return r;
}

struct paper_line {
	char *path;
	uint64_t offset;
};

static int by_path(const void *a, const void *b)
{
	const struct paper_line *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

static long read_paper_line(char *line, struct paper_line *to)
{
	char *comma = strrchr(line, ','), *end;

	if (!comma || comma[1] < '0' || comma[1] > '9')
		return -EINVAL;
	errno = 0;
	to->offset = strtoull(comma + 1, &end, 0);
	*comma = 0;
	if (*end || errno || *line != '/' || !read_path(line))
		return -EINVAL;
	to->path = strdup(line);
	return to->path ? 0 : -ENOMEM;
}

/* Ingests the sites of the first path among `count` lines, which are sorted by path and offset. Returns how many lines
 * have this path, or -errno. */
static long ingest_path(struct store *store, const struct paper_line *lines, size_t count,
			struct ingest_report *report)
{
	ARRAY(struct seen_site) seen = { 0 };
	size_t n = 0;
	long r = 0;

	for (; r == 0 && n < count && strcmp(lines[n].path, lines[0].path) == 0; n++)
		if ((!n || lines[n].offset != lines[n - 1].offset) &&
		    !array_push(&seen, (struct seen_site){ .offset = lines[n].offset }))
			r = -ENOMEM;
	if (r == 0)
		r = site_log_ingest_file(store, lines[0].path, seen.at, seen.count, true, report);
	free(seen.at);
	return r == 0 ? (long)n : r;
}

long exchange_read_paper(FILE *from, struct store *store, struct ingest_report *report, uint64_t *number)
{
	ARRAY(struct paper_line) lines = { 0 };
	size_t room = 0;
	char *line = NULL;
	long r;

	*number = 0;
	memset(report, 0, sizeof(*report));
	while ((r = next_line(from, &line, &room, number)) > 0) {
		struct paper_line next;

		if (!*line)
			continue;
		r = read_paper_line(line, &next);
		if (r == 0 && !array_push(&lines, next)) {
			free(next.path);
			r = -ENOMEM;
		}
		if (r != 0)
			break;
	}
	if (lines.count)
		qsort(lines.at, lines.count, sizeof(*lines.at), by_path);
	for (size_t i = 0; i < lines.count && r >= 0; i += (size_t)r)
		r = ingest_path(store, lines.at + i, lines.count - i, report);
	report->lines = lines.count;
	for (size_t i = 0; i < lines.count; i++)
		free(lines.at[i].path);
	free(lines.at);
	free(line);
	return r < 0 ? r : 0;
}
