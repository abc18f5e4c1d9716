/*
 * Values that consist of others: pointers, structures, arrays, and those whose type depends on something.
 */
#include <string.h>

#include "cli/render/printer.h"

void print_argument(struct printer *to, const struct type *type, uint64_t value)
{
	type = choose_type(to, type);
	type->print(to, type, argument_place(to, type, value));
}

void print_at(struct printer *to, const struct type *type, uint64_t address, unsigned size)
{
	type = choose_type(to, type);
	type->print(to, type, memory_place(to, type, address, size));
}

void print_select(struct printer *to, const struct type *type, struct place place)
{
	type = choose_type(to, type);
	type->print(to, type, place);
}

void print_nothing(struct printer *to, const struct type *type, struct place place)
{
	(void)to;
	(void)type;
	(void)place;
}

const struct field *apart_of(const struct type *type)
{
	const struct field *fields = type->members;

	if (type->form != FORM_STRUCT || !type->member_count || !fields[type->member_count - 1].apart)
		return NULL;
	return &fields[type->member_count - 1];
}

/* Whether there is enough of a value to show it as of its type. */
static bool fits(const struct type *type, uint64_t rest)
{
	bool elements = type->form == FORM_ARRAY || type->print == print_indexed;

	return type->form == FORM_CONSTANTS ? rest > 0 :
					      apart_of(type) || (elements ? type->of->size : type->size) <= rest;
}

const struct type *choose_apart(const struct printer *to, const struct field *apart)
{
	const struct type *type = choose_type(to, apart->type);

	return fits(type, to->rest) ? type : default_of(apart);
}

const struct type *default_of(const struct field *field)
{
	const struct type *type = field->type;

	while (type->form == FORM_SELECT)
		type = type->of;
	return type;
}

bool is_cut_off(const struct printer *to, const struct field *apart)
{
	return apart && to->rest < apart->offset;
}

bool begin_apart(struct printer *to, const struct field *apart, uint64_t *rest)
{
	*rest = to->rest;
	if (!apart || to->rest <= apart->offset)
		return false;
	to->rest -= apart->offset;
	return true;
}

static bool is_zero(const struct printer *to, uint64_t address, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		if (read_number(to, address + i, 1, false))
			return false;
	return true;
}

/* How much of a field there must be at least. A part of some means nothing. */
static unsigned least_of(const struct field *field)
{
	const struct type *type = field->type;

	if (field->part)
		return 1;
	switch (type->form) {
	case FORM_SCALAR:
	case FORM_CONSTANTS:
		return field->size;
	case FORM_SELECT:
		return type->size ? field->size : 1;
	case FORM_ARRAY:
		return type->of->size;
	case FORM_STRUCT:
		return least_of(type->members);
	default:
		return 1;
	}
}

bool is_shown(const struct printer *to, const struct field *field)
{
	if (field->apart || (field->given && to->extended && to->base + field->offset + least_of(field) > to->end))
		return false;
	if (field->nonzero && is_zero(to, to->base + field->offset, field->size))
		return false;
	return condition_holds(to, field->condition);
}

size_t begin_given(const struct printer *to, const struct field *field)
{
	uint64_t address = to->base + field->offset;

	return field->part && to->extended && to->end < address + field->size ? (size_t)(to->end - address) : 0;
}

/* Where the fields of a structure end: all, or those that are always there. */
static uint64_t end_of_fields(const struct type *type, bool all)
{
	const struct field *fields = type->members;
	uint64_t end = 0;

	for (unsigned i = 0; i < type->member_count; i++)
		if ((all || !fields[i].given) && end < fields[i].offset + fields[i].size)
			end = fields[i].offset + fields[i].size;
	return end;
}

uint64_t needed_of(const struct type *type)
{
	const struct field *fields = type->members;

	for (unsigned i = 0; i < type->member_count; i++)
		if (fields[i].given)
			return fields[i].offset;
	return type->size;
}

bool has_more(const struct printer *to, const struct type *type, uint64_t address)
{
	if (type != to->extended)
		return false;
	for (address += end_of_fields(type, true); address < to->end; address++)
		if (read_number(to, address, 1, false))
			return true;
	return false;
}

bool begin_extended(struct printer *to, const struct type *type, uint64_t address)
{
	uint64_t count = count_of(to, type), needed = count;

	if (type->print == print_extensible) {
		needed = end_of_fields(type->of, false);
		if (count < needed)
			return false;
	}
	if (!count || !is_readable(to, address, needed))
		return false;
	to->extended = type->of;
	to->end = address + count;
	return true;
}

void print_extended(struct printer *to, const struct type *type, struct place place)
{
	struct printer before = *to;

	to->tailed = type->print == print_extensible || to->verbose;
	if (begin_extended(to, type, place.address))
		print_struct(to, type->of, place);
	else
		print_address(to, type, (struct place){ place.address, 0 });
	to->tailed = before.tailed;
	to->extended = before.extended;
	to->end = before.end;
}

