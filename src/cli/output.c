/*
 * Where a command's report goes: a file that -o names, or stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"

FILE *output_open(const char *path)
{
	/* stderr is not buffered: its characters would come between those of the program. */
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) :
			fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	FILE *output;

	if (fd < 0 && !path) /* stderr is closed: the report goes nowhere, as messages of a program would */
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	output = fd < 0 ? NULL : fdopen(fd, "w");
	if (!output)
		die(EXIT_K23, "cannot write %s: %s", path ? path : "to stderr", strerror(errno));
	return output;
}

int output_close(FILE *output, const char *path)
{
	int failed = ferror(output);

	errno = 0;
	if (fclose(output) == 0 && !failed)
		return 0;
	complain("not all of the report could be written%s%s%s%s", path ? " to " : "", path ? path : "",
		 errno ? ": " : "", errno ? strerror(errno) : "");
	return EXIT_K23;
}
