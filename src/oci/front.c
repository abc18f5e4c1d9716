#include "oci/front.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/json_file.h"
#include "oci/report.h"

#define PREFIX "k23."

enum meaning { ENABLED, COMMAND, HOOK, OPTION, WORDS };

/* An annotation, a value that it may have (NULL: any), and the option of k23's that this means (NULL: none). */
static const struct rule {
	const char *name;
	enum meaning meaning;
	const char *value, *option;
} rules[] = {
	{ "k23.enabled", ENABLED, "true", NULL },
	{ "k23.enabled", ENABLED, "false", NULL },
	{ "k23.command", COMMAND, "run", NULL },
	{ "k23.command", COMMAND, "stat", NULL },
	{ "k23.command", COMMAND, "trace", NULL },
	{ "k23.options", WORDS, NULL, NULL },
	{ "k23.patch", OPTION, "true", NULL },
	{ "k23.patch", OPTION, "false", "--no-patch" },
	{ "k23.patch", OPTION, "eager", "--eager" },
	{ "k23.foreign", OPTION, "refuse", "--foreign=refuse" },
	{ "k23.foreign", OPTION, "allow", "--foreign=allow" },
	{ "k23.hook", HOOK, NULL, NULL },
};

static bool is_hook(const char *name)
{
	return strcmp(name, "k23.hook") == 0 || strncmp(name, "k23.hook.", strlen("k23.hook.")) == 0;
}

/* Dies if there is none. */
static const struct rule *find_rule(const char *name, const char *value)
{
	const char *known = is_hook(name) ? "k23.hook" : name;
	bool named = false;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].name, known) != 0)
			continue;
		named = true;
		if (value && (!rules[i].value || strcmp(rules[i].value, value) == 0))
			return &rules[i];
	}
	die(named ? "the annotation %s cannot be %s: k23-oci(8) tells which values there are" :
		    "there is no annotation %s (%s): k23-oci(8) tells which there are", name, value ? value : "that");
}

static void add(struct json_object *array, char *word)
{
	json_object_array_add(array, json_object_new_string(word));
	free(word);
}

static void add_mount(struct front *front, const char *source, char *destination)
{
	static const char *const options[] = { "bind", "ro", "nosuid", "nodev" };
	struct json_object *mount = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		json_object_array_add(list, json_object_new_string(options[i]));
	json_object_object_add(mount, "destination", json_object_new_string(destination));
	json_object_object_add(mount, "type", json_object_new_string("bind"));
	json_object_object_add(mount, "source", json_object_new_string(source));
	json_object_object_add(mount, "options", list);
	json_object_array_add(front->mounts, mount);
	free(destination);
}

/* Puts one hook into the container. Who writes an annotation may name a hook, and no file: the container can read what
 * is mounted into it. */
static void add_hook(struct front *front, const struct settings *settings, const char *spec, bool trusted,
		     const char *place)
{
	size_t length = strcspn(spec, ":");
	char *name = strndup(spec, length), *own, *shipped;
	bool is_path = strchr(name, '/');

	if (!length || (is_path && !trusted))
		die("the hook %s is no name of a hook in %s or %s", spec, settings->own_hooks, settings->hooks);
	own = is_path ? strdup(name) : text("%s/%s.so", settings->own_hooks, name);
	shipped = text("%s/%s.so", settings->hooks, name);
	if (access(own, R_OK) == 0) {
		char *to = text("%s/own/%u.so", place, ++front->own_hooks);

		add(front->words, text("--hook=%s%s", to, spec + length));
		add_mount(front, own, to);
	} else if (!is_path && access(shipped, R_OK) == 0) {
		add(front->words, text("--hook=%s/hooks/%s%s", place, strrchr(shipped, '/') + 1, spec + length));
	} else {
		die("there is no hook %s in %s or %s", name, settings->own_hooks, settings->hooks);
	}
	free(name);
	free(own);
	free(shipped);
}

static void add_words(struct front *front, const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;

	while ((word = strsep(&rest, " \t\n")))
		if (strcmp(word, "--") == 0)
			die("the annotation k23.options has a --: the container's program is what follows");
		else if (*word)
			add(front->words, strdup(word));
	free(copy);
}

static int by_name(const void *one, const void *other)
{
	return strcmp(json_object_get_string(*(struct json_object *const *)one),
		      json_object_get_string(*(struct json_object *const *)other));
}

/* The names of the annotations that are k23's. Sorted: k23.hook.1 is before k23.hook.2. */
static struct json_object *own_names(struct json_object *annotations)
{
	struct json_object *names = json_object_new_array();

	if (!annotations)
		return names;
	json_object_object_foreach(annotations, name, value)
	{
		(void)value;
		if (strncmp(name, PREFIX, strlen(PREFIX)) == 0)
			json_object_array_add(names, json_object_new_string(name));
	}
	json_object_array_sort(names, by_name);
	return names;
}

static void add_options(struct front *front, const struct settings *settings, struct json_object *names,
			struct json_object *annotations, const char *place)
{
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));
		const char *value = json_text(annotations, name);
		const struct rule *rule = find_rule(name, value);

		if (rule->option)
			add(front->words, strdup(rule->option));
		else if (rule->meaning == HOOK)
			add_hook(front, settings, value, false, place);
		else if (rule->meaning == WORDS)
			add_words(front, value);
	}
}

static const char *value_of(struct json_object *annotations, const char *name, const char *otherwise)
{
	const char *value = json_text(annotations, name);

	return value ? find_rule(name, value)->value : otherwise;
}

bool front_make(struct front *front, const struct settings *settings, struct json_object *annotations,
		const char *place)
{
	const char *command = value_of(annotations, "k23.command", "run");
	struct json_object *names;

	if (strcmp(value_of(annotations, "k23.enabled", "true"), "false") == 0) {
		if (settings->always && json_object_array_length(settings->always))
			die("k23.enabled cannot be false: the settings have hooks for every container");
		return false;
	}
	if (access(settings->k23, X_OK) != 0)
		die("there is no %s: `make static` builds the k23 that needs no library", settings->k23);
	*front = (struct front){ .words = json_object_new_array(), .mounts = json_object_new_array() };
	add(front->words, text("%s/k23", place));
	add_mount(front, settings->k23, text("%s/k23", place));
	add_mount(front, settings->hooks, text("%s/hooks", place));
	add(front->words, strdup(command));
	add(front->words, text("--store=%s/store", place));
	add(front->words, strdup("--no-learn"));
	if (settings->store)
		add_mount(front, settings->store, text("%s/store", place));
	for (size_t i = 0; settings->always && i < json_object_array_length(settings->always); i++)
		add_hook(front, settings, json_object_get_string(json_object_array_get_idx(settings->always, i)), true,
			 place);
	names = own_names(annotations);
	add_options(front, settings, names, annotations, place);
	json_object_put(names);
	add(front->words, strdup("--"));
	return true;
}
