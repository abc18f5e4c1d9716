#include "sites/unwind.h"

#include <errno.h>
#include <string.h>

/* DW_EH_PE_*, of the Linux Standard Base. */
enum {
	PE_ABSPTR = 0x00,
	PE_ULEB128 = 0x01,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SLEB128 = 0x09,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_FORMAT = 0x0f,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_APPLICATION = 0x70,
	PE_INDIRECT = 0x80,
	PE_OMIT = 0xff,
};

/* Bytes that are read in order. After a read past the end `wrong` is set, and all reads give 0. */
struct reader {
	const uint8_t *at, *end;
	uint64_t address; /* of `at`, in memory */
	uint64_t data; /* what PE_DATAREL is relative to */
	bool section;  /* `end` is the section's end: a terminator before it ends the part of one object file */
	bool wrong;
};

static bool take_bytes(struct reader *reader, void *to, size_t size)
{
	memset(to, 0, size);
	if (reader->wrong || (size_t)(reader->end - reader->at) < size) {
		reader->wrong = true;
		return false;
	}
	memcpy(to, reader->at, size);
	reader->at += size;
	reader->address += size;
	return true;
}

static void skip_bytes(struct reader *reader, uint64_t size)
{
	if (reader->wrong || (uint64_t)(reader->end - reader->at) < size) {
		reader->wrong = true;
		return;
	}
	reader->at += size;
	reader->address += size;
}

static uint8_t take_byte(struct reader *reader)
{
	uint8_t byte;

	take_bytes(reader, &byte, 1);
	return byte;
}

static uint64_t take_leb128(struct reader *reader, bool sign)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = take_byte(reader);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (shift > 70)
			reader->wrong = true;
	} while (byte & 0x80 && !reader->wrong);
	if (sign && byte & 0x40 && shift < 64)
		value |= ~0ul << shift;
	return value;
}

static uint64_t take_format(struct reader *reader, uint8_t encoding)
{
	int16_t two;
	int32_t four;
	uint64_t eight;

	switch (encoding & PE_FORMAT) {
	case PE_ULEB128:
		return take_leb128(reader, false);
	case PE_SLEB128:
		return take_leb128(reader, true);
	case PE_UDATA2:
	case PE_SDATA2:
		take_bytes(reader, &two, sizeof(two));
		return (encoding & PE_FORMAT) == PE_UDATA2 ? (uint16_t)two : (uint64_t)two;
	case PE_UDATA4:
	case PE_SDATA4:
		take_bytes(reader, &four, sizeof(four));
		return (encoding & PE_FORMAT) == PE_UDATA4 ? (uint32_t)four : (uint64_t)four;
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		take_bytes(reader, &eight, sizeof(eight));
		return eight;
	default:
		reader->wrong = true;
		return 0;
	}
}

/* An encoded pointer; 0 stays 0. */
static uint64_t take_pointer(struct reader *reader, uint8_t encoding)
{
	uint64_t here = reader->address, value;

	if (encoding == PE_OMIT)
		return 0;
	value = take_format(reader, encoding);
	if (!value)
		return 0;
	switch (encoding & PE_APPLICATION) {
	case PE_ABSPTR:
		return value;
	case PE_PCREL:
		return here + value;
	case PE_DATAREL:
		return reader->data + value;
	default:
		reader->wrong = true;
		return 0;
	}
}

struct cie {
	uint8_t pointers, lsda; /* encodings */
	bool augmented;
	bool signal_frame; /* its functions are said to begin before they do */
};

/* reader: behind the CIE's id. False: not understood. */
static bool read_cie(struct reader *reader, struct cie *cie)
{
	uint8_t version = take_byte(reader), augmentation[8] = { 0 };
	unsigned count = 0;

	*cie = (struct cie){ .pointers = PE_ABSPTR, .lsda = PE_OMIT };
	for (uint8_t c = take_byte(reader); c; c = take_byte(reader)) {
		if (count == sizeof(augmentation) - 1)
			return false;
		augmentation[count++] = c;
	}
	take_leb128(reader, false); /* code alignment */
	take_leb128(reader, true);  /* data alignment */
	if (version == 1)
		take_byte(reader);
	else
		take_leb128(reader, false); /* return address register */
	if (count && augmentation[0] != 'z')
		return false;
	cie->augmented = count;
	if (count)
		take_leb128(reader, false);
	for (unsigned i = 1; i < count; i++) {
		if (augmentation[i] == 'R')
			cie->pointers = take_byte(reader);
		else if (augmentation[i] == 'L')
			cie->lsda = take_byte(reader);
		else if (augmentation[i] == 'P')
			take_format(reader, take_byte(reader));
		else if (augmentation[i] == 'S')
			cie->signal_frame = true;
		else if (augmentation[i] != 'B')
			return false;
	}
	return !reader->wrong;
}

