/*
 * Instructions of classic BPF, as they are written in C.
 */
#include <linux/filter.h>
#include <stdio.h>

#include "cli/render/printer.h"

/* A jump says where to go on, too. */
void print_filter_instruction(struct printer *to, const struct type *type, struct place place)
{
	const struct field *fields = type->of->members; /* those of struct sock_filter, in its order */
	uint64_t base = to->base;
	struct sock_filter code;

	if (!memory_read(to->call, to->phase, place.address, &code, sizeof(code)))
		return;
	to->base = place.address;
	line_text(to->line, code.jt || code.jf ? "BPF_JUMP(" : "BPF_STMT(");
	print_at(to, fields[0].type, place.address + fields[0].offset, fields[0].size);
	line_text(to->line, ", ");
	if (code.jt || code.jf) {
		line_hex(to->line, code.k);
		line_text(to->line, ", ");
		line_hex(to->line, code.jt);
		line_text(to->line, ", ");
		line_hex(to->line, code.jf);
	} else {
		print_at(to, fields[3].type, place.address + fields[3].offset, fields[3].size);
	}
	line_char(to->line, ')');
	to->base = base;
}

/* Where a packet's byte is that is loaded. From some offset on it is no byte of the packet itself. */
void print_filter_offset(struct printer *to, const struct type *type, struct place place)
{
	static const struct {
		uint32_t begin;
		const char *name;
	} areas[] = {
		{ (uint32_t)SKF_AD_OFF, "SKF_AD_OFF" },
		{ (uint32_t)SKF_NET_OFF, "SKF_NET_OFF" },
		{ (uint32_t)SKF_LL_OFF, "SKF_LL_OFF" },
	};
	uint32_t offset = (uint32_t)place.value;
	char number[16];
	size_t i = 0;

	while (i < COUNT(areas) && offset < areas[i].begin)
		i++;
	if (i == COUNT(areas)) {
		line_hex(to->line, offset);
		return;
	}
	snprintf(number, sizeof(number), "%#x", areas[i].begin);
	print_named(to, number, areas[i].name);
	line_char(to->line, '+');
	if (i == 0)
		print_enumerator(to, type->of, (struct place){ offset - areas[i].begin, 0 });
	else
		line_unsigned(to->line, offset - areas[i].begin);
}
