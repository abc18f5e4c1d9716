/*
 * Strings, bytes, sets, and other memory.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/value/make.h"

/* How long the character of UTF-8 is that begins here, by its first byte; 0: none does. */
static unsigned length_of(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

/* Whether the second byte of a character may follow the first: no surrogates, nothing longer than it need be. */
static bool follows(unsigned char first, unsigned char second)
{
	unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= least && second <= most;
}

/* How many of the bytes are whole characters of UTF-8. *partial: the others are the begin of one more. */
static size_t utf8_prefix(const unsigned char *data, size_t size, bool *partial)
{
	size_t at = 0;

	*partial = false;
	while (at < size) {
		unsigned length = length_of(data[at]), i = 1;

		while (i < length && at + i < size &&
		       (i == 1 ? follows(data[at], data[at + 1]) : (data[at + i] & 0xc0) == 0x80))
			i++;
		*partial = length && i < length && at + i == size;
		if (!length || i < length)
			break;
		at += length;
	}
	return at;
}

static struct json_object *hex_of(const unsigned char *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	struct line text = { 0 };
	struct json_object *value;

	for (size_t i = 0; i < size; i++) {
		line_char(&text, digits[data[i] >> 4]);
		line_char(&text, digits[data[i] & 15]);
	}
	value = json_object_new_string_len(text.data, (int)text.size);
	free(text.data);
	return value;
}

struct json_object *value_bytes(const unsigned char *data, size_t size, bool cut)
{
	bool partial, text;
	size_t length = utf8_prefix(data, size, &partial);
	struct json_object *string, *value;

	text = length == size || (cut && partial); /* a character that was cut is left out */
	string = text ? json_object_new_string_len((const char *)data, (int)length) : hex_of(data, size);
	if (text && !cut)
		return string;
	value = json_object_new_object();
	json_object_object_add(value, text ? "string" : "bytes", string);
	if (cut)
		json_object_object_add(value, "truncated", json_object_new_boolean(true));
	return value;
}

/* Bytes that the kernel reads or writes. */
struct json_object *value_quoted(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type), limit = to->options->string;
	size_t size = (size_t)(count < limit ? count : limit);
	unsigned char bytes[65536];
	struct json_object *value;

	size = size < sizeof(bytes) ? size : sizeof(bytes);
	value = memory_read(to->call, to->phase, place.address, bytes, size) ?
			value_bytes(bytes, size, count > size) : value_unknown(place.address);
	if (to->phase == PHASE_EXIT)
		to->left -= count < to->left ? count : to->left;
	return value;
}

struct json_object *value_message(struct printer *to, const struct type *type, struct place place)
{
	uint64_t size = count_of(to, type), limit = to->options->string;
	unsigned char text[65536];
	struct json_object *value;

	size = size < sizeof(uint64_t) ? 0 : size - sizeof(uint64_t);
	limit = size < limit ? size : limit;
	if (limit > sizeof(text) ||
	    !memory_read(to->call, to->phase, place.address + sizeof(uint64_t), text, (size_t)limit))
		return value_unknown(place.address);
	value = json_object_new_object();
	json_object_object_add(value, "mtype",
			       json_object_new_int64((int64_t)read_number(to, place.address, sizeof(uint64_t), true)));
	json_object_object_add(value, "mtext", value_bytes(text, (size_t)limit, size > limit));
	return value;
}

/* A string in an array of characters. */
struct json_object *value_characters(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	unsigned char bytes[4096];

	count = count < sizeof(bytes) ? count : sizeof(bytes);
	if (!memory_read(to->call, to->phase, place.address, bytes, count))
		return value_unknown(place.address);
	return value_bytes(bytes, strnlen((char *)bytes, count), false);
}

/* The same in a part of a message, which ought to end with NUL. */
struct json_object *value_terminated(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	unsigned char text[4096];
	size_t size, shown;

	count = count < sizeof(text) ? count : sizeof(text);
	if (!memory_read(to->call, to->phase, place.address, text, count))
		return value_unknown(place.address);
	size = count && !text[count - 1] ? count - 1 : count;
	shown = size < to->options->string ? size : to->options->string;
	return value_bytes(text, shown, shown < size);
}

/* --- strings */

static struct json_object *string_of(struct printer *to, uint64_t string, size_t limit)
{
	struct line *text = to->line;
	uint64_t address = string;
	struct piece piece;
	bool cut;

