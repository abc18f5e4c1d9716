/*
 * Strings and bytes.
 */
#include <string.h>

#include "cli/render/printer.h"

#define CHUNK 256

static bool is_printable(unsigned char c)
{
	return c >= ' ' && c < 0x7f;
}

static bool is_plain(unsigned char c)
{
	return is_printable(c) || (c >= '\t' && c <= '\r');
}

static bool is_octal_digit(unsigned char c)
{
	return c >= '0' && c <= '7';
}

static void add_hex(struct line *line, unsigned char c)
{
	line_text(line, "\\x");
	line_digits(line, c, 16, 2);
}

/* An escape has the shortest octal form that a following digit does not change. also: what is escaped besides. */
static void add_escaped(struct line *line, const unsigned char *data, size_t size, const char *also, bool hex)
{
	static const char special[] = "\"\\\n\t\r\f\v", letters[] = "\"\\ntrfv";
	size_t plain = 0;

	for (size_t i = 0; i < size; i++) {
		const char *found = data[i] ? strchr(special, data[i]) : NULL;

		if (!found && is_printable(data[i]) && !strchr(also, data[i]))
			continue;
		line_bytes(line, (const char *)data + plain, i - plain);
		plain = i + 1;
		if (!found && hex) {
			add_hex(line, data[i]);
			continue;
		}
		line_char(line, '\\');
		if (found)
			line_char(line, letters[found - special]);
		else
			line_digits(line, data[i], 8, i + 1 < size && is_octal_digit(data[i + 1]) ? 3 : 1);
	}
	line_bytes(line, (const char *)data + plain, size - plain);
}

static bool wants_hex(const struct printer *to, const unsigned char *data, size_t size)
{
	if (to->options->hex != HEX_TEXT)
		return to->options->hex == HEX_ALL;
	for (size_t i = 0; i < size; i++)
		if (!is_plain(data[i]))
			return true;
	return false;
}

static void add_bytes(struct printer *to, const unsigned char *data, size_t size, bool hex)
{
	if (!hex) {
		add_escaped(to->line, data, size, "", to->options->hex == HEX_ESCAPES);
		return;
	}
	for (size_t i = 0; i < size; i++)
		add_hex(to->line, data[i]);
}

void print_characters_of(struct printer *to, const unsigned char *data, size_t size)
{
	add_bytes(to, data, size, wants_hex(to, data, size));
}

void print_path_characters(struct printer *to, const unsigned char *data, size_t size)
{
	if (wants_hex(to, data, size))
		add_bytes(to, data, size, true);
	else
		add_escaped(to->line, data, size, "<>", to->options->hex == HEX_ESCAPES);
}

void render_name_of_thread(struct line *line, const char *comm)
{
	line_char(line, '<');
	add_escaped(line, (const unsigned char *)comm, strlen(comm), "<>", false);
	line_char(line, '>');
}

static void add_text(struct printer *to, const unsigned char *data, size_t size, bool more, bool hex)
{
	line_char(to->line, '"');
	add_bytes(to, data, size, hex);
	line_text(to->line, more ? "\"..." : "\"");
}

void print_text(struct printer *to, const unsigned char *data, size_t size, bool more)
{
	add_text(to, data, size, more, wants_hex(to, data, size));
}

void print_hex_text(struct printer *to, const unsigned char *data, size_t size)
{
	size_t limit = to->options->string;

	add_text(to, data, size < limit ? size : limit, size > limit, true);
}

bool begin_coded(struct printer *to, const void *data, size_t size)
{
	if (to->options->constants == CONSTANTS_ABBREV)
		return true;
	add_text(to, data, size, false, true);
	if (to->options->constants == CONSTANTS_VERBOSE)
		line_text(to->line, " /* ");
	return to->options->constants == CONSTANTS_VERBOSE;
}

void end_coded(struct printer *to)
{
	if (to->options->constants == CONSTANTS_VERBOSE)
		line_text(to->line, " */");
}

