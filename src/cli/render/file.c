/*
 * What calls about files have: modes, devices, times.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "cli/render/printer.h"

#define NOW 0x3fffffff	/* UTIME_NOW */
#define OMIT 0x3ffffffe /* UTIME_OMIT */

static const struct {
	unsigned mode;
	const char *name;
} file_types[] = {
	{ S_IFSOCK, "S_IFSOCK" }, { S_IFLNK, "S_IFLNK" }, { S_IFREG, "S_IFREG" }, { S_IFBLK, "S_IFBLK" },
	{ S_IFDIR, "S_IFDIR" }, { S_IFCHR, "S_IFCHR" }, { S_IFIFO, "S_IFIFO" },
};

static const struct {
	unsigned bit;
	const char *name;
} mode_bits[] = { { S_ISUID, "S_ISUID" }, { S_ISGID, "S_ISGID" }, { S_ISVTX, "S_ISVTX" } };

static void name_mode(unsigned mode, char *name, size_t size)
{
	size_t length = 0;

	*name = '\0';
	for (unsigned i = 0; i < COUNT(file_types); i++)
		if ((mode & S_IFMT) == file_types[i].mode) {
			length = (size_t)snprintf(name, size, "%s|", file_types[i].name);
			mode &= ~(unsigned)S_IFMT;
		}
	/* Of a type that there is none of, nothing is named. */
	for (unsigned i = 0; i < COUNT(mode_bits) && !(mode & S_IFMT); i++)
		if (mode & mode_bits[i].bit) {
			length += (size_t)snprintf(name + length, size - length, "%s|", mode_bits[i].name);
			mode &= ~mode_bits[i].bit;
		}
	snprintf(name + length, size - length, "%#03o", mode);
}

void print_file_mode(struct printer *to, const struct type *type, struct place place)
{
	char number[16], name[64];

	(void)type;
	snprintf(number, sizeof(number), "%#03o", (unsigned)place.value);
	name_mode((unsigned)place.value, name, sizeof(name));
	if (strcmp(number, name) != 0)
		print_named(to, number, name);
	else
		line_text(to->line, number);
}

void print_device(struct printer *to, const struct type *type, struct place place)
{
	char number[32], name[64];

	(void)type;
	snprintf(number, sizeof(number), "%#llx", (unsigned long long)place.value);
	snprintf(name, sizeof(name), "makedev(%#x, %#x)", major(place.value), minor(place.value));
	print_named(to, number, name);
}

/* A moment as a comment; the epoch has none. */
static void add_moment(struct printer *to, int64_t seconds, uint64_t fraction, int digits)
{
	time_t time = (time_t)seconds;
	uint64_t limit = 1; /* what is no part of a second has no moment */
	char text[64], zone[16];
	struct tm parts;

	for (int i = 0; i < digits; i++)
		limit *= 10;
	if ((!seconds && !fraction) || fraction >= limit || !localtime_r(&time, &parts) ||
	    !strftime(text, sizeof(text), "%FT%T", &parts) || !strftime(zone, sizeof(zone), "%z", &parts))
		return;
	line_text(to->line, " /* ");
	line_text(to->line, text);
	if (fraction)
		line_add(to->line, ".%0*llu", digits, (unsigned long long)fraction);
	line_text(to->line, zone);
	line_text(to->line, " */");
}

/* Seconds, of which the nanoseconds come next in memory. */
void print_seconds(struct printer *to, const struct type *type, struct place place)
{
	line_signed(to->line, (int64_t)place.value);
	add_moment(to, (int64_t)place.value, read_number(to, place.address + type->size, type->size, false), 9);
}

void print_moment(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_signed(to->line, (int64_t)place.value);
	add_moment(to, (int64_t)place.value, 0, 0);
}

void print_utime_timespec(struct printer *to, const struct type *type, struct place place)
{
	unsigned half = type->size / 2;
	int64_t seconds = (int64_t)read_number(to, place.address, half, true);
	int64_t nanoseconds = (int64_t)read_number(to, place.address + half, half, true);
	char time[80];

	snprintf(time, sizeof(time), "{tv_sec=%lld, tv_nsec=%lld}", (long long)seconds, (long long)nanoseconds);
	if (nanoseconds == NOW || nanoseconds == OMIT) {
		print_named(to, time, nanoseconds == NOW ? "UTIME_NOW" : "UTIME_OMIT");
		return;
	}
	line_text(to->line, time);
	add_moment(to, seconds, (uint64_t)nanoseconds, 9);
}

void print_utime_timeval(struct printer *to, const struct type *type, struct place place)
{
	unsigned half = type->size / 2;
	int64_t seconds = (int64_t)read_number(to, place.address, half, true);
	int64_t microseconds = (int64_t)read_number(to, place.address + half, half, true);

	line_add(to->line, "{tv_sec=%lld, tv_usec=%lld}", (long long)seconds, (long long)microseconds);
	add_moment(to, seconds, (uint64_t)microseconds, 6);
}

void print_statx_timestamp(struct printer *to, const struct type *type, struct place place)
{
	int64_t seconds = (int64_t)read_number(to, place.address, sizeof(uint64_t), true);
	uint64_t nanoseconds = read_number(to, place.address + sizeof(uint64_t), sizeof(uint32_t), false);

	(void)type;
	line_add(to->line, "{tv_sec=%lld, tv_nsec=%llu}", (long long)seconds, (unsigned long long)nanoseconds);
	add_moment(to, seconds, nanoseconds, 9);
}