	text->size = 0;
	do {
		if (!memory_piece(to->call, to->phase, address, &piece))
			return value_unknown(string);
		address += piece.size;
		line_bytes(text, (const char *)piece.data, piece.size);
	} while (piece.flags & K23_RING_MORE);
	cut = piece.flags & K23_RING_CUT || text->size > limit;
	return value_bytes((unsigned char *)text->data, text->size < limit ? text->size : limit, cut);
}

struct json_object *value_string(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	return string_of(to, place.address, to->options->string);
}

struct json_object *value_path(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	return string_of(to, place.address, SIZE_MAX);
}

struct json_object *value_strings(struct printer *to, const struct type *type, struct place place)
{
	unsigned size = to->call->entry->arch == K23_ARCH_I386 ? sizeof(uint32_t) : sizeof(uint64_t);
	uint64_t limit = to->verbose ? UINT64_MAX : to->options->string, string, i;
	struct json_object *array = json_object_new_array();

	(void)type;
	for (i = 0; (string = read_number(to, place.address + i * size, size, false)) && i < limit; i++)
		json_object_array_add(array, string_of(to, string, to->options->string));
	return value_array_of(array, string != 0);
}

struct json_object *value_count(struct printer *to, uint64_t address)
{
	struct json_object *value = value_unknown(address);
	uint32_t count;

	if (memory_count(to->call, to->phase, address, &count, NULL))
		json_object_object_add(value, "count", json_object_new_int64(count));
	return value;
}

struct json_object *value_environment(struct printer *to, const struct type *type, struct place place)
{
	uint64_t first;

	if (to->verbose && memory_read(to->call, to->phase, place.address, &first, sizeof(first)))
		return value_strings(to, type, place);
	return value_count(to, place.address);
}

/* --- directories */

/* Where a directory entry has its length. Behind that comes the name; its type is before the name, or the last byte. */
#define LENGTH_AT 16

static struct json_object *entry_of(struct printer *to, const struct type *types, const unsigned char *entry,
				    unsigned length, bool type_first)
{
	unsigned name = LENGTH_AT + sizeof(uint16_t) + type_first;
	struct place kind = { type_first ? entry[LENGTH_AT + sizeof(uint16_t)] : entry[length - 1], 0 };
	struct json_object *value = json_object_new_object();
	uint64_t numbers[2];

	memcpy(numbers, entry, sizeof(numbers));
	json_object_object_add(value, "d_ino", json_object_new_uint64(numbers[0]));
	json_object_object_add(value, "d_off", json_object_new_int64((int64_t)numbers[1]));
	json_object_object_add(value, "d_reclen", json_object_new_int64(length));
	json_object_object_add(value, "d_type", value_enumerator(to, types, kind));
	json_object_object_add(value, "d_name",
			       value_bytes(entry + name, strnlen((const char *)entry + name,
								 length - name - !type_first), false));
	return value;
}

static struct json_object *entries_of(struct printer *to, const struct type *type, struct place place, bool type_first)
{
	struct json_object *array;
	uint64_t size = count_of(to, type), at = 0;
	unsigned char entry[512];
	uint16_t length;

	if (!to->verbose)
		return value_count(to, place.address);
	array = json_object_new_array();
	while (at + LENGTH_AT + sizeof(length) <= size &&
	       memory_read(to->call, to->phase, place.address + at + LENGTH_AT, &length, sizeof(length)) &&
	       length > LENGTH_AT + sizeof(length) + 1 && length <= sizeof(entry) &&
	       memory_read(to->call, to->phase, place.address + at, entry, length)) {
		json_object_array_add(array, entry_of(to, type->of, entry, length, type_first));
		at += length;
	}
	return value_array_of(array, at < size);
}

struct json_object *value_entries(struct printer *to, const struct type *type, struct place place)
{
	return entries_of(to, type, place, false);
}

struct json_object *value_entries64(struct printer *to, const struct type *type, struct place place)
{
	return entries_of(to, type, place, true);
}

/* --- sets */

/* Makes a member of a set of bits. */
typedef struct json_object *member_fn(struct printer *to, unsigned bit);

/* The members of a set of `size` bytes, of which the first `count` bits count. */
static struct json_object *set_of(struct printer *to, uint64_t address, uint64_t size, uint64_t count, member_fn *make)
{
	struct json_object *array;
	unsigned char bytes[8192];

