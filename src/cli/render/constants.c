/*
 * Numbers that have names.
 */
#include "cli/render/printer.h"

static void begin_comment(struct printer *to, uint64_t value)
{
	if (to->options->constants == CONSTANTS_VERBOSE) {
		print_hexadecimal(to, value);
		line_text(to->line, " /* ");
	}
}

static void end_comment(struct printer *to)
{
	if (to->options->constants == CONSTANTS_VERBOSE)
		line_text(to->line, " */");
}

static void print_unknown(struct printer *to, const struct type *type, uint64_t value)
{
	print_hexadecimal(to, value);
	if (*type->unknown == '-')
		return;
	line_text(to->line, " /* ");
	line_text(to->line, type->unknown);
	line_text(to->line, " */");
}

static uint64_t mask_of(const struct type *type)
{
	return type->size == sizeof(uint64_t) ? UINT64_MAX : UINT32_MAX;
}

const char *constant_name(const struct type *type, uint64_t value)
{
	const struct constant *constants = type->members;

	for (unsigned i = 0; i < type->member_count; i++)
		if (!constants[i].part && ((constants[i].value ^ value) & mask_of(type)) == 0)
			return constants[i].name;
	return NULL;
}

void print_named(struct printer *to, const char *number, const char *name)
{
	bool both = to->options->constants == CONSTANTS_VERBOSE;

	line_text(to->line, to->options->constants == CONSTANTS_ABBREV ? name : number);
	if (both) {
		line_text(to->line, " /* ");
		line_text(to->line, name);
		line_text(to->line, " */");
	}
}

void print_enumerator(struct printer *to, const struct type *type, struct place place)
{
	uint64_t value = place.value & mask_of(type);
	const char *name = constant_name(type, value);

	if (to->options->constants == CONSTANTS_RAW) {
		print_hexadecimal(to, value);
		return;
	}
	if (!name) {
		print_unknown(to, type, value);
		return;
	}
	begin_comment(to, value);
	line_text(to->line, name);
	end_comment(to);
}

/* Whether no flag at all has a name. */
static bool names_zero(const struct type *type)
{
	const struct constant *constants = type->members;

	for (unsigned i = 0; i < type->member_count; i++)
		if (constants[i].part ? constants[i].part->form == FORM_CONSTANTS && names_zero(constants[i].part) :
					!constants[i].value)
			return true;
	return false;
}

/* Whether bits that together are a number of a type are shown if they are 0. */
static bool shows_zero(const struct type *part)
{
	if (part->form == FORM_CONSTANTS)
		return names_zero(part);
	return part->print == print_permissions || part->print == print_upper_byte ||
	       part->print == print_hex_of_part || part->print == print_number_of_part;
}

/* Shows bits that together are a number. Returns whether there was something to show. */
static bool print_part(struct printer *to, const struct constant *constant, uint64_t value, const char *separator)
{
	const struct type *part = constant->part;
	uint64_t bits = value & constant->value;

	if (!bits && !shows_zero(part))
		return false;
	line_text(to->line, separator);
	part->print(to, part, (struct place){ bits, 0 });
	return true;
}

bool part_is_nameless(const struct type *part, uint64_t bits)
{
	return part->print == print_enumerator && *part->unknown == '-' && !constant_name(part, bits);
}

/* Shows the names, and returns the bits that have none; *separator is no longer "" if there was a name. */
static uint64_t print_names(struct printer *to, const struct type *type, uint64_t value, const char **separator)
{
	const struct constant *constants = type->members;
	uint64_t rest = value;

	for (unsigned i = 0; i < type->member_count; i++) {
		const struct constant *constant = &constants[i];

		if (constant->part && part_is_nameless(constant->part, rest & constant->value))
			continue;
		if (constant->part) {
			if (print_part(to, constant, rest, *separator))
				*separator = "|";
			rest &= ~constant->value;
		} else if (constant->value ? (rest & constant->value) == constant->value : !value) {
			line_text(to->line, *separator);
			line_text(to->line, constant->name);
			*separator = "|";
			rest &= ~constant->value;
		}
	}
	return rest;
}

static bool has_name(const struct type *type, uint64_t value);

/* Whether there is a name for bits that are a number of a type; a plain number needs none. */
static bool part_has_name(const struct type *part, uint64_t bits)
{
	if (part->print == print_enumerator)
		return constant_name(part, bits);
	return part->form == FORM_CONSTANTS ? has_name(part, bits) : bits != 0;
}

