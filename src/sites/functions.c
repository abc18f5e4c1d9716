/*
 * Where functions begin and end, and what is known of addresses from outside the code: symbols, Go's table,
 * relocations, words of data, landing pads.
 */
#include <errno.h>
#include <string.h>

#include "core/search.h"
#include "sites/code.h"
#include "sites/go_functions.h"
#include "sites/unwind.h"

struct range {
	uint64_t start, end;
	bool symbol; /* from a symbol, or from Go's table; otherwise from .eh_frame, which is believed more */
};

#define MAX_PADDING 63u
#define INT3 0xcc

static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

struct gathering {
	struct code *code;
	ARRAY(struct range) ranges;
};

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->symbol != y->symbol)
		return x->symbol ? 1 : -1;
	return x->end > y->end ? -1 : x->end < y->end;
}

static bool see_symbol(void *context, const Elf64_Sym *symbol)
{
	struct gathering *to = context;
	unsigned type = ELF64_ST_TYPE(symbol->st_info);
	struct range range = { symbol->st_value, symbol->st_value + symbol->st_size, true };

	if (symbol->st_size && (type == STT_FUNC || type == STT_GNU_IFUNC) && range.end > range.start &&
	    !array_push(&to->ranges, range))
		to->code->no_memory = true;
	return !to->code->no_memory;
}

/* As a symbol would have it: without what fills up to the next function. */
static bool see_go_function(void *context, uint64_t start, uint64_t end)
{
	struct gathering *to = context;
	const struct code_text *text = code_text(to->code, start);
	struct range range = { start, end, true };

	while (text && range.end > start && text->bytes[range.end - 1 - text->address] == INT3)
		range.end--;
	if (text && range.end > start && !array_push(&to->ranges, range))
		to->code->no_memory = true;
	return !to->code->no_memory;
}

static bool see_label(void *context, const Elf64_Sym *symbol)
{
	struct code *code = context;
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	code_fact(code, symbol->st_value, STORE_ADDRESS_TAKEN);
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		code_entry(code, symbol->st_value);
	return !code->no_memory;
}

/* Notes an address that is kept somewhere. It may be the address of data in a function, unless an `endbr64` is
 * there. */
static void see_address(struct code *code, uint64_t address)
{
	const struct code_text *text = code_text(code, address);

	code_fact(code, address, STORE_ADDRESS_TAKEN);
	if (text && text->size - (address - text->address) >= sizeof(endbr64) &&
	    memcmp(text->bytes + (address - text->address), endbr64, sizeof(endbr64)) == 0)
		code_entry(code, address);
}

static bool see_value(void *context, uint64_t value)
{
	struct code *code = context;

	see_address(code, value);
	return !code->no_memory;
}

static bool see_pad(void *context, uint64_t address)
{
	struct code *code = context;

	code_fact(code, address, STORE_LANDING_PAD);
	code_entry(code, address);
	return !code->no_memory;
}

/* Notes each word of data that is an address of code. Only for a file that is not moved: in others, relocations make
 * such words. */
static void see_words(struct code *code)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (uint32_t i = 0; i < code->text_count; i++) {
		const struct code_text *text = &code->texts[i];

		low = text->address < low ? text->address : low;
		high = text->address + text->size > high ? text->address + text->size : high;
	}
	for (uint32_t i = 0; i < code->elf->segment_count; i++) {
		const struct elf_file_segment *segment = &code->elf->segments[i];
		const uint8_t *bytes = code->elf->bytes + segment->offset;

		for (uint64_t at = -segment->address & 7; at < segment->size && segment->size - at >= 8; at += 8) {
			uint64_t word;

			memcpy(&word, bytes + at, sizeof(word));
			if (word - low < high - low)
				see_address(code, word);
		}
	}
}

