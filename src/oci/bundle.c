#include "oci/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "oci/front.h"
#include "oci/json_file.h"
#include "oci/report.h"

/* Where k23 is in a container: in the memory that is its /dev, so that no image gets a new folder. */
#define PLACE "/dev/k23"
#define PLACE_WITHOUT_DEV "/.k23"
#define CONFIG "config.json"

static struct json_object *read_config(const char *folder, const char *name, char **path)
{
	struct json_object *config;

	*path = *name == '/' ? strdup(name) : text("%s/%s", folder, name);
	config = json_file_read(*path);
	if (!config)
		die("there is no %s", *path);
	return config;
}

static const char *choose_place(struct json_object *mounts)
{
	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
		struct json_object *mount = json_object_array_get_idx(mounts, i);
		const char *destination = json_text(mount, "destination"), *type = json_text(mount, "type");

		if (destination && type && strcmp(destination, "/dev") == 0 && strcmp(type, "tmpfs") == 0)
			return PLACE;
	}
	return PLACE_WITHOUT_DEV;
}

static bool is_at(const char *path, const char *place)
{
	size_t length = strlen(place);

	return path && strncmp(path, place, length) == 0 && path[length] == '/';
}

static bool is_own(const char *path)
{
	return is_at(path, PLACE) || is_at(path, PLACE_WITHOUT_DEV);
}

/* How many words in front are k23's: up to "--". */
static size_t own_words(struct json_object *args)
{
	size_t count = args ? json_object_array_length(args) : 0;

	if (!count || !is_own(json_object_get_string(json_object_array_get_idx(args, 0))))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(args, i)), "--") == 0)
			return i + 1;
	return 0;
}

/* Takes out what an earlier k23-oci has put there: an engine may start a container again from the same file. */
static void undo(struct json_object *args, struct json_object *mounts)
{
	json_object_array_del_idx(args, 0, own_words(args));
	for (size_t i = json_object_array_length(mounts); i-- > 0;)
		if (is_own(json_text(json_object_array_get_idx(mounts, i), "destination")))
			json_object_array_del_idx(mounts, i, 1);
}

void words_put_in_front(struct json_object *args, struct json_object *words)
{
	size_t more = json_object_array_length(words);

	for (size_t i = json_object_array_length(args); i-- > 0;)
		json_object_array_put_idx(args, i + more, json_object_get(json_object_array_get_idx(args, i)));
	for (size_t i = 0; i < more; i++)
		json_object_array_put_idx(args, i, json_object_get(json_object_array_get_idx(words, i)));
}

static struct json_object *args_of(struct json_object *config)
{
	return json_member(json_member(config, "process", json_type_object), "args", json_type_array);
}

static struct json_object *mounts_of(struct json_object *config)
{
	struct json_object *mounts = json_member(config, "mounts", json_type_array);

	if (!mounts) {
		mounts = json_object_new_array();
		json_object_object_add(config, "mounts", mounts);
	}
	return mounts;
}

void bundle_prepare(const char *folder, const char *name, const struct settings *settings)
{
	char *path;
	struct json_object *config = read_config(folder, name ? name : CONFIG, &path), *mounts = mounts_of(config);
	struct json_object *args = args_of(config);
	struct front front;

	if (!args)
		die("%s has no process.args: there is nothing to start under k23", path);
	undo(args, mounts);
	if (front_make(&front, settings, json_member(config, "annotations", json_type_object), choose_place(mounts))) {
		words_put_in_front(args, front.words);
		for (size_t i = 0; i < json_object_array_length(front.mounts); i++)
			json_object_array_add(mounts, json_object_get(json_object_array_get_idx(front.mounts, i)));
		json_object_put(front.words);
		json_object_put(front.mounts);
	}
	json_file_replace(path, config);
	json_object_put(config);
	free(path);
}

struct json_object *bundle_words(const char *folder)
{
	char *path;
	struct json_object *config = read_config(folder, CONFIG, &path), *words = json_object_new_array();
	struct json_object *args = args_of(config);
	size_t count = own_words(args);

	for (size_t i = 0; i < count; i++)
		json_object_array_add(words, json_object_get(json_object_array_get_idx(args, i)));
	json_object_put(config);
	free(path);
	if (count)
		return words;
	json_object_put(words);
	return NULL;
}