/* One that may become longer, and of which there is all that it has always had. */
void print_extensible(struct printer *to, const struct type *type, struct place place)
{
	print_extended(to, type, place);
}

/* What is behind the fields that are known. */
static void add_tail(struct printer *to, const struct type *type, uint64_t address)
{
	uint64_t begin = end_of_fields(type, true), end = to->end - address;
	unsigned char bytes[4096];

	if (end <= begin)
		return;
	if (end - begin > sizeof(bytes) || !memory_read(to->call, to->phase, address + begin, bytes, end - begin)) {
		line_text(to->line, ", ???");
	} else if (has_more(to, type, address)) {
		line_add(to->line, ", /* bytes %llu..%llu */ ", (unsigned long long)begin, (unsigned long long)end - 1);
		print_hex_text(to, bytes, end - begin);
	}
}

struct list {
	const char *separator;
	bool cut; /* something was left out */
};

static void print_field(struct printer *to, const struct field *field, struct list *list);

static void print_fields(struct printer *to, const struct type *type, struct list *list)
{
	const struct field *fields = type->members;

	for (unsigned i = 0; i < type->member_count; i++)
		print_field(to, &fields[i], list);
}

static void print_begin(struct printer *to, uint64_t address, size_t size)
{
	unsigned char bytes[64];

	size = size < sizeof(bytes) ? size : sizeof(bytes);
	if (memory_read(to->call, to->phase, address, bytes, size))
		print_hex_text(to, bytes, size);
	else
		line_hex(to->line, address);
}

static void print_field(struct printer *to, const struct field *field, struct list *list)
{
	size_t begin = begin_given(to, field);

	if (!is_shown(to, field))
		return;
	if (field->verbose && !to->verbose) {
		list->cut = true;
		return;
	}
	if (field->same) {
		print_fields(to, choose_type(to, field->type), list);
		return;
	}
	line_text(to->line, list->separator);
	list->separator = ", ";
	if (!field->bare) {
		line_text(to->line, field->name);
		line_char(to->line, '=');
	}
	count_left(to, field);
	if (begin)
		print_begin(to, to->base + field->offset, begin);
	else
		print_at(to, field->type, to->base + field->offset, field->size);
}

unsigned part_of(const struct printer *to, const struct type *type)
{
	return type->size < to->rest ? type->size : (unsigned)to->rest;
}

bool is_there(const struct printer *to, const struct type *type, uint64_t address)
{
	const struct field *apart = apart_of(type);

	if (apart)
		return is_readable(to, address, to->rest < apart->offset ? to->rest : apart->offset);
	return type->form == FORM_CONSTANTS ? is_readable(to, address, part_of(to, type)) : is_known(to, type, address);
}

static void print_apart(struct printer *to, const struct field *apart)
{
	const struct type *type;
	uint64_t rest;

	if (begin_apart(to, apart, &rest)) {
		type = choose_apart(to, apart);
		line_text(to->line, type->print == print_nothing ? "" : ", ");
		if (is_there(to, type, to->base + apart->offset))
			print_at(to, type, to->base + apart->offset, part_of(to, type));
		else
			print_address(to, type, (struct place){ to->base + apart->offset, 0 });
	}
	to->rest = rest;
}

void print_struct(struct printer *to, const struct type *type, struct place place)
{
	const struct field *apart = apart_of(type);
	struct list list = { "", is_cut_off(to, apart) };
	uint64_t base = to->base;

	to->base = place.address;
	line_char(to->line, '{');
	if (list.cut)
		print_field(to, type->members, &list);
	else
		print_fields(to, type, &list);
	if (type == to->extended && to->tailed)
		add_tail(to, type, place.address);
	else if (list.cut || has_more(to, type, place.address))
		line_text(to->line, ", ...");
	line_char(to->line, '}');
	print_apart(to, apart);
	to->base = base;
}

/* The arguments of a call, as fields. */
void print_arguments(struct printer *to, const struct type *type, struct place place)
{
	const struct field *fields = type->members;
	const char *separator = "";

	(void)place;
	for (unsigned i = 0; i < type->member_count; i++) {
		if (!condition_holds(to, fields[i].condition))
			continue;
		line_text(to->line, separator);
		separator = ", ";
		line_text(to->line, fields[i].name);
		line_char(to->line, '=');
		print_argument(to, fields[i].type, to->call->entry->args[fields[i].offset / sizeof(uint64_t)]);
	}
}

bool is_readable(const struct printer *to, uint64_t address, uint64_t size)
{
	unsigned char bytes[4096];

	return size <= sizeof(bytes) && memory_read(to->call, to->phase, address, bytes, size);
}

/* Whether an element ends behind the end of the extended structure that is being shown, where the rest of that would
 * be. */
static bool is_cut_away(const struct printer *to, uint64_t address, unsigned size)
{
	return to->extended && address + size > to->end && address - to->base < to->extended->size;
}

