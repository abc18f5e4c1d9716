/*
 * Making a line. These are called for every byte that `k23 trace` prints, so they are not printf.
 */
#ifndef CLI_RENDER_LINE_H
#define CLI_RENDER_LINE_H

#include <string.h>

#include "cli/render.h"

/* Makes room for so many bytes and a NUL. */
void line_grow(struct line *line, size_t more);

static inline void line_bytes(struct line *line, const char *data, size_t size)
{
	if (line->room - line->size <= size)
		line_grow(line, size);
	memcpy(line->data + line->size, data, size);
	line->size += size;
	line->data[line->size] = '\0';
}

static inline void line_char(struct line *line, char c)
{
	line_bytes(line, &c, 1);
}

static inline void line_text(struct line *line, const char *text)
{
	line_bytes(line, text, strlen(text));
}

/* So many times the same. */
void line_repeat(struct line *line, char c, size_t times);

/* A number with so many digits, at least, in base 8 or 16. */
void line_digits(struct line *line, uint64_t value, unsigned base, unsigned digits);

void line_signed(struct line *line, int64_t value);
void line_unsigned(struct line *line, uint64_t value);

/* 0x1f; 0 is 0. */
void line_hex(struct line *line, uint64_t value);

#endif
