/*
 * Plain numbers.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "cli/render/printer.h"

void print_hexadecimal(struct printer *to, uint64_t value)
{
	line_hex(to->line, value);
}

void print_address(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	if (place.value)
		line_hex(to->line, place.value);
	else
		line_text(to->line, "NULL");
}

void print_signed(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_signed(to->line, (int64_t)place.value);
}

void print_unsigned(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_unsigned(to->line, place.value);
}

void print_hex(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_hex(to->line, place.value);
}

/* With all digits; 0 has no 0x. */
void print_padded(struct printer *to, const struct type *type, struct place place)
{
	line_add(to->line, "%#.*llx", 2 * (int)type->size, (unsigned long long)place.value);
}

/* Where 0 is 0x0: what may be an address or a number. */
void print_zhex(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_text(to->line, "0x");
	line_digits(to->line, place.value, 16, 1);
}

/* What there is more of something, and is not shown. */
void print_dots(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	(void)place;
	line_text(to->line, "...");
}

/* The last part of flags, which is shown if it is 0, too. */
void print_hex_of_part(struct printer *to, const struct type *type, struct place place)
{
	print_hex(to, type, place);
}

void print_number_of_part(struct printer *to, const struct type *type, struct place place)
{
	print_unsigned(to, type, place);
}

/* Hundredths of a second. */
void print_clock_ticks(struct printer *to, const struct type *type, struct place place)
{
	unsigned long long ticks = place.value;

	(void)type;
	line_unsigned(to->line, ticks);
	if (ticks && to->options->constants != CONSTANTS_RAW)
		line_add(to->line, " /* %llu.%02llu s */", ticks / 100, ticks % 100);
}

/* The tags of memory, a bit for each, in the bits of an address that they come from; how far that is has a name. */
void print_memory_tags(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_hex(to->line, place.value >> PR_MTE_TAG_SHIFT);
	line_text(to->line, "<<PR_MTE_TAG_SHIFT");
}

void print_permissions(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_add(to->line, "%#03llo", (unsigned long long)place.value);
}

/* A user or group: -1 stands for none. */
void print_id(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	if ((uint32_t)place.value == UINT32_MAX)
		line_text(to->line, "-1");
	else
		line_unsigned(to->line, place.value);
}

/* A limit of a resource. */
void print_limit(struct printer *to, const struct type *type, struct place place)
{
	bool narrow = type->size == sizeof(uint32_t);
	char number[32], name[32];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)place.value);
	snprintf(name, sizeof(name), "%llu*1024", (unsigned long long)place.value / 1024);
	if (place.value == (narrow ? UINT32_MAX : UINT64_MAX))
		print_named(to, number, narrow ? "RLIM_INFINITY" : "RLIM64_INFINITY");
	else if (place.value > 1024 && place.value % 1024 == 0)
		print_named(to, number, name);
	else
		line_text(to->line, number);
}

/* The length of a name that the call writes: what there was room for, and what was written. */
void print_name_length(struct printer *to, const struct type *type, struct place place)
{
	uint64_t before;

	(void)type;
	if (to->phase == PHASE_EXIT) {
		to->phase = PHASE_ENTRY;
		before = read_number(to, place.address, sizeof(uint32_t), false);
		to->phase = PHASE_EXIT;
		if (before != place.value)
			line_add(to->line, "%d => ", (int)before);
	}
	line_signed(to->line, (int32_t)place.value);
}

/* The size of huge pages, in the high bits of flags; how far these are shifted has a name. */
void print_huge_size(struct printer *to, const struct type *type, struct place place)
{
	char shift[8];

	snprintf(shift, sizeof(shift), "%u", MAP_HUGE_SHIFT);
	line_unsigned(to->line, place.value >> MAP_HUGE_SHIFT);
	line_text(to->line, "<<");
	print_named(to, shift, type->unknown);
}

/* As the kernel's KERNEL_VERSION() makes it. */
void print_kernel_version(struct printer *to, const struct type *type, struct place place)
{
	unsigned version = (unsigned)place.value;
	char number[16], name[64];

	(void)type;
	snprintf(number, sizeof(number), "%#x", version);
	snprintf(name, sizeof(name), "KERNEL_VERSION(%u, %u, %u)", version >> 16, version >> 8 & 0xff, version & 0xff);
	print_named(to, number, name);
}