static void print_buffer(struct printer *to, const struct type *type, struct place place, bool hex)
{
	uint64_t count = count_of(to, type), limit = to->options->string;
	size_t size = (size_t)(count < limit ? count : limit);
	unsigned char bytes[65536];

	size = size < sizeof(bytes) ? size : sizeof(bytes);
	if (memory_read(to->call, to->phase, place.address, bytes, size))
		add_text(to, bytes, size, count > size, hex || wants_hex(to, bytes, size));
	else
		line_hex(to->line, place.address);
	if (to->phase == PHASE_EXIT)
		to->left -= count < to->left ? count : to->left;
}

/* Bytes that the kernel reads or writes. */
void print_quoted(struct printer *to, const struct type *type, struct place place)
{
	print_buffer(to, type, place, false);
}

/* The same, of which none is meant as a character. */
void print_hex_bytes(struct printer *to, const struct type *type, struct place place)
{
	print_buffer(to, type, place, true);
}

/* A string in a part of a message, which ought to end with NUL. */
void print_terminated(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	unsigned char text[4096];
	size_t shown;
	bool ended;

	count = count < sizeof(text) ? count : sizeof(text);
	if (!memory_read(to->call, to->phase, place.address, text, count)) {
		print_address(to, type, (struct place){ place.address, 0 });
		return;
	}
	shown = count < to->options->string ? count : to->options->string;
	ended = shown && !text[shown - 1];
	print_text(to, text, shown - ended, shown && !ended);
}

/* A message of a System V queue: its type, and the text that comes behind that. */
void print_message(struct printer *to, const struct type *type, struct place place)
{
	uint64_t size = count_of(to, type), limit = to->options->string;
	unsigned char text[65536];

	size = size < sizeof(uint64_t) ? 0 : size - sizeof(uint64_t);
	limit = size < limit ? size : limit;
	if (limit > sizeof(text) ||
	    !memory_read(to->call, to->phase, place.address + sizeof(uint64_t), text, (size_t)limit)) {
		line_hex(to->line, place.address);
		return;
	}
	line_text(to->line, "{mtype=");
	line_signed(to->line, (int64_t)read_number(to, place.address, sizeof(uint64_t), true));
	line_text(to->line, ", mtext=");
	print_text(to, text, (size_t)limit, size > limit);
	line_char(to->line, '}');
}

/* A string in an array of characters. */
void print_characters(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type), size;
	unsigned char bytes[256];

	if (count > sizeof(bytes))
		count = sizeof(bytes);
	size = memory_read_part(to->call, to->phase, place.address, bytes, count);
	if (size < count && !(to->extended && size)) {
		line_hex(to->line, place.address);
		return;
	}
	count = size;
	size = strnlen((char *)bytes, count);
	/* Of what ought to end with NUL, and does not, the last character is not believed. */
	print_text(to, bytes, size < count || !count ? size : count - 1, count && size == count);
}

/* Walks over the pieces of a string. False: it could not be read to its end. */
static bool next_piece(struct printer *to, uint64_t *address, struct piece *piece)
{
	if (!memory_piece(to->call, to->phase, *address, piece))
		return false;
	*address += piece->size;
	return true;
}

/* Shows at most `limit` bytes of a string; it may have been recorded longer, if it is an argument twice. */
/* ended: what is as long as the limit has its end there; otherwise that is not looked at. */
static void add_string(struct printer *to, const struct type *type, uint64_t string, size_t limit, bool ended)
{
	uint64_t address = string;
	struct piece piece;
	bool hex = false;

	do {
		if (!next_piece(to, &address, &piece)) {
			print_address(to, type, (struct place){ string, 0 });
			return;
		}
		hex = hex || wants_hex(to, piece.data, piece.size);
	} while (piece.flags & K23_RING_MORE);
	address = string;
	line_char(to->line, '"');
	do {
		next_piece(to, &address, &piece);
		add_bytes(to, piece.data, piece.size < limit ? piece.size : limit, hex);
		if (piece.size + !ended > limit)
			piece.flags = K23_RING_CUT;
		limit -= piece.size < limit ? piece.size : limit;
	} while (piece.flags & K23_RING_MORE);
	line_text(to->line, piece.flags & K23_RING_CUT ? "\"..." : "\"");
}

void print_string(struct printer *to, const struct type *type, struct place place)
{
	add_string(to, type, place.address, to->options->string, true);
}

