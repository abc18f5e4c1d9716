#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"

/* Starts a command. Returns what is to be written to. */
static int start_command(struct output *output, const char *command)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return -1;
	output->command = fork();
	if (output->command == 0) {
		dup2(pipes[0], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(EXIT_NOT_FOUND);
	}
	close(pipes[0]);
	if (output->command > 0)
		return pipes[1];
	close(pipes[1]);
	return -1;
}

struct output output_open(const char *name, bool commands, bool append)
{
	struct output output = { .name = name };
	int fd;

	/* stderr is not buffered: its characters would come between those of the program. */
	if (!name)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else if (commands && (*name == '|' || *name == '!'))
		fd = start_command(&output, name + 1);
	else
		fd = open(name, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0666);
	if (fd < 0 && !name) /* stderr is closed: the report goes nowhere, as messages of a program would */
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	output.file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!output.file)
		die(EXIT_K23, "cannot write %s: %s", name ? name : "to stderr", strerror(errno));
	return output;
}

int output_close(struct output *output)
{
	const char *name = output->name;
	int failed = ferror(output->file), reason;

	errno = 0;
	failed |= fclose(output->file) != 0;
	reason = errno;
	/* If the command has ended before, collect.c may have waited for it. */
	while (output->command && waitpid(output->command, NULL, 0) < 0 && errno == EINTR)
		;
	if (!failed)
		return 0;
	complain("not all of the report could be written%s%s%s%s", name ? " to " : "", name ? name : "",
		 reason ? ": " : "", reason ? strerror(reason) : "");
	return EXIT_K23;
}

void output_leave_standard(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}
