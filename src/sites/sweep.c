/*
 * One pass over all instructions: functions from begin to end, and what lies between them.
 */
#include <errno.h>
#include <string.h>

#include "sites/code.h"

struct position {
	struct code *code;
	const struct code_text *text;
	uint32_t function; /* index, or CODE_NO_FUNCTION */
	uint64_t recent[CODE_RECENT]; /* where the last instructions start */
	uint64_t decoded;  /* instructions since the last byte that did not decode */
};

/* Notes the windows that a site may have. */
static void note_windows(const struct position *at, struct code_site *site)
{
	for (unsigned n = 1; n <= at->decoded && n <= CODE_RECENT; n++)
		site->recent[site->recent_count++] =
			(uint8_t)(site->address - at->recent[(at->decoded - n) % CODE_RECENT]);
}

static void add_site(struct position *at, uint64_t address, const ZydisDecodedInstruction *instruction)
{
	struct code *code = at->code;
	const struct code_text *text = at->text;
	struct code_site site = { .address = address + instruction->length - 2u, .function = at->function };
	struct code_function *function;

	/* Outside of functions it is data, most likely; if not, a program will be seen to call it. */
	if (at->function == CODE_NO_FUNCTION)
		return;
	site.site.offset = (uint64_t)(text->bytes - code->elf->bytes) + (site.address - text->address);
	site.site.nr = -1;
	code_no_plan(&site.site);
	function = &code->functions.at[at->function];
	site.site.function_before = (uint32_t)(site.address - function->start);
	site.site.function_size = (uint32_t)(function->padded - function->start);
	function->has_sites = true;
	/* A `syscall` with a prefix counts as another instruction. */
	site.site.reason = instruction->length == 2 ? STORE_PLANNED : STORE_NOT_SYSCALL;
	note_windows(at, &site);
	if (!array_push(&code->sites, site))
		code->no_memory = true;
}

static void add_reference(struct position *at, uint64_t address)
{
	struct code *code = at->code;

	code_fact(code, address, STORE_ADDRESS_TAKEN);
	if (at->function == CODE_NO_FUNCTION)
		return;
	if (!array_push(&code->references, address))
		code->no_memory = true;
	code->functions.at[at->function].reference_count++;
}

static void add_branch(struct position *at, uint64_t target)
{
	struct code *code = at->code;
	const struct code_function *function;

	code_fact(code, target, STORE_BRANCH_TARGET);
	/* Bytes between functions are not known to be code. Branches within a function are followed later. */
	if (at->function == CODE_NO_FUNCTION)
		return;
	function = &code->functions.at[at->function];
	if (target - function->start >= function->end - function->start)
		code_entry(code, target);
}

/* Notes the addresses that an instruction leads or refers to. next: the address behind the instruction. */
static void note_addresses(struct position *at, const ZydisDecodedInstruction *instruction, uint64_t next)
{
	struct code *code = at->code;
	bool has_modrm = instruction->attributes & ZYDIS_ATTRIB_HAS_MODRM;

	for (int i = 0; i < 2; i++) {
		if (instruction->raw.imm[i].size < 8)
			continue;
		if (instruction->raw.imm[i].is_relative)
			add_branch(at, next + instruction->raw.imm[i].value.u);
		else if (code->elf->fixed && instruction->raw.imm[i].size >= 32)
			add_reference(at, instruction->raw.imm[i].value.u &
						  (instruction->raw.imm[i].size == 32 ? UINT32_MAX : UINT64_MAX));
	}
	if (!has_modrm)
		return;
	if (instruction->raw.modrm.mod == 0 && instruction->raw.modrm.rm == 5) {
		if (code_is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0x8d)) /* lea */
			add_reference(at, next + (uint64_t)instruction->raw.disp.value);
	} else if (code->elf->fixed && instruction->raw.disp.size == 32) {
		add_reference(at, (uint64_t)instruction->raw.disp.value);
	}
	/* jmp *%reg */
	if (code_is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0xff) && instruction->raw.modrm.reg == 4 &&
	    at->function != CODE_NO_FUNCTION) {
		struct code_function *function = &code->functions.at[at->function];

		/* The target of a jump through a fixed slot is what the slot has. */
		if (instruction->raw.modrm.mod != 0 || instruction->raw.modrm.rm != 5)
			function->has_jumps = true;
	}
}

/* Decodes a range of addresses. False when something in it does not decode. */
static bool decode_range(struct position *at, uint64_t start, uint64_t end)
{
	const struct code_text *text = at->text;
	bool whole = true;

	at->decoded = 0;
	while (start < end && !at->code->no_memory) {
		ZydisDecodedInstruction instruction;

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&at->code->quick, NULL,
								text->bytes + (start - text->address), end - start,
								&instruction))) {
			whole = false;
			at->decoded = 0;
			start++;
			continue;
		}
		note_addresses(at, &instruction, start + instruction.length);
		if (code_is_opcode(&instruction, ZYDIS_OPCODE_MAP_0F, 0x05))
			add_site(at, start, &instruction);
		at->recent[at->decoded++ % CODE_RECENT] = start;
		start += instruction.length;
	}
	return whole;
}

bool code_has_sites(const struct code *code)
{
	for (size_t i = 0; i < code->functions.count; i++) {
		const struct code_function *function = &code->functions.at[i];
		const struct code_text *text = code_text(code, function->start);

		for (uint64_t at = function->start; function->may_have_sites && at < function->end;) {
			ZydisDecodedInstruction instruction;
			bool decoded = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&code->quick, NULL,
										  text->bytes + (at - text->address),
										  function->end - at, &instruction));

			if (decoded && code_is_opcode(&instruction, ZYDIS_OPCODE_MAP_0F, 0x05))
				return true;
			at += decoded ? instruction.length : 1;
		}
	}
	return false;
}

long code_sweep(struct code *code)
{
	size_t next = 0;

	for (uint32_t i = 0; i < code->text_count; i++) {
		const struct code_text *text = &code->texts[i];
		struct position at = { .code = code, .text = text };
		uint64_t address = text->address, end = text->address + text->size;

		while (next < code->functions.count && code->functions.at[next].start < end) {
			struct code_function *function = &code->functions.at[next];

			at.function = CODE_NO_FUNCTION;
			decode_range(&at, address, function->start);
			at.function = (uint32_t)next++;
			function->references = (uint32_t)code->references.count;
			function->broken = !decode_range(&at, function->start, function->end);
			address = function->end;
		}
		at.function = CODE_NO_FUNCTION;
		decode_range(&at, address, end);
	}
	return code->no_memory ? -ENOMEM : 0;
}
