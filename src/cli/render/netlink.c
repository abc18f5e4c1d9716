/*
 * Messages of netlink. What is in them is in types.def; here is how they, and attributes in them, follow each other.
 */
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/render/printer.h"

/* What is in a message or an attribute behind this is shown apart. */
static uint64_t head_of(const struct sequence *sequence)
{
	return apart_of(sequence->of)->offset;
}

bool sequence_begin(struct printer *to, const struct type *type, struct place place, struct sequence *sequence)
{
	uint64_t size = type->term_count ? count_of(to, type) : to->rest;

	*sequence = (struct sequence){ type->of, place.address, size, 0,
				       to->verbose ? UINT64_MAX : to->options->string };
	if (type->term_count && to->phase == PHASE_EXIT)
		to->left -= size < to->left ? size : to->left;
	return is_readable(to, place.address, size < head_of(sequence) ? size : head_of(sequence));
}

/* How long an element says to be. */
static uint64_t stated_size(const struct printer *to, const struct sequence *sequence)
{
	const struct field *length = sequence->of->members;

	return read_number(to, sequence->address + sequence->at, length->size, false);
}

bool sequence_next(struct printer *to, struct sequence *sequence, struct element *element)
{
	uint64_t left = sequence->size - sequence->at, head = head_of(sequence), size = left;

	*element = (struct element){ sequence->address + sequence->at, left, left >= head };
	if (!left || !sequence->more || !is_readable(to, element->address, element->whole ? head : left))
		return false;
	sequence->more--;
	if (element->whole) {
		size = stated_size(to, sequence);
		element->size = size < head ? head : size < left ? size : left;
	}
	/* Behind one that is shorter than itself no other can be found. */
	sequence->at += size < head || NLMSG_ALIGN(element->size) > left ? left : NLMSG_ALIGN(element->size);
	to->rest = element->size;
	to->list = sequence->address;
	if (head == NLMSG_HDRLEN)
		to->message = element->address + head;
	return true;
}

static void print_element(struct printer *to, const struct sequence *sequence, const struct element *element)
{
	bool both = element->size > head_of(sequence);

	if (!element->whole) {
		const struct type *data = default_of(apart_of(sequence->of));

		data->print(to, data, (struct place){ 0, element->address });
		return;
	}
	line_text(to->line, both ? "[" : "");
	print_struct(to, sequence->of, (struct place){ 0, element->address });
	line_text(to->line, both ? "]" : "");
}

/* One is shown alone, several in brackets, and of a list also one that has nothing behind it. */
void print_sequence(struct printer *to, const struct type *type, struct place place)
{
	uint64_t rest = to->rest, message = to->message, list = to->list;
	struct sequence sequence;
	struct element element;
	bool several = false, first = true;

	if (!sequence_begin(to, type, place, &sequence)) {
		print_address(to, type, (struct place){ place.address, 0 });
		return;
	}
	while (sequence_next(to, &sequence, &element)) {
		several = several || sequence.at < sequence.size ||
			  (type->unknown && element.size <= head_of(&sequence));
		line_text(to->line, !first ? ", " : several ? "[" : "");
		print_element(to, &sequence, &element);
		first = false;
	}
	if (!sequence.size)
		line_text(to->line, "\"\"");
	else if (sequence.at < sequence.size)
		line_text(to->line, first ? "..." : ", ...");
	if (sequence.at < sequence.size && sequence.more) {
		line_text(to->line, " /* ");
		line_hex(to->line, sequence.address + sequence.at);
		line_text(to->line, " */");
	}
	line_text(to->line, several ? "]" : "");
	to->rest = rest;
	to->message = message;
	to->list = list;
}

uint32_t told_string(const struct printer *to, unsigned attribute)
{
	uint64_t at = to->list, size, found = 0, end = 0;
	uint32_t value = 0x811c9dc5; /* FNV-1a */

	for (; at < to->base && (size = read_number(to, at, 2, false)) >= NLA_HDRLEN; at += NLA_ALIGN(size))
		if ((read_number(to, at + 2, 2, false) & NLA_TYPE_MASK) == attribute) {
			found = at + NLA_HDRLEN;
			end = at + size;
		}
	for (uint64_t byte; found < end && (byte = read_number(to, found, 1, false)); found++)
		value = (value ^ (uint32_t)byte) * 0x01000193;
	return value;
}

