/*
 * Indirect jumps. What they jump to is an address that somebody keeps as a pointer, which is looked at elsewhere, or
 * one that is made of a table's address and an offset from the table.
 */
#include <errno.h>
#include <string.h>

#include "sites/code.h"

struct tables {
	struct code *code;
	uint64_t *references; /* sorted: where one table ends another may begin */
	size_t reference_count;
	uint64_t budget; /* entries */
};

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The first reference behind an address. */
static uint64_t next_reference(const struct tables *tables, uint64_t address)
{
	size_t low = 0, high = tables->reference_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tables->references[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < tables->reference_count ? tables->references[low] : UINT64_MAX;
}

/* Reads a table: offsets from it of `size` 4, or addresses of `size` 8. Its entries lead into the function, or up to
 * the next thing that code refers to, into any code. Returns how many there are. */
static uint64_t read_table(struct tables *tables, const struct code_function *function, uint64_t table, unsigned size)
{
	struct code *code = tables->code;
	const struct elffile_segment *segment = elffile_segment(code->elf, table);
	uint64_t limit = next_reference(tables, table), count = 0;

	for (uint64_t at = table; segment && segment->size - (at - segment->address) >= size; at += size) {
		const uint8_t *bytes = code->elf->bytes + segment->offset + (at - segment->address);
		uint64_t target = 0;
		int32_t distance;

		if (!tables->budget)
			break;
		tables->budget--;
		if (size == 8) {
			memcpy(&target, bytes, sizeof(target));
		} else {
			memcpy(&distance, bytes, sizeof(distance));
			target = table + (uint64_t)distance;
		}
		if (target - function->start >= function->end - function->start && (at >= limit || !code_text(code, target)))
			break;
		code_fact(code, target, STORE_JUMP_TABLE);
		count++;
	}
	return count;
}

/* Whether a register was last given a pointer, as a call of a function given by one is made, not a sum. */
struct registers {
	uint32_t sums; /* bits */
};

static uint32_t bit(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	return ZydisRegisterGetClass(whole) == ZYDIS_REGCLASS_GPR64 ? 1u << ZydisRegisterGetId(whole) : 0;
}

static void follow(struct registers *registers, const ZydisDecodedInstruction *instruction,
		   const ZydisDecodedOperand *operands)
{
	/* Pointers are mangled by a rotation and a secret of the thread's. */
	if (instruction->mnemonic == ZYDIS_MNEMONIC_ROR || instruction->mnemonic == ZYDIS_MNEMONIC_ROL ||
	    (instruction->mnemonic == ZYDIS_MNEMONIC_XOR && operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY))
		return;
	for (unsigned i = 0; i < instruction->operand_count; i++) {
		uint32_t reg;
		bool pointer = instruction->mnemonic == ZYDIS_MNEMONIC_MOV || instruction->mnemonic == ZYDIS_MNEMONIC_POP ||
			       instruction->meta.category == ZYDIS_CATEGORY_CALL;

		if (operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		reg = bit(operands[i].reg.value);
		if (pointer && i == 0 && operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    registers->sums & bit(operands[1].reg.value))
			pointer = false;
		/* The address of one thing, without an index. */
		if (instruction->mnemonic == ZYDIS_MNEMONIC_LEA && operands[1].mem.base == ZYDIS_REGISTER_RIP)
			pointer = true;
		registers->sums = pointer ? registers->sums & ~reg : registers->sums | reg;
	}
	if (instruction->meta.category == ZYDIS_CATEGORY_CALL)
		registers->sums = 0;
}

/* Whether each jump by a register goes to a pointer. */
static bool goes_to_pointers(const struct code *code, const struct code_function *function)
{
	const struct code_text *text = code_text(code, function->start);
	struct registers registers = { 0 };
	uint64_t at = function->start;

	while (at < function->end) {
		ZydisDecodedInstruction instruction;
		ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&code->full, text->bytes + (at - text->address), function->end - at,
							 &instruction, operands)))
			return false;
		if (instruction.mnemonic == ZYDIS_MNEMONIC_JMP && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    registers.sums & bit(operands[0].reg.value))
			return false;
		follow(&registers, &instruction, operands);
		at += instruction.length;
	}
	return true;
}

static void try_tables(struct tables *tables, struct code_function *function)
{
	const struct code *code = tables->code;
	uint64_t found = 0;

	for (uint32_t i = 0; i < function->reference_count; i++) {
		uint64_t table = code->references.at[function->references + i];

		found += read_table(tables, function, table, 4);
		found += read_table(tables, function, table, 8);
	}
	function->unknown_jump = function->has_sites && !found && !goes_to_pointers(code, function);
}

long jumps_find(struct code *code)
{
	struct tables tables = { code, NULL, code->references.count, 8 * code->elf->size + (1u << 20) };
	size_t bytes = code->references.count * sizeof(uint64_t);

	if (bytes) {
		tables.references = malloc(bytes);
		if (!tables.references)
			return -ENOMEM;
		memcpy(tables.references, code->references.at, bytes);
		qsort(tables.references, code->references.count, sizeof(uint64_t), by_value);
	}
	for (size_t i = 0; i < code->functions.count; i++)
		if (code->functions.at[i].has_jumps)
			try_tables(&tables, &code->functions.at[i]);
	free(tables.references);
	if (!tables.budget)
		return -E2BIG;
	return code->no_memory ? -ENOMEM : 0;
}