void print_path(struct printer *to, const struct type *type, struct place place)
{
	add_string(to, type, place.address, SIZE_MAX, true);
}

void print_comm(struct printer *to, const struct type *type, struct place place)
{
	add_string(to, type, place.address, 15, false);
}

/* An array of pointers to strings, ended by NULL, or by memory that is not there. */
void print_strings(struct printer *to, const struct type *type, struct place place)
{
	unsigned size = to->call->entry->arch == K23_ARCH_I386 ? sizeof(uint32_t) : sizeof(uint64_t);
	uint64_t limit = to->verbose ? UINT64_MAX : to->options->string;

	line_char(to->line, '[');
	for (uint64_t i = 0;; i++) {
		uint64_t at = place.address + i * size, string = read_number(to, at, size, false);
		bool known = is_readable(to, at, size);

		if (known && !string)
			break;
		line_text(to->line, i ? ", " : "");
		if (!known) {
			line_text(to->line, "... /* ");
			line_hex(to->line, at);
			line_text(to->line, " */");
			break;
		}
		if (i >= limit) {
			line_text(to->line, "...");
			break;
		}
		print_string(to, type, (struct place){ string, string });
	}
	line_char(to->line, ']');
}

static void add_count(struct printer *to, struct place place, const char *one, const char *many)
{
	uint32_t count;
	bool ended;

	line_hex(to->line, place.address);
	if (memory_count(to->call, to->phase, place.address, &count, &ended))
		line_add(to->line, " /* %u %s%s */", count, count == 1 ? one : many, ended ? "" : ", unterminated");
}

void print_environment(struct printer *to, const struct type *type, struct place place)
{
	uint64_t first;

	if (to->verbose && memory_read(to->call, to->phase, place.address, &first, sizeof(first)))
		print_strings(to, type, place);
	else
		add_count(to, place, "var", "vars");
}

/* Where a directory entry has its length. Behind that comes the name; its type is before the name, or the last byte. */
#define LENGTH_AT 16

static void add_entry(struct printer *to, const struct type *types, const unsigned char *entry, unsigned length,
		      bool type_first)
{
	unsigned name = LENGTH_AT + sizeof(uint16_t) + type_first;
	uint64_t numbers[2];
	struct place kind = { type_first ? entry[LENGTH_AT + sizeof(uint16_t)] : entry[length - 1], 0 };
	size_t room = length - name - !type_first;

	memcpy(numbers, entry, sizeof(numbers));
	line_add(to->line, "{d_ino=%llu, d_off=%lld, d_reclen=%u", (unsigned long long)numbers[0],
		 (long long)numbers[1], length);
	if (type_first) {
		line_text(to->line, ", d_type=");
		print_enumerator(to, types, kind);
	}
	line_text(to->line, ", d_name=");
	print_text(to, entry + name, strnlen((const char *)entry + name, room), false);
	if (!type_first) {
		line_text(to->line, ", d_type=");
		print_enumerator(to, types, kind);
	}
	line_char(to->line, '}');
}

static void print_directory_entries(struct printer *to, const struct type *type, struct place place, bool type_first)
{
	uint64_t size = count_of(to, type), at = 0;
	unsigned char entry[512];
	uint16_t length;

	if (!to->verbose) {
		add_count(to, place, "entry", "entries");
		return;
	}
	line_char(to->line, '[');
	while (at + LENGTH_AT + sizeof(length) <= size &&
	       memory_read(to->call, to->phase, place.address + at + LENGTH_AT, &length, sizeof(length)) &&
	       length > LENGTH_AT + sizeof(length) + 1 && length <= sizeof(entry) &&
	       memory_read(to->call, to->phase, place.address + at, entry, length)) {
		line_text(to->line, at ? ", " : "");
		add_entry(to, type->of, entry, length, type_first);
		at += length;
	}
	line_text(to->line, at < size ? (at ? ", ...]" : "...]") : "]");
}

void print_entries(struct printer *to, const struct type *type, struct place place)
{
	print_directory_entries(to, type, place, false);
}

void print_entries64(struct printer *to, const struct type *type, struct place place)
{
	print_directory_entries(to, type, place, true);
}