/* Whether there is a name for anything of the value. */
static bool has_name(const struct type *type, uint64_t value)
{
	const struct constant *constants = type->members;

	for (unsigned i = 0; i < type->member_count; i++) {
		const struct constant *constant = &constants[i];
		uint64_t bits = value & constant->value;

		if (constant->part && part_is_nameless(constant->part, bits))
			continue;
		if (constant->part ? part_has_name(constant->part, bits) :
				     (constant->value ? bits == constant->value : !value))
			return true;
	}
	return false;
}

static void add_flags(struct printer *to, const struct type *type, uint64_t value)
{
	const char *separator = "";
	uint64_t rest = print_names(to, type, value, &separator);

	if (rest && !*separator) {
		print_unknown(to, type, rest);
	} else if (rest) {
		line_char(to->line, '|');
		print_hexadecimal(to, rest);
	} else if (!*separator) {
		line_char(to->line, '0');
	}
}

void print_flags(struct printer *to, const struct type *type, struct place place)
{
	const struct render_options *options = to->options;
	struct render_options names = *options; /* inside the comment */
	bool known = has_name(type, place.value);

	if (options->constants == CONSTANTS_RAW) {
		print_hexadecimal(to, place.value);
		return;
	}
	if (known)
		begin_comment(to, place.value);
	names.constants = CONSTANTS_ABBREV;
	to->options = &names;
	add_flags(to, type, place.value);
	to->options = options;
	if (known)
		end_comment(to);
}

/* Numbers in one, each of which is shown as the user wants it. */
void print_composed(struct printer *to, const struct type *type, struct place place)
{
	add_flags(to, type, place.value);
}

/* Fields of one bit, as those that a structure has. */
void print_bits(struct printer *to, const struct type *type, struct place place)
{
	const struct constant *constants = type->of->members;
	const char *separator = "";

	for (unsigned i = 0; i < type->of->member_count; i++) {
		bool set = place.value & constants[i].value;

		if (!set && !to->verbose)
			continue;
		line_add(to->line, "%s%s=%d", separator, constants[i].name, set);
		separator = ", ";
	}
}

void print_by_name(struct printer *to, const struct type *type, struct place place)
{
	const struct render_options *options = to->options;
	struct render_options names = *options;

	names.constants = CONSTANTS_ABBREV;
	to->options = &names;
	type->print(to, type, place);
	to->options = options;
}

/* A number whose names are of the kernel's inside: they are a comment, unless the user wants none. */
void print_always_verbose(struct printer *to, const struct type *type, struct place place)
{
	const struct render_options *options = to->options;
	struct render_options verbose = *options;

	if (options->constants != CONSTANTS_RAW)
		verbose.constants = CONSTANTS_VERBOSE;
	to->options = &verbose;
	type->of->print(to, type->of, place);
	to->options = options;
}

/* Ends a comment on a number. */
static void print_meaning(struct printer *to, const struct type *type, struct place place)
{
	if (type->of->print == print_composed)
		print_composed(to, type->of, place);
	else
		print_by_name(to, type->of, place);
	line_char(to->line, ')');
}

/* Whether nothing is said of a number in a comment. */
static bool is_meaningless(const struct printer *to, const struct type *type, uint64_t value)
{
	if (to->options->constants == CONSTANTS_RAW && type->print != print_composed)
		return true;
	if (type->print == print_composed)
		return !value && !names_zero(type);
	return type->form == FORM_CONSTANTS && !has_name(type, value);
}

void print_flags_comment(struct printer *to, const struct type *type, struct place place)
{
	print_hexadecimal(to, place.value);
	if (!has_name(type->of, place.value))
		return;
	line_text(to->line, " (");
	line_text(to->line, type->unknown ? type->unknown : "flags");
	line_char(to->line, ' ');
	type->of->print(to, type->of, place);
	line_char(to->line, ')');
}

/* The same, always by name. */
void print_names_comment(struct printer *to, const struct type *type, struct place place)
{
	print_hexadecimal(to, place.value);
	line_text(to->line, " (flags ");
	print_meaning(to, type, place);
}

void print_hex_comment(struct printer *to, const struct type *type, struct place place)
{
	print_hexadecimal(to, place.value);
	if (is_meaningless(to, type->of, place.value))
		return;
	line_text(to->line, " (");
	print_meaning(to, type, place);
}

void print_comment(struct printer *to, const struct type *type, struct place place)
{
	line_signed(to->line, (int64_t)place.value);
	line_text(to->line, " (");
	print_meaning(to, type, place);
}

/* A number that is shown as such, with its name as a comment. */
void print_annotated(struct printer *to, const struct type *type, struct place place)
{
	line_signed(to->line, (int)place.value);
	line_text(to->line, " /* ");
	line_text(to->line, constant_name(type->of, place.value) ? constant_name(type->of, place.value) :
								   type->of->unknown);
	line_text(to->line, " */");
}
