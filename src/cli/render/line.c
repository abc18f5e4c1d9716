#include "cli/render/line.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define USUAL 64 /* bytes that a formatted text mostly has at most */

void line_grow(struct line *line, size_t more)
{
	line->room = 2 * (line->size + more) + 256;
	line->data = realloc(line->data, line->room);
	if (!line->data)
		die(EXIT_K23, "out of memory");
}

static void make_room(struct line *line, size_t more)
{
	if (line->room - line->size <= more)
		line_grow(line, more);
}

/* Formats into the room that there is. Returns how long the text is, which may be longer. */
static size_t format(struct line *line, const char *text, va_list args)
{
	int length = vsnprintf(line->data + line->size, line->room - line->size, text, args);

	return length < 0 ? 0 : (size_t)length;
}

void line_add(struct line *line, const char *text, ...)
{
	size_t length;
	va_list args;

	make_room(line, USUAL);
	va_start(args, text);
	length = format(line, text, args);
	va_end(args);
	if (length >= line->room - line->size) {
		make_room(line, length + 1);
		va_start(args, text);
		format(line, text, args);
		va_end(args);
	}
	line->size += length;
}

void line_repeat(struct line *line, char c, size_t times)
{
	make_room(line, times);
	memset(line->data + line->size, c, times);
	line->size += times;
	line->data[line->size] = '\0';
}

/* base is known where this is called, so that nothing is divided by a variable. */
static inline __attribute__((always_inline)) void add_digits(struct line *line, uint64_t value, unsigned base,
							     unsigned width)
{
	char digits[24], *end = digits + sizeof(digits), *at = end;

	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (value || end - at < (ptrdiff_t)width);
	line_bytes(line, at, (size_t)(end - at));
}

void line_digits(struct line *line, uint64_t value, unsigned base, unsigned digits)
{
	if (base == 8)
		add_digits(line, value, 8, digits);
	else
		add_digits(line, value, 16, digits);
}

void line_unsigned(struct line *line, uint64_t value)
{
	add_digits(line, value, 10, 1);
}

void line_signed(struct line *line, int64_t value)
{
	if (value < 0)
		line_char(line, '-');
	add_digits(line, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 1);
}

void line_hex(struct line *line, uint64_t value)
{
	if (value)
		line_text(line, "0x");
	add_digits(line, value, 16, 1);
}
