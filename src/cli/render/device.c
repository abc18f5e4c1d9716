/*
 * Requests to devices.
 */
#include <linux/ioctl.h>
#include <stdio.h>
#include <string.h>

#include "cli/render/printer.h"

/* What a request without a name of its own is called: by one with a size, or by its parts. */
static void compose_name(char *text, size_t size, const struct type *sized, unsigned request)
{
	static const char *const directions[] = { "_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE" };
	const char *name = constant_name(sized, request & ~IOCSIZE_MASK);

	if (name)
		snprintf(text, size, strchr(name, '(') ? "%s %u)" : "%s(%u)", name, _IOC_SIZE(request));
	else
		snprintf(text, size, "_IOC(%s, %#x, %#x, %#x)", directions[_IOC_DIR(request)], _IOC_TYPE(request),
			 _IOC_NR(request), _IOC_SIZE(request));
}

void print_ioctl_request(struct printer *to, const struct type *type, struct place place)
{
	const struct field *names = type->of->members;
	unsigned request = (unsigned)place.value;
	char number[16], name[80];

	if (constant_name(names[0].type, request) || to->options->constants == CONSTANTS_RAW) {
		print_enumerator(to, names[0].type, place);
		return;
	}
	snprintf(number, sizeof(number), "%#x", request);
	compose_name(name, sizeof(name), names[1].type, request);
	print_named(to, number, name);
}

/* How exact the address of a performance event is to be: two bits of its flags. */
void print_perf_precision(struct printer *to, const struct type *type, struct place place)
{
	static const char *const names[] = { "arbitrary skid", "constant skid", "requested to have 0 skid",
					     "must have 0 skid" };
	unsigned precision = place.value >> 15 & 3;

	(void)type;
	line_add(to->line, "%u /* %s */", precision, names[precision]);
}

/* What keys of a terminal mean, by index. */
void print_control_characters(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	unsigned char keys[64];

	if (count > sizeof(keys) || !memory_read(to->call, to->phase, place.address, keys, count)) {
		line_hex(to->line, place.address);
		return;
	}
	line_char(to->line, '[');
	for (unsigned i = 0; i < count; i++) {
		const char *name = constant_name(type->of, i);

		line_text(to->line, i ? ", [" : "[");
		if (name)
			line_text(to->line, name);
		else
			line_unsigned(to->line, i);
		line_text(to->line, "]=");
		line_hex(to->line, keys[i]);
	}
	line_char(to->line, ']');
}

/* What is asked of quotas: a command, and whose quotas. */
void print_quota_request(struct printer *to, const struct type *type, struct place place)
{
	const struct field *names = type->of->members;
	enum render_constants how = to->options->constants;

	if (how != CONSTANTS_ABBREV)
		line_unsigned(to->line, place.value);
	if (how == CONSTANTS_RAW)
		return;
	line_text(to->line, how == CONSTANTS_VERBOSE ? " /* QCMD(" : "QCMD(");
	print_by_name(to, names[0].type, (struct place){ (uint32_t)place.value >> 8, 0 });
	line_text(to->line, ", ");
	print_by_name(to, names[1].type, (struct place){ place.value & 0xff, 0 });
	line_text(to->line, how == CONSTANTS_VERBOSE ? ") */" : ")");
}
