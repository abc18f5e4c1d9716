/*
 * k23-oci: an OCI runtime whose containers' programs run under k23. It changes what the runtime behind it is told to
 * start, and becomes that runtime.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/bundle.h"
#include "oci/command_line.h"
#include "oci/json_file.h"
#include "oci/report.h"

#define CONFIG_OPTION "--k23-config="

static const char help[] =
	"usage: k23-oci [--k23-config=FILE] [OPTIONS] COMMAND ...\n"
	"\n"
	"An OCI runtime for engines such as podman and containerd: options and commands are those of the runtime\n"
	"that does the work, crun or runc. The programs of containers start under k23, with the hooks that\n"
	"annotations name:\n"
	"\n"
	"  podman --runtime k23-oci run --annotation k23.hook=readonly:root=/tmp IMAGE\n"
	"\n"
	"The manual page k23-oci(8) tells more.\n";

/* Takes k23-oci's own option off the command line. Engines put others in front of it. */
static const char *own_config(int *argc, char **argv)
{
	const char *file = NULL;

	for (int i = 1; i < *argc && argv[i][0] == '-'; i++) {
		if (strncmp(argv[i], CONFIG_OPTION, strlen(CONFIG_OPTION)) != 0)
			continue;
		file = argv[i] + strlen(CONFIG_OPTION);
		memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(argv[0]));
		--*argc;
		break;
	}
	return file;
}

/* The state of a container, which the runtime knows. */
static struct json_object *container_state(const struct settings *settings, const struct command_line *line)
{
	char **argv = calloc((size_t)line->command + 3, sizeof(argv[0]));
	struct json_object *state;
	int ends[2], status;
	pid_t child;

	if (!argv || pipe2(ends, O_CLOEXEC) != 0)
		die("cannot ask %s: %s", settings->runtime, strerror(errno));
	memcpy(argv, line->argv, (size_t)line->command * sizeof(argv[0]));
	argv[line->command] = (char *)"state";
	argv[line->command + 1] = line->argv[line->positional];
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execv(settings->runtime, argv);
		_exit(127);
	}
	close(ends[1]);
	state = child < 0 ? NULL : json_object_from_fd(ends[0]);
	close(ends[0]);
	free(argv);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || !json_text(state, "bundle"))
		die("%s does not tell the state of container %s", settings->runtime, line->argv[line->positional]);
	return state;
}

/* Makes the program that is given on the command line start behind the words. */
static void follow_on_command_line(struct command_line *line, struct json_object *words)
{
	int more = (int)json_object_array_length(words), program = line->positional + 1;
	char **argv = calloc((size_t)(line->argc + more) + 1, sizeof(argv[0]));

	if (!argv)
		die("out of memory");
	memcpy(argv, line->argv, (size_t)program * sizeof(argv[0]));
	for (int i = 0; i < more; i++)
		argv[program + i] = strdup(json_object_get_string(json_object_array_get_idx(words, (size_t)i)));
	memcpy(argv + program + more, line->argv + program, (size_t)(line->argc - program) * sizeof(argv[0]));
	line->argv = argv;
	line->argc += more;
}

/* Makes the program of a file start behind the words: the runtime gets another file. */
static void follow_in_file(struct command_line *line, struct json_object *words)
{
	struct json_object *process = json_file_read(line->process_file);
	struct json_object *args = json_member(process, "args", json_type_array);
	const char *word = line->argv[line->process];
	size_t kept = (size_t)(line->process_file - word);
	bool within = line->process_file >= word && kept <= strlen(word);
	char *file;

	if (!args)
		die("%s has no args", line->process_file);
	words_put_in_front(args, words);
	file = json_file_in_memory(process);
	line->argv[line->process] = text("%.*s%s", within ? (int)kept : 0, word, file);
	free(file);
	json_object_put(process);
}

/* A further process of a container starts as the first one did. */
static void prepare_exec(const struct settings *settings, struct command_line *line)
{
	struct json_object *state, *words;

	if (line->positional == line->argc)
		return; /* the runtime says what is wrong */
	state = container_state(settings, line);
	words = bundle_words(json_text(state, "bundle"));
	json_object_put(state);
	if (!words)
		return;
	if (line->process_file)
		follow_in_file(line, words);
	else
		follow_on_command_line(line, words);
	json_object_put(words);
}

int main(int argc, char **argv)
{
	const char *file = own_config(&argc, argv);
	struct settings settings;
	struct command_line line;

	if (argc == 1 || strcmp(argv[1], "--help") == 0) {
		fputs(help, argc == 1 ? stderr : stdout);
		return argc == 1 ? OCI_FAILED : 0;
	}
	command_line_read(&line, argc, argv);
	settings_read(&settings, file);
	if (command_line_is(&line, "create") || command_line_is(&line, "run"))
		bundle_prepare(line.bundle ? line.bundle : ".", line.config, &settings);
	else if (command_line_is(&line, "exec"))
		prepare_exec(&settings, &line);
	execv(settings.runtime, line.argv);
	die("cannot run %s: %s", settings.runtime, strerror(errno));
}