void begin_answered(struct printer *to, struct place place)
{
	uint64_t before = place.address - to->base;

	to->rest -= before < to->rest ? before : to->rest;
	to->answered = true;
}

void print_netlink_message(struct printer *to, const struct type *type, struct place place)
{
	const struct type *data = default_of(apart_of(type->of));
	struct type message = { .of = type->of };
	struct printer before = *to;

	begin_answered(to, place);
	if (before.answered)
		data->print(to, data, place);
	else
		print_sequence(to, &message, place);
	to->rest = before.rest;
	to->answered = before.answered;
}

/* An address of a device. */
void print_link_address(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	unsigned char bytes[256];

	count = count < sizeof(bytes) ? count : sizeof(bytes);
	if (!memory_read(to->call, to->phase, place.address, bytes, count)) {
		line_text(to->line, "...");
		return;
	}
	if (!begin_coded(to, bytes, count))
		return;
	for (uint64_t i = 0; i < count; i++) {
		line_text(to->line, i ? ":" : "");
		line_digits(to->line, bytes[i], 16, 2);
	}
	end_coded(to);
}

/* How much of what is behind an error is the message that was refused. The kernel may leave out what that has behind
 * its header. */
uint64_t begin_refused(struct printer *to, struct place place, uint64_t *more)
{
	uint64_t rest = to->rest - sizeof(int), size = NLMSG_HDRLEN, stated;
	uint64_t flags = read_number(to, to->message - NLMSG_HDRLEN + offsetof(struct nlmsghdr, nlmsg_flags), 2, false);

	stated = read_number(to, place.address + offsetof(struct nlmsgerr, msg.nlmsg_len), sizeof(uint32_t), false);
	if (!(flags & NLM_F_CAPPED) && stated > size)
		size = stated < rest ? stated : rest;
	*more = rest - size;
	to->rest = sizeof(int) + size;
	return place.address + sizeof(int) + size;
}

void print_message_error(struct printer *to, const struct type *type, struct place place)
{
	uint64_t rest = to->rest, more, reasons = begin_refused(to, place, &more);

	line_text(to->line, more ? "[" : "");
	print_struct(to, type->of, place);
	to->rest = more;
	if (more) {
		line_text(to->line, ", ");
		print_sequence(to, type_nlmsgerr_attributes, (struct place){ 0, reasons });
		line_char(to->line, ']');
	}
	to->rest = rest;
}

/* An array of numbers, each behind the name of its place; "as signed": they may be below 0. */
void print_indexed(struct printer *to, const struct type *type, struct place place)
{
	unsigned size = type->of->size;
	uint64_t count = count_of(to, type) / size, limit = to->verbose ? count : to->options->string;

	line_char(to->line, '[');
	for (uint64_t i = 0; i < count && i < limit; i++) {
		const char *name = constant_name(type->of, i);
		char number[24];

		if (!is_readable(to, place.address + i * size, size)) {
			line_add(to->line, ", ... /* %#llx */", (unsigned long long)(place.address + i * size));
			break;
		}
		snprintf(number, sizeof(number), "%llu", (unsigned long long)i);
		line_text(to->line, i ? ", [" : "[");
		if (name)
			print_named(to, number, name);
		else
			line_add(to->line, "%s /* %s */", number, type->of->unknown);
		line_text(to->line, "]=");
		if (type->unknown)
			line_signed(to->line, (int64_t)read_number(to, place.address + i * size, size, true));
		else
			line_unsigned(to->line, read_number(to, place.address + i * size, size, false));
	}
	line_text(to->line, limit < count ? ", ...]" : "]");
}

/* A constant that is the upper byte of a number. */
void print_upper_byte(struct printer *to, const struct type *type, struct place place)
{
	print_enumerator(to, type->of, (struct place){ place.value >> 8, 0 });
	line_text(to->line, "<<8");
}

/* A time in hundredths of a second, a number of any size. */
void print_ticks(struct printer *to, const struct type *type, struct place place)
{
	print_clock_ticks(to, type, (struct place){
		read_number(to, place.address, (unsigned)count_of(to, type), false), place.address });
}
