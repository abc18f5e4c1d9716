/*
 * Waiting for descriptors: what was waited for, and what came.
 */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "cli/render/printer.h"

#define SET_MAX 8192 /* descriptors */

struct set {
	unsigned char bits[SET_MAX / 8];
	unsigned count;
};

static unsigned descriptors(const struct printer *to)
{
	int count = (int)to->call->entry->args[0];

	return count < 0 ? 0 : count > SET_MAX ? SET_MAX : (unsigned)count;
}

static bool read_set(const struct printer *to, enum phase phase, uint64_t address, struct set *set)
{
	set->count = descriptors(to);
	return (int)to->call->entry->args[0] >= 0 &&
	       memory_read(to->call, phase, address, set->bits, set->count / 8 + (set->count % 8 != 0));
}

static void add_set(struct printer *to, const struct set *set)
{
	const char *separator = "";

	line_char(to->line, '[');
	for (unsigned fd = 0; fd < set->count; fd++)
		if (set->bits[fd / 8] >> fd % 8 & 1) {
			line_text(to->line, separator);
			separator = " ";
			print_descriptor(to, NULL, (struct place){ fd, 0 });
		}
	line_char(to->line, ']');
}

void print_descriptor_set(struct printer *to, const struct type *type, struct place place)
{
	struct set set;

	(void)type;
	if (read_set(to, to->phase, place.address, &set))
		add_set(to, &set);
	else
		line_hex(to->line, place.address);
}

/* The descriptors that have something, each with what it has. */
static void add_polled(struct printer *to, const struct type *type)
{
	uint64_t address = to->call->entry->args[0], count = to->call->entry->args[1];
	uint64_t limit = to->verbose ? count : to->options->string, shown = 0;
	struct pollfd polled;

	line_char(to->line, '[');
	to->phase = PHASE_EXIT;
	for (uint64_t i = 0; i < count; i++, address += sizeof(polled)) {
		if (!memory_read(to->call, PHASE_EXIT, address, &polled, sizeof(polled)))
			break;
		if (!polled.revents)
			continue;
		line_text(to->line, shown ? ", " : "");
		if (shown++ == limit) {
			line_text(to->line, "...");
			break;
		}
		print_struct(to, type, (struct place){ 0, address });
	}
	line_char(to->line, ']');
}

/* The time that was left, as far as the call tells. Returns whether there was something to tell. */
static bool add_left(struct printer *to, const char *before, uint64_t address, const struct type *type)
{
	enum phase phase = to->phase;

	if (address && !to->followed) {
		line_text(to->line, before);
		line_text(to->line, "left ");
		line_hex(to->line, address);
		return true;
	}
	to->phase = PHASE_EXIT;
	if (address && (!type || !is_readable(to, address, type->size)))
		address = 0;
	if (address) {
		line_text(to->line, before);
		line_text(to->line, "left ");
		print_struct(to, type, (struct place){ 0, address });
	}
	to->phase = phase;
	return address;
}

static void add_poll_result(struct printer *to, const struct type *type, struct place place, uint64_t timeout,
			    const struct type *timeout_type)
{
	line_signed(to->line, (int64_t)place.value);
	if ((int64_t)place.value == 0) {
		line_text(to->line, " (Timeout)");
		return;
	}
	if (!to->followed)
		return;
	line_text(to->line, " (");
	add_polled(to, type->of);
	add_left(to, ", ", timeout, timeout_type);
	line_char(to->line, ')');
}

void print_poll_result(struct printer *to, const struct type *type, struct place place)
{
	add_poll_result(to, type, place, 0, NULL);
}

void print_ppoll_result(struct printer *to, const struct type *type, struct place place)
{
	add_poll_result(to, type, place, to->call->entry->args[2], type_behind(to, 2));
}

void print_select_result(struct printer *to, const struct type *type, struct place place)
{
	static const char *const names[] = { "in ", "out ", "except " };
	const uint64_t *args = to->call->entry->args;
	const char *separator = " (";
	struct set set;

	line_signed(to->line, (int64_t)place.value);
	if ((int64_t)place.value == 0) {
		line_text(to->line, " (Timeout)");
		return;
	}
	for (unsigned i = 0; i < COUNT(names); i++) {
		static const unsigned char none[SET_MAX / 8];

		if (!args[i + 1] || !read_set(to, PHASE_EXIT, args[i + 1], &set) ||
		    memcmp(set.bits, none, set.count / 8 + (set.count % 8 != 0)) == 0)
			continue;
		line_text(to->line, separator);
		line_text(to->line, names[i]);
		separator = ", ";
		add_set(to, &set);
	}
	if (!add_left(to, separator, args[4], type->of) && *separator != ',')
		line_text(to->line, separator);
	line_char(to->line, ')');
}

void print_recvmmsg_result(struct printer *to, const struct type *type, struct place place)
{
	line_signed(to->line, (int64_t)place.value);
	if (to->followed && add_left(to, " (", to->call->entry->args[4], type->of))
		line_char(to->line, ')');
}

void print_epoll_data(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_add(to->line, "{u32=%u, u64=%llu}", (unsigned)place.value, (unsigned long long)place.value);
}