/* Reads the next entry of .eh_frame; function->end is 0 for an entry without a function. False at the end. */
static bool read_entry(const struct reader *all, struct reader *next, struct unwind_function *function)
{
	struct reader entry = *next, cie_reader = *all;
	uint32_t size, id;
	uint64_t distance, id_address;
	uint8_t lsda_encoding;
	struct cie cie;

	function->end = 0;
	take_bytes(&entry, &size, sizeof(size));
	if (entry.wrong)
		return false;
	*next = entry;
	if (!size)
		return all->section;
	if (size == 0xffffffff) /* 64-bit DWARF; nobody writes it */
		return false;
	skip_bytes(next, size);
	if (next->wrong)
		return false;
	entry.end = next->at;
	id_address = entry.address;
	take_bytes(&entry, &id, sizeof(id));
	if (entry.wrong || !id)
		return true;
	distance = id_address - id - all->address;
	if (distance > (uint64_t)(all->end - all->at))
		return true;
	skip_bytes(&cie_reader, distance);
	take_bytes(&cie_reader, &size, sizeof(size));
	if (cie_reader.wrong || size > (size_t)(cie_reader.end - cie_reader.at))
		return true;
	cie_reader.end = cie_reader.at + size;
	take_bytes(&cie_reader, &id, sizeof(id));
	if (id || !read_cie(&cie_reader, &cie) || cie.signal_frame)
		return true;
	function->start = take_pointer(&entry, cie.pointers);
	distance = take_format(&entry, cie.pointers & PE_FORMAT);
	function->lsda = 0;
	if (cie.augmented) {
		take_leb128(&entry, false);
		lsda_encoding = cie.lsda;
		function->lsda = lsda_encoding & PE_INDIRECT ? 0 : take_pointer(&entry, lsda_encoding);
	}
	if (!entry.wrong && !(cie.pointers & PE_INDIRECT) && function->start &&
	    distance <= UINT64_MAX - function->start)
		function->end = function->start + distance;
	return true;
}

/* Finds .eh_frame: its section, or from where its index points to the end of the segment. */
static bool find_eh_frame(const struct elf_file *elf, struct reader *reader)
{
	struct reader header = { 0 };
	const struct elf_file_segment *segment;
	const struct elf_file_section *section = &elf->eh_frame;
	uint8_t encoding;
	uint64_t address;

	*reader = (struct reader){ .data = elf->eh_frame_hdr.address, .section = section->size };
	if (section->size) {
		reader->at = elf->bytes + section->offset;
		reader->end = reader->at + section->size;
		reader->address = section->address;
		return true;
	}
	section = &elf->eh_frame_hdr;
	header.at = section->size >= 4 ? elf_file_at(elf, section->address, section->size) : NULL;
	if (!header.at)
		return false;
	header.end = header.at + section->size;
	header.address = header.data = section->address;
	take_byte(&header); /* version */
	encoding = take_byte(&header);
	skip_bytes(&header, 2);
	address = take_pointer(&header, encoding);
	segment = elf_file_segment(elf, address);
	if (header.wrong || !segment || encoding & PE_INDIRECT)
		return false;
	reader->at = elf->bytes + segment->offset + (address - segment->address);
	reader->end = elf->bytes + segment->offset + segment->size;
	reader->address = address;
	return true;
}

long unwind_read(const struct elf_file *elf, unwind_functions *to)
{
	struct unwind_function function;
	struct reader all, next;

	if (!find_eh_frame(elf, &all))
		return 0;
	next = all;
	while (read_entry(&all, &next, &function))
		if (function.end > function.start && !array_push(to, function))
			return -ENOMEM;
	return 0;
}

long unwind_landing_pads(const struct elf_file *elf, const struct unwind_function *function, uint64_t *budget,
			 unwind_pad_fn *see, void *context)
{
	const struct elf_file_segment *segment = elf_file_segment(elf, function->lsda);
	struct reader reader = { 0 };
	uint64_t start = function->start, size;
	uint8_t encoding;

	if (!function->lsda)
		return 0;
	if (!segment)
		return -E2BIG;
	reader.at = elf->bytes + segment->offset + (function->lsda - segment->address);
	reader.end = elf->bytes + segment->offset + segment->size;
	reader.address = function->lsda;
	encoding = take_byte(&reader);
	if (encoding != PE_OMIT)
		start = take_pointer(&reader, encoding);
	if (take_byte(&reader) != PE_OMIT)
		take_leb128(&reader, false);
	encoding = take_byte(&reader);
	size = take_leb128(&reader, false);
	if (reader.wrong || size > (uint64_t)(reader.end - reader.at))
		return -E2BIG;
	reader.end = reader.at + size;
	while (reader.at < reader.end) {
		uint64_t pad;

		if (!*budget)
			return -E2BIG;
		--*budget;
		take_format(&reader, encoding); /* where the calls start */
		take_format(&reader, encoding); /* and how long they are */
		pad = take_format(&reader, encoding);
		take_leb128(&reader, false); /* action */
		if (reader.wrong)
			return -E2BIG;
		if (pad && !see(context, start + pad))
			return 0;
	}
	return 0;
}
