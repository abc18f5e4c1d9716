/*
 * Messages of netlink. What is in them is in types.def; here is how they, and attributes in them, follow each other.
 */
#include <linux/netlink.h>

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
	if (head == NLMSG_HDRLEN)
		to->message = element->address + head;
	return true;
}

static void print_element(struct printer *to, const struct sequence *sequence, const struct element *element)
{
	bool both = element->size > head_of(sequence);

	if (!element->whole) {
		const struct type *data = apart_default(apart_of(sequence->of));

		data->print(to, data, (struct place){ 0, element->address });
		return;
	}
	line_text(to->line, both ? "[" : "");
	print_struct(to, sequence->of, (struct place){ 0, element->address });
	line_text(to->line, both ? "]" : "");
}

/* One is shown alone, several in brackets. */
void print_sequence(struct printer *to, const struct type *type, struct place place)
{
	uint64_t rest = to->rest, message = to->message;
	struct sequence sequence;
	struct element element;
	bool several = false, first = true;

	if (!sequence_begin(to, type, place, &sequence)) {
		print_address(to, type, (struct place){ place.address, 0 });
		return;
	}
	while (sequence_next(to, &sequence, &element)) {
		several = several || sequence.at < sequence.size;
		line_text(to->line, !first ? ", " : several ? "[" : "");
		print_element(to, &sequence, &element);
		first = false;
	}
	if (!sequence.size)
		line_text(to->line, "\"\"");
	else if (sequence.at < sequence.size)
		line_text(to->line, first ? "..." : ", ...");
	line_text(to->line, several ? "]" : "");
	to->rest = rest;
	to->message = message;
}

void begin_answered(struct printer *to, struct place place)
{
	uint64_t before = place.address - to->base;

	to->rest -= before < to->rest ? before : to->rest;
	to->answered = true;
}

void print_netlink_message(struct printer *to, const struct type *type, struct place place)
{
	const struct type *data = apart_default(apart_of(type->of));
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
	for (uint64_t i = 0; i < count; i++) {
		line_text(to->line, i ? ":" : "");
		line_digits(to->line, bytes[i], 16, 2);
	}
}
