/*
 * Numbers of a call and of its memory, and what depends on them: how many there are of something, and of which type.
 */
#include "cli/render/printer.h"

static uint64_t narrow_value(uint64_t value, unsigned size, bool is_signed)
{
	unsigned unused = 64 - 8 * size;

	if (!size || size >= sizeof(value))
		return value;
	return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
}

static uint64_t read_at(const struct printer *to, enum phase phase, uint64_t address, unsigned size, bool is_signed)
{
	uint64_t value = 0;

	if (!size || size > sizeof(value) ||
	    (memory_read_part(to->call, phase, address, &value, size) < size && !to->extended))
		return 0;
	return narrow_value(value, size, is_signed);
}

uint64_t read_number(const struct printer *to, uint64_t address, unsigned size, bool is_signed)
{
	return read_at(to, to->phase, address, size, is_signed);
}

/* Of memory that is not known as it was, a field is as it is now. */
static uint64_t field_before(const struct printer *to, const struct term *term)
{
	uint64_t address = to->base + term->value, value;
	bool known = memory_read(to->call, PHASE_ENTRY, address, &value, term->size);

	return read_at(to, known ? PHASE_ENTRY : to->phase, address, term->size, term->is_signed);
}

/* As a call that has succeeded has left it. */
static uint64_t at_argument(const struct printer *to, const struct term *term)
{
	uint64_t address = to->call->entry->args[term->value], value;
	bool left = call_succeeded(to->call) && memory_read(to->call, PHASE_EXIT, address, &value, term->size);

	return read_at(to, left ? PHASE_EXIT : to->phase, address, term->size, false);
}

static uint64_t term_value(const struct printer *to, const struct term *term)
{
	const struct call *call = to->call;
	uint64_t value = term->value;

	switch (term->source) {
	case TERM_ARGUMENT:
		value = narrow_value(call->entry->args[term->value], term->size, false);
		break;
	case TERM_AT_ARGUMENT:
		value = at_argument(to, term);
		break;
	case TERM_BEFORE:
		value = read_at(to, PHASE_ENTRY, call->entry->args[term->value], term->size, false);
		break;
	case TERM_RESULT:
		value = (uint64_t)call->result;
		break;
	case TERM_FIELD:
		value = read_number(to, to->base + term->value, term->size, term->is_signed);
		break;
	case TERM_FIELD_BEFORE:
		value = field_before(to, term);
		break;
	case TERM_LEFT:
		value = to->phase == PHASE_EXIT ? to->left : UINT64_MAX;
		break;
	case TERM_FAILED:
		value = !call_succeeded(call);
		break;
	case TERM_VERBOSE:
		value = to->verbose;
		break;
	case TERM_NETLINK:
		value = memory_netlink_protocol(call, (int)call->entry->args[0]);
		break;
	case TERM_REST:
		value = to->rest;
		break;
	case TERM_FAMILY:
		value = read_number(to, to->message, 1, false);
		break;
	case TERM_TOLD:
		value = told_string(to, term->value);
		break;
	}
	value += (uint64_t)term->before;
	value = term->divide < 0 ? value * (uint64_t)-term->divide : value / (uint64_t)term->divide;
	return value + (uint64_t)term->add;
}

static uint64_t least_term(const struct printer *to, const struct type *type)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < type->term_count; i++) {
		uint64_t value = term_value(to, &type->terms[i]);

		least = value < least ? value : least;
	}
	return least;
}

uint64_t count_of(const struct printer *to, const struct type *type)
{
	return type->term_count ? least_term(to, type) : 0;
}

const struct type *choose_type(const struct printer *to, const struct type *type)
{
	while (type->form == FORM_SELECT) {
		const struct choice *choices = type->members;
		uint32_t value = (uint32_t)(least_term(to, type) & type->mask);
		unsigned i = 0;

		while (i < type->member_count && (uint32_t)choices[i].value != value)
			i++;
		type = i < type->member_count ? choices[i].type : type->of;
	}
	return type;
}

struct place argument_place(const struct printer *to, const struct type *type, uint64_t value)
{
	if (to->call->entry->arch == K23_ARCH_I386 && type->size > sizeof(uint32_t))
		value = narrow_value(value, sizeof(uint32_t), type->is_signed);
	return (struct place){ narrow_value(value, type->size, type->is_signed), 0 };
}

struct place memory_place(const struct printer *to, const struct type *type, uint64_t address, unsigned size)
{
	/* In less than an int, a constant has no sign. */
	bool is_signed = type->is_signed && (type->form != FORM_CONSTANTS || size >= sizeof(int));

	return (struct place){ read_number(to, address, size, is_signed), address };
}

bool condition_holds(const struct printer *to, const struct condition *condition)
{
	if (!condition)
		return true;
	while (((term_value(to, &condition->term) & condition->mask) == condition->value) != condition->equal)
		if (!condition++->more)
			return false;
	return true;
}

void count_left(struct printer *to, const struct field *field)
{
	if (field->left && to->phase == PHASE_EXIT)
		to->left = term_value(to, field->left);
}