void print_array(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type), limit = to->verbose ? count : to->options->string;
	const struct type *of = type->of;
	const char *separator = "";

	if (count && !is_cut_away(to, place.address, of->size) && !is_readable(to, place.address, of->size)) {
		line_hex(to->line, place.address);
		return;
	}
	line_char(to->line, '[');
	for (uint64_t i = 0; i < count; i++) {
		uint64_t address = place.address + i * of->size;

		if (is_cut_away(to, address, of->size))
			break;
		line_text(to->line, separator);
		separator = ", ";
		if (!is_readable(to, address, of->size)) {
			line_text(to->line, "... /* ");
			line_hex(to->line, address);
			line_text(to->line, " */");
			break;
		}
		if (i >= limit) {
			line_text(to->line, "...");
			break;
		}
		print_at(to, of, address, of->size);
	}
	line_char(to->line, ']');
}

bool is_known(const struct printer *to, const struct type *type, uint64_t address)
{
	uint64_t count, limit = to->options->string;
	struct printer copy = *to;
	struct piece piece;

	switch (type->form) {
	case FORM_STRING:
		return type->print == print_environment || memory_piece(to->call, to->phase, address, &piece);
	case FORM_ARRAY:
		/* So many of whatever there is, or a few that belong together. */
		count = type->terms->source == TERM_NUMBER ? count_of(to, type) : 1;
		return !count_of(to, type) || is_readable(to, address, count * type->of->size);
	case FORM_MEMORY:
		count = type->term_count ? count_of(to, type) : 1;
		if (type->print == print_extended || type->print == print_extensible)
			return begin_extended(&copy, type, address);
		if (type->print != print_quoted && type->print != print_hex_bytes)
			return true; /* its printer knows */
		return is_readable(to, address, count < limit ? count : limit < 4096 ? limit : 4096);
	default:
		return is_readable(to, address, type->size);
	}
}

static bool is_known_in(struct printer *to, const struct type *type, uint64_t address, enum phase phase)
{
	enum phase before = to->phase;
	bool known;

	to->phase = phase;
	known = is_known(to, type, address);
	to->phase = before;
	return known;
}

static void print_pointed(struct printer *to, const struct type *type, uint64_t address, enum phase phase)
{
	bool number = type->form == FORM_SCALAR || type->form == FORM_CONSTANTS || type->form == FORM_POINTER;
	enum phase before = to->phase;

	to->phase = phase;
	if (is_known(to, type, address)) {
		line_text(to->line, number ? "[" : "");
		print_at(to, type, address, type->size);
		line_text(to->line, number ? "]" : "");
	} else {
		print_address(to, type, (struct place){ address, 0 });
	}
	to->phase = before;
}

/* Shows what has become of what a pointer points to, unless nothing has. */
static void print_change(struct printer *to, const struct type *type, uint64_t address)
{
	size_t before = to->line->size, begin;

	line_text(to->line, " => ");
	begin = to->line->size;
	print_pointed(to, type, address, PHASE_EXIT);
	if (to->line->size == begin + 2 && type->form == FORM_STRUCT)
		to->line->size = before;
}

/* Whether a pointer leads to what is shown as a string. */
static bool is_text(const struct type *type)
{
	return type->print == print_string || type->print == print_path || type->print == print_comm ||
	       type->print == print_quoted || type->print == print_hex_bytes;
}

/* Whether memory was all zero before the call. */
static bool was_zero(const struct printer *to, uint64_t address, unsigned size)
{
	struct printer before = *to;

	before.phase = PHASE_ENTRY;
	return is_zero(&before, address, size);
}

bool pointer_shows(const struct printer *to, const struct type *type, uint64_t address, enum phase *phase)
{
	bool shown = address != 0 && (to->followed || is_text(type->of));

	bool out = type->direction == OUT || (type->direction == REPLACED && was_zero(to, address, type->of->size));

	if (out)
		shown = shown && call_succeeded(to->call);
	else if (type->direction == INTERRUPTED)
		shown = shown && call_interrupted(to->call);
	if (out || type->direction == INTERRUPTED)
		*phase = PHASE_EXIT;
	else
		*phase = type->direction == SAME ? to->phase : PHASE_ENTRY;
	return shown;
}

bool pointer_changes(const struct type *type, enum phase phase)
{
	return type->direction == CHANGE || (type->direction == REPLACED && phase == PHASE_ENTRY);
}

void print_pointer(struct printer *to, const struct type *type, struct place place)
{
	enum phase phase;

	if (!pointer_shows(to, type, place.value, &phase)) {
		print_address(to, type, place);
		return;
	}
	print_pointed(to, type->of, place.value, phase);
	if (!pointer_changes(type, phase) || !is_known_in(to, type->of, place.value, phase))
		return;
	if (call_succeeded(to->call)) {
		print_change(to, type->after ? type->after : type->of, place.value);
	} else if (type->direction == REPLACED) {
		line_text(to->line, " => ");
		print_address(to, type, place);
	}
}