	if (size > sizeof(bytes) || !memory_read(to->call, to->phase, address, bytes, size))
		return value_unknown(address);
	array = json_object_new_array();
	for (unsigned bit = 0; bit < 8 * size && bit < count; bit++)
		if (bytes[bit / 8] >> bit % 8 & 1)
			json_object_array_add(array, make(to, bit));
	return array;
}

static struct json_object *make_number(struct printer *to, unsigned bit)
{
	(void)to;
	return json_object_new_int64(bit);
}

struct json_object *value_cpu_set(struct printer *to, const struct type *type, struct place place)
{
	uint64_t size = count_of(to, type);

	return set_of(to, place.address, size < 4096 ? size : 4096, UINT64_MAX, make_number);
}

static struct json_object *make_signal(struct printer *to, unsigned bit)
{
	to->line->size = 0;
	render_signal(to->line, (int)bit + 1);
	return json_object_new_string(to->line->data);
}

struct json_object *value_signal_set(struct printer *to, const struct type *type, struct place place)
{
	return set_of(to, place.address, count_of(to, type), UINT64_MAX, make_signal);
}

static struct json_object *make_descriptor(struct printer *to, unsigned bit)
{
	return value_descriptor(to, NULL, (struct place){ bit, 0 });
}

struct json_object *value_descriptor_set(struct printer *to, const struct type *type, struct place place)
{
	int count = (int)to->call->entry->args[0];
	uint64_t size = count < 0 ? 0 : (uint64_t)count / 8 + (count % 8 != 0);

	(void)type;
	return set_of(to, place.address, size < 1024 ? size : 1024, (uint64_t)count, make_descriptor);
}

static struct json_object *capabilities_of(const struct type *names, uint64_t set)
{
	struct json_object *array = json_object_new_array();

	for (unsigned cap = 0; cap < 64; cap++) {
		const char *name = constant_name(names, cap);

		if (set >> cap & 1)
			json_object_array_add(array, name ? json_object_new_string(name) : json_object_new_int64(cap));
	}
	return array;
}

/* Two structures of three words: the low and the high halves of three sets. */
struct json_object *value_capabilities(struct printer *to, const struct type *type, struct place place)
{
	static const char *const names[] = { "effective", "permitted", "inheritable" };
	struct json_object *value;
	uint32_t words[6];

	if (!memory_read(to->call, to->phase, place.address, words, sizeof(words)))
		return value_unknown(place.address);
	value = json_object_new_object();
	for (unsigned i = 0; i < COUNT(names); i++)
		json_object_object_add(value, names[i],
				       capabilities_of(type->of, words[i] | (uint64_t)words[i + 3] << 32));
	return value;
}

/* What keys of a terminal mean, by name. */
struct json_object *value_control_characters(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	struct json_object *value;
	unsigned char keys[64];

	if (count > sizeof(keys) || !memory_read(to->call, to->phase, place.address, keys, count))
		return value_unknown(place.address);
	value = json_object_new_object();
	for (unsigned i = 0; i < count; i++) {
		const char *name = constant_name(type->of, i);

		if (name)
			json_object_object_add(value, name, json_object_new_int(keys[i]));
	}
	return value;
}

/* --- times */

/* size: of the seconds; rest_size: of what comes behind them. */
static struct json_object *time_of(struct printer *to, uint64_t address, unsigned size, const char *fraction,
				   unsigned rest_size)
{
	struct json_object *value = json_object_new_object(), *rest;
	int64_t seconds = (int64_t)read_number(to, address, size, true);
	int64_t part = (int64_t)read_number(to, address + size, rest_size, true);

	rest = value_named(json_object_new_int64(part), part == UTIME_NOW  ? "UTIME_NOW" :
							part == UTIME_OMIT ? "UTIME_OMIT" : NULL);
	json_object_object_add(value, "tv_sec", json_object_new_int64(seconds));
	json_object_object_add(value, fraction, rest);
	return value;
}

struct json_object *value_timespec(struct printer *to, const struct type *type, struct place place)
{
	return time_of(to, place.address, type->size / 2, "tv_nsec", type->size / 2);
}

struct json_object *value_timeval(struct printer *to, const struct type *type, struct place place)
{
	return time_of(to, place.address, type->size / 2, "tv_usec", type->size / 2);
}

struct json_object *value_statx_timestamp(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	return time_of(to, place.address, sizeof(uint64_t), "tv_nsec", sizeof(uint32_t));
}