static int by_function(const void *a, const void *b)
{
	const struct code_function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool is_function(const struct code *code, const struct range *range)
{
	const struct code_text *text = code_text(code, range->start);

	return text && range->end - text->address <= text->size && range->end - range->start <= UINT32_MAX;
}

/* Clips a symbol's range at the functions that are known: what remains follows the function that the range begins in. A
 * function that begins with the range becomes longer instead, as unwind information ends in front of system calls that
 * return on another stack. */
static void clip_range(const struct code *code, size_t known, struct range *range)
{
	struct code_function *functions = code->functions.at;
	uint64_t start = range->start;
	size_t next = core_lower_bound(known, i, functions[i].end <= start);

	if (next < known && functions[next].start <= start)
		range->start = functions[next++].end;
	if (next < known && functions[next].start < range->end)
		range->end = functions[next].start;
	if (next && functions[next - 1].start == start && functions[next - 1].end < range->end)
		functions[next - 1].end = range->start = range->end;
}

/* Makes functions of the sorted ranges: each address is in one at most. */
static long join_ranges(struct code *code, const struct gathering *from)
{
	size_t known = 0;

	for (int symbols = 0; symbols < 2; symbols++) {
		for (size_t i = 0; i < from->ranges.count; i++) {
			struct range range = from->ranges.at[i];
			struct code_function function = { 0 }, *last;

			if (range.symbol != symbols || !is_function(code, &range))
				continue;
			if (symbols)
				clip_range(code, known, &range);
			last = code->functions.count > (symbols ? known : 0)
				       ? &code->functions.at[code->functions.count - 1]
				       : NULL;
			/* The largest of those that begin together came first. */
			if (range.start >= range.end || (last && last->start >= range.start))
				continue;
			if (last && last->end > range.start)
				last->end = range.start;
			function.start = range.start;
			function.end = range.end;
			if (!array_push(&code->functions, function))
				return -ENOMEM;
		}
		if (!symbols)
			known = code->functions.count;
	}
	if (code->functions.count)
		qsort(code->functions.at, code->functions.count, sizeof(*code->functions.at), by_function);
	return 0;
}

/* Finds the padding behind each function, up to the next one. */
static void find_padding(struct code *code)
{
	for (size_t i = 0; i < code->functions.count; i++) {
		struct code_function *function = &code->functions.at[i];
		const struct code_text *text = code_text(code, function->start);
		uint64_t end = text->address + text->size, at = function->end;
		ZydisDecodedInstruction instruction;

		if (i + 1 < code->functions.count && code->functions.at[i + 1].start < end)
			end = code->functions.at[i + 1].start;
		while (at < end && end - function->end <= MAX_PADDING &&
		       ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&code->quick, NULL,
								  text->bytes + (at - text->address), end - at,
								  &instruction)) &&
		       code_is_padding(&instruction))
			at += instruction.length;
		function->padded = at == end ? end : function->end;
	}
}

static long find_landing_pads(struct code *code, const struct unwind_function *functions, size_t count)
{
	uint64_t budget = (1u << 20) + code->elf->size;

	for (size_t i = 0; i < count; i++) {
		struct code_function *function;

		if (unwind_landing_pads(code->elf, &functions[i], &budget, see_pad, code) == 0)
			continue;
		if (!budget)
			return -E2BIG;
		function = code_function(code, functions[i].start);
		if (function)
			function->unknown_pads = true;
	}
	return 0;
}

long code_find_functions(struct code *code)
{
	struct gathering gathering = { .code = code };
	unwind_functions unwound = { 0 };
	long r = unwind_read(code->elf, &unwound);

	for (size_t i = 0; r == 0 && i < unwound.count; i++) {
		struct range range = { unwound.at[i].start, unwound.at[i].end, false };

		if (!array_push(&gathering.ranges, range))
			r = -ENOMEM;
	}
	if (r == 0) {
		elf_file_symbols(code->elf, see_symbol, &gathering);
		go_functions(code->elf, see_go_function, &gathering);
		if (gathering.ranges.count)
			qsort(gathering.ranges.at, gathering.ranges.count, sizeof(*gathering.ranges.at), by_start);
		r = join_ranges(code, &gathering);
	}
	if (r == 0) {
		find_padding(code);
		code_mark_functions(code);
		elf_file_symbols(code->elf, see_label, code);
		elf_file_relocations(code->elf, see_value, code);
		code_fact(code, code->elf->entry, STORE_ADDRESS_TAKEN);
		code_entry(code, code->elf->entry);
		if (code->elf->fixed)
			see_words(code);
		r = find_landing_pads(code, unwound.at, unwound.count);
	}
	free(gathering.ranges.at);
	free(unwound.at);
	return r == 0 && code->no_memory ? -ENOMEM : r;
}
