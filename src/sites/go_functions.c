#include "sites/go_functions.h"

#include <string.h>

/* The first bytes of the table, of several versions of Go; what follows depends on them. */
#define GO_1_2 0xfffffffbu
#define GO_1_16 0xfffffffau
#define GO_1_18 0xfffffff0u
#define GO_1_20 0xfffffff1u

#define POINTER 8u
#define HEADER 8u /* the magic number, two zeros, the least size of an instruction, and that of a pointer */

/* Where functions begin, and with them something else: pairs of numbers, and at the end a number alone, where the last
 * function ends. */
struct table {
	const uint8_t *entries;
	uint64_t count;
	uint64_t base; /* to which the numbers are to be added */
	unsigned size; /* of a number */
};

static uint64_t number_at(const uint8_t *at, unsigned size)
{
	uint64_t number = 0;

	memcpy(&number, at, size); /* x86 is little-endian */
	return number;
}

/* The index-th number of those behind the header; *whole becomes false if there is none. */
static uint64_t field(const uint8_t *bytes, uint64_t size, unsigned index, bool *whole)
{
	uint64_t at = HEADER + index * (uint64_t)POINTER;

	*whole = *whole && size >= at + POINTER;
	return *whole ? number_at(bytes + at, POINTER) : 0;
}

static bool find_table(const uint8_t *bytes, uint64_t size, struct table *table)
{
	static const uint8_t rest[] = { 0, 0, 1, POINTER };
	uint32_t magic = size < HEADER ? 0 : (uint32_t)number_at(bytes, sizeof(magic));
	uint64_t at, entry;
	bool whole = true;

	if (!magic || memcmp(bytes + sizeof(magic), rest, sizeof(rest)) != 0)
		return false;
	table->count = field(bytes, size, 0, &whole);
	table->base = 0;
	table->size = POINTER;
	switch (magic) {
	case GO_1_2:
		at = HEADER + POINTER;
		break;
	case GO_1_16:
		at = field(bytes, size, 6, &whole);
		break;
	case GO_1_18:
	case GO_1_20:
		table->base = field(bytes, size, 2, &whole);
		table->size = sizeof(uint32_t);
		at = field(bytes, size, 7, &whole);
		break;
	default:
		return false;
	}
	/* The linker of another language leaves the base of a program that is moved to a relocation. */
	if (!whole || (table->size < POINTER && !table->base))
		return false;
	entry = 2ul * table->size;
	if (at > size || size - at < table->size || table->count > (size - at - table->size) / entry)
		return false;
	table->entries = bytes + at;
	return true;
}

static uint64_t begin_of(const struct table *table, uint64_t index)
{
	return table->base + number_at(table->entries + index * 2 * table->size, table->size);
}

/* Whether all functions lie in one text, one behind the other. */
static bool is_sound(const struct elf_file *elf, const struct table *table)
{
	uint64_t start = begin_of(table, 0), end = begin_of(table, table->count);
	const struct elf_file_segment *segment = elf_file_segment(elf, start);

	if (!elf_file_is_text(segment) || end < start || end - segment->address > segment->size)
		return false;
	for (uint64_t i = 0; i < table->count; i++)
		if (begin_of(table, i) > begin_of(table, i + 1))
			return false;
	return true;
}

void go_functions(const struct elf_file *elf, go_function_fn *see, void *context)
{
	struct elf_file_section section;
	struct table table;

	if ((!elf_file_find_section(elf, ".gopclntab", &section) &&
	     !elf_file_find_section(elf, ".data.rel.ro.gopclntab", &section)) ||
	    !find_table(elf->bytes + section.offset, section.size, &table) || !table.count || !is_sound(elf, &table))
		return;
	for (uint64_t i = 0; i < table.count; i++)
		if (!see(context, begin_of(&table, i), begin_of(&table, i + 1)))
			return;
}
