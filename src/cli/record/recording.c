#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "abi/run_memory.h"
#include "cli/cli.h"
#include "cli/record/recording.h"
#include "cli/record/recording_reader.h"
#include "cli/run_memory.h"
#include "cli/tsc.h"
#include "version.h"

#define FIRST_DESCRIPTOR 3 /* the first three are the program's, even if they are closed */
#define AHEAD_LEAST 16u	   /* chunks that are prepared for a program of which nothing is known: it may make few calls */
#define AHEAD_MOST 1024u   /* and for one that makes many; between these, as many as it has used */
#define READ_AHEAD 256u	   /* chunks that are prepared one by one */

/* --- the file */

/* What `path` stands for, if it exists; the caller frees it. A recording takes its place; that is not done to
 * devices. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);
	struct stat status;

	if (real && stat(real, &status) == 0 && !S_ISREG(status.st_mode))
		die(EXIT_K23, "cannot record to %s: it exists, and is no regular file", path);
	if (!real)
		real = strdup(path);
	if (!real)
		die(EXIT_K23, "out of memory");
	return real;
}

/* Gives the file room on the disk: a process that writes to a mapping where there is none dies. */
static int reserve(int fd, size_t size)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	int error;

	sigaction(SIGXFSZ, &ignore, &old);
	error = posix_fallocate(fd, 0, (off_t)size);
	sigaction(SIGXFSZ, &old, NULL);
	return error;
}

/* A new file beside the one of this name, which others may still have mapped; then it takes its place. */
static int create_file(const char *path, size_t size)
{
	char *real = resolve(path);
	char *name;
	int low, fd, error;

	if (asprintf(&name, "%s.XXXXXX", real) < 0)
		die(EXIT_K23, "out of memory");
	low = mkostemp(name, O_CLOEXEC);
	fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
	if (fd < 0)
		die(EXIT_K23, "cannot write %s: %s", path, strerror(errno));
	close(low);
	error = reserve(fd, size);
	if (!error && rename(name, real) != 0)
		error = errno;
	free(real);
	if (error) {
		unlink(name);
		die(EXIT_K23, "cannot write %s with %zu MB: %s", path, size >> 20, strerror(error));
	}
	free(name);
	return fd;
}

/* --- what it says of itself */

static void add_text(struct k23_recording *recording, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_text(struct k23_recording *recording, const char *format, ...)
{
	size_t size = strlen(recording->text);
	va_list args;

	va_start(args, format);
	vsnprintf(recording->text + size, sizeof(recording->text) - size, format, args);
	va_end(args);
}

/* The processor's name, as the kernel has it. */
static void add_processor(struct k23_recording *recording)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];
	const char *colon;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "model name", 10) == 0 && (colon = strchr(line, ':'))) {
			add_text(recording, "processor: %ld x %s", sysconf(_SC_NPROCESSORS_ONLN), colon + 2);
			break;
		}
	if (file)
		fclose(file);
}

/* The words, as a shell takes them. */
static void add_command(struct k23_recording *recording, char **argv)
{
	add_text(recording, "command:");
	for (; *argv; argv++) {
		if (**argv && !(*argv)[strspn(*argv, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
						      "%+,-./:=@_")]) {
			add_text(recording, " %s", *argv);
			continue;
		}
		add_text(recording, " '");
		for (const char *at = *argv; *at; at++)
			if (*at == '\'')
				add_text(recording, "'\\''");
			else if (*at == '\n') /* as this is one line */
				add_text(recording, "'$'\\n''");
			else
				add_text(recording, "%c", *at);
		add_text(recording, "'");
	}
	add_text(recording, "\n");
}

static void describe(struct k23_recording *recording, const struct trace_options *options)
{
	char directory[PATH_MAX], when[40];
	time_t now = (time_t)(recording->unix_time / 1000000000);
	struct utsname system;
	struct tm local;

	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", &local);
	uname(&system);
	add_text(recording, "version: k23 %s\n", K23_VERSION);
	add_text(recording, "begin: %s\n", when);
	add_text(recording, "machine: %s, %s %s %s\n", system.nodename, system.sysname, system.release,
		 system.machine);
	add_processor(recording);
	add_text(recording, "clock: time stamp counter, CLOCK_MONOTONIC\n");
	add_text(recording, "calls: %s\n", options->calls);
	if (getcwd(directory, sizeof(directory)))
		add_text(recording, "directory: %s\n", directory);
	add_command(recording, options->launch.argv);
}

struct k23_recording *recording_create(struct segment *segment, const char *path, size_t size,
				       const struct trace_options *options)
{
	uint32_t at = (uint32_t)((sizeof(struct k23_recording) + K23_CHUNK_SIZE - 1) / K23_CHUNK_SIZE * K23_CHUNK_SIZE);
	uint32_t chunks = (uint32_t)(size / K23_CHUNK_SIZE);
	size_t whole = at + (size_t)chunks * K23_CHUNK_SIZE;
	struct tsc_moment now = tsc_now();
	struct k23_recording *recording;

	segment_create_in(segment, K23_RECORDING_MAGIC, whole, create_file(path, run_memory_size(whole)));
	recording = (struct k23_recording *)segment->channel;
	recording->version = K23_RECORDING_VERSION;
	recording->chunks = chunks;
	recording->chunks_at = at;
	recording->cycles = now.cycles;
	recording->nanoseconds = now.nanoseconds;
	recording->unix_time = now.unix_time;
	trace_options_request(options, &recording->request);
	describe(recording, options);
	recording->check = recording_check(recording);
	recording_prepare(recording);
	return recording;
}

/* --- while it is written to */

void recording_note_time(struct k23_recording *recording)
{
	struct tsc_moment now = tsc_now();

	recording->last_cycles = now.cycles;
	recording->last_nanoseconds = now.nanoseconds;
}

void recording_prepare(struct k23_recording *recording)
{
	static uint64_t prepared;
	uint64_t head = __atomic_load_n(&recording->head, __ATOMIC_RELAXED);
	uint64_t end = head + (head < AHEAD_LEAST ? AHEAD_LEAST : head < AHEAD_MOST ? head : AHEAD_MOST);

	if (end > recording->chunks)
		end = recording->chunks;
	if (prepared >= end)
		return;
	/* If the kernel cannot do this (before Linux 5.14), the writers' first accesses do. */
	madvise((char *)recording + recording->chunks_at + prepared * K23_CHUNK_SIZE, (end - prepared) * K23_CHUNK_SIZE,
		MADV_POPULATE_WRITE);
	/* The kernel reads ahead again, megabytes at once, for a program that is likely to need them. */
	if (prepared < READ_AHEAD && end >= READ_AHEAD)
		madvise((char *)recording + recording->chunks_at, recording->chunks * (size_t)K23_CHUNK_SIZE,
			MADV_NORMAL);
	prepared = end;
}
