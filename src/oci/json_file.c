#include "oci/json_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/report.h"

#define FORMAT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

struct json_object *json_file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct json_object *object;

	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0)
		die("%s cannot be read: %s", path, strerror(errno));
	object = json_object_from_fd(fd);
	close(fd);
	if (!json_object_is_type(object, json_type_object))
		die("%s is not an object of JSON", path);
	return object;
}

void json_file_replace(const char *path, struct json_object *object)
{
	char *new = text("%s.k23-XXXXXX", path);
	struct stat old;
	int fd = mkostemp(new, O_CLOEXEC);

	if (fd < 0 || stat(path, &old) != 0 || fchmod(fd, old.st_mode & 07777) != 0 ||
	    (fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) ||
	    json_object_to_fd(fd, object, FORMAT) != 0 || rename(new, path) != 0) {
		const char *why = strerror(errno);

		if (fd >= 0)
			unlink(new);
		die("%s cannot be changed: %s", path, why);
	}
	close(fd);
	free(new);
}

char *json_file_in_memory(struct json_object *object)
{
	int fd = memfd_create("process.json", 0);

	if (fd < 0 || json_object_to_fd(fd, object, FORMAT) != 0)
		die("there is no memory for a file: %s", strerror(errno));
	return text("/proc/self/fd/%d", fd);
}

struct json_object *json_member(struct json_object *object, const char *name, enum json_type type)
{
	struct json_object *member = NULL;

	if (!object || !json_object_object_get_ex(object, name, &member) || !json_object_is_type(member, type))
		return NULL;
	return member;
}

const char *json_text(struct json_object *object, const char *name)
{
	struct json_object *member = json_member(object, name, json_type_string);

	return member ? json_object_get_string(member) : NULL;
}
