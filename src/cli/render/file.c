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

/* A moment between two words; the epoch is not told. */
static void add_moment_between(struct printer *to, int64_t seconds, uint64_t fraction, int digits, const char *begin,
			       const char *end)
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
	line_text(to->line, begin);
	line_text(to->line, text);
	if (fraction)
		line_add(to->line, ".%0*llu", digits, (unsigned long long)fraction);
	line_text(to->line, zone);
	line_text(to->line, end);
}

static void add_moment(struct printer *to, int64_t seconds, uint64_t fraction, int digits)
{
	add_moment_between(to, seconds, fraction, digits, " /* ", " */");
}

/* A time of a clock of a network card or the like: seconds in 8 bytes, and nanoseconds. */
void print_ptp_moment(struct printer *to, const struct type *type, struct place place)
{
	print_struct(to, type->of, place);
	if (to->options->constants != CONSTANTS_RAW)
		add_moment(to, (int64_t)read_number(to, place.address, sizeof(uint64_t), true),
			   read_number(to, place.address + sizeof(uint64_t), sizeof(uint32_t), false), 9);
}

/* Several of them, in brackets. */
void print_ptp_moments(struct printer *to, const struct type *type, struct place place)
{
	for (unsigned at = 0; at < type->size; at += type->of->size) {
		line_text(to->line, at ? ", " : "[");
		print_ptp_moment(to, type->of, (struct place){ 0, place.address + at });
	}
	line_char(to->line, ']');
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

void print_moment_result(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_signed(to->line, (int64_t)place.value);
	add_moment_between(to, (int64_t)place.value, 0, 0, " (", ")");
}

void print_utime_timespec(struct printer *to, const struct type *type, struct place place)
{
	unsigned half = type->size / 2;
	int64_t seconds = (int64_t)read_number(to, place.address, half, true);
	uint64_t nanoseconds = read_number(to, place.address + half, half, false);
	char time[80];

	snprintf(time, sizeof(time), "{tv_sec=%lld, tv_nsec=%llu}", (long long)seconds,
		 (unsigned long long)nanoseconds);
	if (nanoseconds == NOW || nanoseconds == OMIT) {
		print_named(to, time, nanoseconds == NOW ? "UTIME_NOW" : "UTIME_OMIT");
		return;
	}
	line_text(to->line, time);
	add_moment(to, seconds, nanoseconds, 9);
}

void print_utime_timeval(struct printer *to, const struct type *type, struct place place)
{
	unsigned half = type->size / 2;
	int64_t seconds = (int64_t)read_number(to, place.address, half, true);
	uint64_t microseconds = read_number(to, place.address + half, half, false);

	line_add(to->line, "{tv_sec=%lld, tv_usec=%llu}", (long long)seconds, (unsigned long long)microseconds);
	add_moment(to, seconds, microseconds, 6);
}

void print_statx_timestamp(struct printer *to, const struct type *type, struct place place)
{
	int64_t seconds = (int64_t)read_number(to, place.address, sizeof(uint64_t), true);
	uint64_t nanoseconds = read_number(to, place.address + sizeof(uint64_t), sizeof(uint32_t), false);

	(void)type;
	line_add(to->line, "{tv_sec=%lld, tv_nsec=%llu}", (long long)seconds, (unsigned long long)nanoseconds);
	add_moment(to, seconds, nanoseconds, 9);
}
