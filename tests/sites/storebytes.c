/*
 * A store with each of its bytes changed, and cut off at each: an error, or with a checksum that fits at least no read
 * outside it. And what is written is what is read.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/store.h"
#include "sites/store.h"
#include "unit/check.h"

static const struct store_site sites[] = {
	{ .offset = 0x1000,
	  .nr = 39,
	  .flags = STORE_VERIFIED | STORE_OBSERVED,
	  .function_before = 40,
	  .function_size = 80,
	  .function_hash = 7,
	  .window = 5,
	  .relative = 0xff,
	  .branch = 0xff },
	{ .offset = 0x1040, .nr = -1, .reason = STORE_PAGE_END, .relative = 0xff, .branch = 0xff },
	{ .offset = 0x2000,
	  .nr = 1,
	  .flags = STORE_VERIFIED,
	  .function_before = 90,
	  .function_size = 99,
	  .window = 7,
	  .relative = 3,
	  .relative_end = 7,
	  .branch = 0xff },
};

static struct analysis made_up(unsigned char n)
{
	struct analysis analysis = { .id = { .kind = STORE_BUILD_ID, .size = 20, .bytes = { n, 1, 2 } },
				     .key = { .dev = 1, .ino = n, .size = 5, .mtime = -3, .ctime = 9,
					     .flags = n % 2 ? STORE_NO_VSYSCALL : 0 }, .has_key = true,
				     .sites = (struct store_site *)sites, .site_count = n % 4u };

	return analysis;
}

static long read_bytes(const void *context, uint64_t offset, void *to, size_t size)
{
	memcpy(to, (const uint8_t *)context + offset, size);
	return 0;
}

/* As a process under k23 looks things up: no matter what is in it. */
static void look_up(uint8_t *bytes, size_t size)
{
	struct core_store store;

	if (core_store_open(&store, read_bytes, bytes, size) != 0)
		return;
	for (unsigned char n = 0; n < 6; n++) {
		struct analysis analysis = made_up(n);
		struct store_file file;
		struct store_site site;

		if (core_store_find(&store, &analysis.id, &file) == 0 &&
		    core_store_site(&store, &file.sites, 0x1040, &site) == 0)
			CHECK(site.offset == 0x1040, "another site");
		if (core_store_find_key(&store, &analysis.key, &file) == 0 &&
		    core_store_site(&store, &file.sites, 0x2000, &site) == 0)
			CHECK(site.offset == 0x2000, "another site");
	}
}

static void parse(const uint8_t *bytes, size_t size, bool may_be_good)
{
	/* On the heap and of that size, so that a sanitizer sees every byte too many. */
	uint8_t *copy = malloc(size + !size);
	struct store store;
	long r;

	memcpy(copy, bytes, size);
	r = store_parse(&store, copy, size);
	CHECK(r == 0 ? may_be_good : r == -EINVAL || r == -ESTALE || r == -EPROTO || r == -EBADMSG, "%ld", r);
	if (r == 0)
		store_free(&store);
	look_up(copy, size);
	free(copy);
}

static void mend(uint8_t *bytes, size_t size)
{
	uint64_t sum =
		core_hash(CORE_HASH_START, bytes + sizeof(struct store_header), size - sizeof(struct store_header));

	memcpy(bytes + offsetof(struct store_header, checksum), &sum, sizeof(sum));
}

static void change_each(uint8_t *bytes, size_t size)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff };

	for (size_t at = 0; at < size; at++) {
		uint8_t before = bytes[at];

		bytes[at] ^= 0x10;
		parse(bytes, size, false);
		for (size_t i = 0; i < sizeof(values); i++) {
			uint64_t sum;

			memcpy(&sum, bytes + offsetof(struct store_header, checksum), sizeof(sum));
			bytes[at] = values[i];
			mend(bytes, size);
			parse(bytes, size, true);
			bytes[at] = before;
			mend(bytes, size);
		}
		bytes[at] = before;
	}
	for (size_t cut = 0; cut < size; cut++)
		parse(bytes, cut, false);
}

static size_t read_whole(const char *path, uint8_t *to, size_t room)
{
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(to, 1, room, file) : 0;

	if (file)
		fclose(file);
	return size;
}

static void same(const struct store *a, const struct store *b)
{
	CHECK(a->files.count == b->files.count, "%zu files and %zu", a->files.count, b->files.count);
	for (size_t i = 0; i < a->files.count && i < b->files.count; i++) {
		const struct known_file *x = &a->files.at[i], *y = &b->files.at[i];

		CHECK(memcmp(&x->id, &y->id, sizeof(x->id)) == 0 && strcmp(x->path, y->path) == 0, "file %zu", i);
		CHECK(x->site_count == y->site_count &&
			      memcmp(x->sites, y->sites, x->site_count * sizeof(*x->sites)) == 0, "its sites");
		CHECK(x->keys.count == 1 && y->keys.count == 1 &&
			      memcmp(x->keys.at, y->keys.at, offsetof(struct store_key, file)) == 0 &&
			      x->keys.at[0].flags == y->keys.at[0].flags, "its key");
	}
}

int main(void)
{
	static uint8_t bytes[65536];
	char directory[PATH_MAX], path[PATH_MAX + 8];
	const char *base = getenv("TMPDIR");
	struct store store = { 0 }, again;
	size_t size;
	long lock;

	snprintf(directory, sizeof(directory), "%s/k23-store-XXXXXX", base ? base : "/tmp");
	CHECK(mkdtemp(directory), "no directory");
	snprintf(path, sizeof(path), "%s/sites", directory);
	for (unsigned char n = 0; n < 4; n++) {
		struct analysis analysis = made_up(n);
		char name[] = "/file/0";

		name[6] = (char)('0' + n);
		CHECK(store_add(&store, name, &analysis, NULL) == 0, "adding");
	}
	lock = store_lock(path);
	CHECK(lock >= 0 && store_write(&store, path) == 0, "writing");
	CHECK(store_read(&again, path) == 0, "reading");
	same(&store, &again);
	size = read_whole(path, bytes, sizeof(bytes));
	CHECK(size > sizeof(struct store_header), "%zu bytes", size);
	for (unsigned char n = 0; n < 4; n++) {
		struct analysis analysis = made_up(n);
		struct core_store core;
		struct store_file file;

		CHECK(core_store_open(&core, read_bytes, bytes, size) == 0, "opening");
		CHECK(core_store_find(&core, &analysis.id, &file) == 0 && file.sites.count == n, "file %u by id", n);
		analysis.key.flags = 0;
		CHECK(core_store_find_key(&core, &analysis.key, &file) == 0 && file.sites.count == n, "file %u by key",
		      n);
		CHECK(analysis.key.flags == (n % 2 ? STORE_NO_VSYSCALL : 0), "flags of file %u", n);
	}
	change_each(bytes, size);
	store_free(&store);
	store_free(&again);
	close((int)lock);
	unlink(path);
	strcat(path, ".lock");
	unlink(path);
	rmdir(directory);
	return FINISH();
}
