/*
 * Control flow: which instructions of a function are known to run. From the function's begin, and from the other
 * addresses where it is known to be entered, each instruction leads to the next one, unless it is an unconditional
 * jump or the like, and to the target of its branch. Bytes that control flow does not come to may be data, even if
 * they decode.
 */
#include <errno.h>

#include "core/search.h"
#include "sites/code.h"

#define PADDED 8u /* what padding aligns to, at least */

struct flow {
	const struct code *code;
	const struct code_function *function;
	const uint8_t *bytes; /* of the function */
	uint8_t *seen;        /* a bit for each byte: an instruction that runs begins there */
	ARRAY(uint64_t) todo;
};

static bool is_seen(const struct flow *flow, uint64_t address)
{
	uint64_t i = address - flow->function->start;

	return flow->seen[i / 8] & 1u << i % 8;
}

/* Marks an address of the function, whose instruction is followed later. False: out of memory. */
static bool visit_address(struct flow *flow, uint64_t address)
{
	uint64_t i = address - flow->function->start;

	if (i >= flow->function->end - flow->function->start || is_seen(flow, address))
		return true;
	flow->seen[i / 8] |= (uint8_t)(1u << i % 8);
	return array_push(&flow->todo, address);
}

/* Whether control flow does not go on behind an instruction. Behind a call it does: one that never returns does not
 * show. */
static bool is_end(const ZydisDecodedInstruction *instruction)
{
	static const struct {
		ZydisOpcodeMap map;
		uint8_t opcode;
	} ends[] = {
		{ ZYDIS_OPCODE_MAP_DEFAULT, 0xe9 }, { ZYDIS_OPCODE_MAP_DEFAULT, 0xeb }, /* jmp */
		{ ZYDIS_OPCODE_MAP_DEFAULT, 0xc2 }, { ZYDIS_OPCODE_MAP_DEFAULT, 0xc3 }, /* ret */
		{ ZYDIS_OPCODE_MAP_DEFAULT, 0xca }, { ZYDIS_OPCODE_MAP_DEFAULT, 0xcb },
		{ ZYDIS_OPCODE_MAP_DEFAULT, 0xcf }, { ZYDIS_OPCODE_MAP_DEFAULT, 0xf4 }, /* iret, hlt */
		{ ZYDIS_OPCODE_MAP_0F, 0x07 }, { ZYDIS_OPCODE_MAP_0F, 0x35 },           /* sysret, sysexit */
		{ ZYDIS_OPCODE_MAP_0F, 0x0b }, { ZYDIS_OPCODE_MAP_0F, 0xb9 }, { ZYDIS_OPCODE_MAP_0F, 0xff }, /* ud */
	};

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (code_is_opcode(instruction, ends[i].map, ends[i].opcode))
			return true;
	return code_is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0xff) && (instruction->raw.modrm.reg & 6) == 4;
}

/* Visits the addresses that an instruction leads to. False: out of memory. */
static bool follow_instruction(struct flow *flow, uint64_t address)
{
	const struct code_function *function = flow->function;
	ZydisDecodedInstruction instruction;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&flow->code->quick, NULL,
							flow->bytes + (address - function->start),
							function->end - address, &instruction)))
		return true;
	address += instruction.length;
	for (int i = 0; i < 2; i++)
		if (instruction.raw.imm[i].size >= 8 && instruction.raw.imm[i].is_relative &&
		    !visit_address(flow, address + instruction.raw.imm[i].value.u))
			return false;
	return is_end(&instruction) || visit_address(flow, address);
}

static bool follow_entries(struct flow *flow)
{
	const struct code *code = flow->code;
	const struct code_function *function = flow->function;
	size_t entry = core_lower_bound(code->entries.count, i, code->entries.at[i] < function->start);

	if (!visit_address(flow, function->start))
		return false;
	for (; entry < code->entries.count && code->entries.at[entry] < function->end; entry++)
		if (!visit_address(flow, code->entries.at[entry]))
			return false;
	while (flow->todo.count)
		if (!follow_instruction(flow, flow->todo.at[--flow->todo.count]))
			return false;
	return true;
}

/* Finds the padding of a function: behind an instruction that control flow does not go on from, up to an aligned
 * address. What control flow does not come to may be data, but not if it looks like that. False: out of memory. */
static bool find_padding(struct code *code, const struct flow *flow)
{
	const struct code_function *function = flow->function;
	uint64_t at = function->start, start = 0;
	bool ended = false;

	while (at <= function->padded) {
		uint64_t end = at < function->end ? function->end : function->padded;
		bool seen = at < function->end && is_seen(flow, at);
		ZydisDecodedInstruction instruction;
		bool decoded = at < end && ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
						   &code->quick, NULL, flow->bytes + (at - function->start), end - at,
						   &instruction));

		if (decoded && ended && !seen && code_is_padding(&instruction)) {
			start = start ? start : at;
		} else {
			struct code_padding padding = { start, at, (uint32_t)(function - code->functions.at) };

			if (start && at % PADDED == 0 && !array_push(&code->paddings, padding))
				return false;
			start = 0;
			ended = decoded && seen && is_end(&instruction);
		}
		at += decoded ? instruction.length : 1;
	}
	return true;
}

/* Follows a function, and finds out which of its sites are reached. The sites are sorted by address; those of the
 * function begin at *next, which becomes the index behind them. */
static long follow_function(struct code *code, uint32_t index, size_t *next)
{
	const struct code_function *function = &code->functions.at[index];
	const struct code_text *text = code_text(code, function->start);
	struct flow flow = { .code = code,
			     .function = function,
			     .bytes = text->bytes + (function->start - text->address),
			     .seen = calloc((function->end - function->start) / 8 + 1, 1) };
	bool whole = flow.seen && follow_entries(&flow) && find_padding(code, &flow);

	for (; *next < code->sites.count && code->sites.at[*next].function == index; ++*next) {
		struct code_site *site = &code->sites.at[*next];

		for (unsigned i = 0; whole && i < site->recent_count; i++)
			if (is_seen(&flow, site->address - site->recent[i]))
				site->reached |= (uint8_t)(1u << i);
	}
	free(flow.seen);
	free(flow.todo.at);
	return whole ? 0 : -ENOMEM;
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

long code_reach(struct code *code)
{
	long r = 0;

	if (code->entries.count)
		qsort(code->entries.at, code->entries.count, sizeof(*code->entries.at), by_address);
	for (size_t next = 0; r == 0 && next < code->sites.count;)
		r = follow_function(code, code->sites.at[next].function, &next);
	return r;
}
