/*
 * Paths by name: normalisation and containment.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "core/path.h"

static void normalised(const char *base, const char *path, const char *expected)
{
	/* On the heap, so that a sanitizer sees every byte too many. */
	size_t room = strlen(base) + strlen(path) + 2;
	char *to = malloc(room);
	long length = core_path_normalise(to, room, base, path);

	CHECK(length == (long)strlen(expected) && strcmp(to, expected) == 0, "%s from %s gives %s", path, base,
	      length < 0 ? "an error" : to);
	free(to);
	if (strlen(expected) < 2)
		return;
	room = strlen(expected);
	to = malloc(room);
	CHECK(core_path_normalise(to, room, base, path) == -ENAMETOOLONG, "%s fits where it cannot", path);
	free(to);
}

int main(void)
{
	normalised("/", "/", "/");
	normalised("/", "", "/");
	normalised("/a/b", "c", "/a/b/c");
	normalised("/a/b", "../c", "/a/c");
	normalised("/a/b", "../../../..", "/");
	normalised("/a/b", "./././c/.", "/a/b/c");
	normalised("/a", "/x//y///z/", "/x/y/z");
	normalised("/a", "/x/../y", "/y");
	normalised("/a", "...", "/a/...");
	normalised("/a", "..b/.c", "/a/..b/.c");
	CHECK(core_path_under("/a/b", "/a"), "below");
	CHECK(core_path_under("/a", "/a"), "itself");
	CHECK(core_path_under("/a", "/"), "all are below the root");
	CHECK(!core_path_under("/ab", "/a"), "a name that begins like it");
	CHECK(!core_path_under("/", "/a"), "above");
	return FINISH();
}
