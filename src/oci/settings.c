#include "oci/settings.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/store.h"
#include "oci/json_file.h"
#include "oci/report.h"
#include "version.h"

#define ADMINISTRATOR "/etc/k23"
#define STATIC_BESIDE K23_HOOK_SUBDIR "/../k23-static"
#define STATIC_INSTALLED K23_HOOK_DIR "/../k23-static"
#define SYSTEM_STORE "/var/lib/k23/sites"
/* Engines give no PATH to some of the commands of a runtime. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The folder that this program is in. */
static char *own_folder(void)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		die("/proc is not mounted");
	self[length] = '\0';
	return strdup(dirname(self));
}

/* The first that there is: in a build tree, beside where this program is installed, where it was to be installed. */
static char *installed(const char *build, const char *beside, const char *absolute)
{
	char *folder = own_folder();
	char *places[] = { text("%s/%s", folder, build), text("%s/../%s", folder, beside), strdup(absolute) };

	free(folder);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], F_OK) == 0)
			return realpath(places[i], NULL);
		free(places[i]);
	}
	return strdup(absolute);
}

/* The path of a program that is named as for a shell, or NULL. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *places, *rest, *place, *found = NULL;

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? strdup(name) : NULL;
	places = rest = text("%s:%s", path ? path : "", DEFAULT_PATH);
	while (!found && (place = strsep(&rest, ":"))) {
		char *candidate = text("%s/%s", place, name);

		if (*place == '/' && access(candidate, X_OK) == 0)
			found = candidate;
		else
			free(candidate);
	}
	free(places);
	return found;
}

static const char *find_runtime(const char *named)
{
	const char *const usual[] = { "crun", "runc" };
	char *path = named ? find_program(named) : NULL;

	for (size_t i = 0; !named && !path && i < sizeof(usual) / sizeof(usual[0]); i++)
		path = find_program(usual[i]);
	if (!path)
		die("there is no OCI runtime %s to do the work", named ? named : "crun or runc");
	return path;
}

/* Whether programs of any user can read the store, and the k23 of a container can use it. */
static bool is_usable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct store_header header;
	struct stat status;
	bool usable = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_mode & S_IROTH &&
		      read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) && header.magic == STORE_MAGIC &&
		      header.version == STORE_VERSION;

	if (fd >= 0)
		close(fd);
	return usable;
}

static const char *find_store(const char *named)
{
	if (named && !is_usable(named))
		die("%s is no store of this k23's that everybody can read", named);
	return named ? named : is_usable(SYSTEM_STORE) ? SYSTEM_STORE : NULL;
}

static struct json_object *read_file(const char *named)
{
	struct json_object *file = json_file_read(named ? named : ADMINISTRATOR "/oci.json");

	if (named && !file)
		die("there is no file %s", named);
	return file;
}

static void check_names(struct json_object *file)
{
	static const char *const strings[] = { "runtime", "k23", "hook-folder", "store" };

	if (!file)
		return;
	json_object_object_foreach(file, name, value)
	{
		enum json_type type = strcmp(name, "hooks") == 0 ? json_type_array : json_type_string;
		bool known = type == json_type_array;

		for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
			known |= strcmp(name, strings[i]) == 0;
		if (!known || !json_object_is_type(value, type))
			die("oci.json: %s is no setting, or not of its type: runtime, k23, hook-folder and store are "
			    "strings, and hooks is an array", name);
	}
}

void settings_read(struct settings *settings, const char *named)
{
	struct json_object *file = read_file(named);
	const char *k23, *own;

	check_names(file);
	k23 = json_text(file, "k23");
	own = json_text(file, "hook-folder");
	*settings = (struct settings){
		.runtime = find_runtime(json_text(file, "runtime")),
		.k23 = k23 ? k23 : installed("k23-static", STATIC_BESIDE, STATIC_INSTALLED),
		.hooks = installed("hooks", K23_HOOK_SUBDIR, K23_HOOK_DIR),
		.own_hooks = own ? own : ADMINISTRATOR "/hooks",
		.store = find_store(json_text(file, "store")),
		.always = json_member(file, "hooks", json_type_array),
	};
}
