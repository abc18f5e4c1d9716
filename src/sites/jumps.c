/*
 * Indirect jumps. The target of such a jump is either an address that the program keeps as a pointer, which functions.c
 * looks at, or the sum of a table's address and an offset in the table.
 */
#include <errno.h>
#include <string.h>

#include "core/search.h"
#include "sites/code.h"

/* A table of a function. */
struct table {
	uint64_t address;
	bool claimed; /* a jump goes by this table */
};

struct tables {
	struct code *code;
	ARRAY(struct table) found; /* tables of the current function, by address */
	uint64_t *references; /* addresses that code refers to, sorted: a table ends where another may begin */
	size_t reference_count;
	uint64_t budget; /* how many entries may still be read */
};

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The first address behind this one that code refers to. */
static uint64_t next_reference(const struct tables *tables, uint64_t address)
{
	size_t at = core_lower_bound(tables->reference_count, i, tables->references[i] <= address);

	return at < tables->reference_count ? tables->references[at] : UINT64_MAX;
}

/* Reads a table: offsets from the table if `size` is 4, addresses if it is 8. Up to the next address that code refers
 * to, entries may lead into any code; behind it, only into the function. Returns the number of entries. used: the
 * function jumps by this table. */
static uint64_t read_table(struct tables *tables, const struct code_function *function, uint64_t table, unsigned size,
			   bool used)
{
	struct code *code = tables->code;
	const struct elf_file_segment *segment = elf_file_segment(code->elf, table);
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
		if (target - function->start >= function->end - function->start &&
		    (at >= limit || !code_text(code, target)))
			break;
		code_fact(code, target, STORE_JUMP_TABLE);
		if (used)
			code_entry(code, target);
		count++;
	}
	return count;
}

#define GENERAL 16
#define CALL_CHANGES 0x0fc7u /* the registers that a function need not keep */

/* What is known of registers, without regard to branches. */
struct registers {
	uint32_t sums; /* a bit for each register whose last value is no pointer but was computed */
	uint64_t tables[GENERAL]; /* the address that this value was computed from, or 0 */
};

/* A general register's number; GENERAL for a register of another kind. */
static unsigned register_number(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	return ZydisRegisterGetClass(whole) == ZYDIS_REGCLASS_GPR64 ? (unsigned)ZydisRegisterGetId(whole) : GENERAL;
}

static uint64_t table_of(const struct registers *registers, ZydisRegister reg)
{
	return register_number(reg) < GENERAL ? registers->tables[register_number(reg)] : 0;
}

static bool is_sum(const struct registers *registers, const ZydisDecodedOperand *operand)
{
	return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && register_number(operand->reg.value) < GENERAL &&
	       registers->sums & 1u << register_number(operand->reg.value);
}

/* The address that the first operand's new value is computed from. next: the address behind the instruction. */
static uint64_t source_table(const struct registers *registers, const ZydisDecodedInstruction *instruction,
			     const ZydisDecodedOperand *operands, uint64_t next)
{
	const ZydisDecodedOperand *from = &operands[1];
	uint64_t table = 0;

	if (operands[0].actions & ZYDIS_OPERAND_ACTION_MASK_READ)
		table = table_of(registers, operands[0].reg.value);
	if (table || instruction->operand_count_visible < 2)
		return table;
	if (from->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return table_of(registers, from->reg.value);
	if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return from->imm.value.u;
	if (from->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return 0;
	if (from->mem.base == ZYDIS_REGISTER_RIP)
		return instruction->mnemonic == ZYDIS_MNEMONIC_LEA ? next + (uint64_t)from->mem.disp.value : 0;
	if (from->mem.base == ZYDIS_REGISTER_NONE)
		return (uint64_t)from->mem.disp.value;
	table = table_of(registers, from->mem.base);
	return table ? table : table_of(registers, from->mem.index);
}

static void set_register(struct registers *registers, unsigned reg, bool pointer, uint64_t table)
{
	registers->sums = pointer ? registers->sums & ~(1u << reg) : registers->sums | 1u << reg;
	registers->tables[reg] = table;
}

static void follow_instruction(struct registers *registers, const ZydisDecodedInstruction *instruction,
			       const ZydisDecodedOperand *operands, uint64_t next)
{
	bool moves = instruction->mnemonic == ZYDIS_MNEMONIC_MOV || instruction->mnemonic == ZYDIS_MNEMONIC_POP;

	/* The C library mangles pointers by a rotation and a secret of the thread's: they stay pointers. */
	if (instruction->mnemonic == ZYDIS_MNEMONIC_ROR || instruction->mnemonic == ZYDIS_MNEMONIC_ROL ||
	    (instruction->mnemonic == ZYDIS_MNEMONIC_XOR && operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY))
		return;
	if (instruction->meta.category == ZYDIS_CATEGORY_CALL) {
		registers->sums = 0;
		for (unsigned i = 0; i < GENERAL; i++)
			if (CALL_CHANGES & 1u << i)
				registers->tables[i] = 0;
		return;
	}
	for (unsigned i = 0; i < instruction->operand_count; i++) {
		bool pointer = moves;

		if (operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
		    register_number(operands[i].reg.value) == GENERAL)
			continue;
		if (i == 0 && is_sum(registers, &operands[1]))
			pointer = false;
		/* The address of one thing, without an index. */
		if (instruction->mnemonic == ZYDIS_MNEMONIC_LEA && operands[1].mem.base == ZYDIS_REGISTER_RIP)
			pointer = true;
		set_register(registers, register_number(operands[i].reg.value), pointer,
			     i == 0 ? source_table(registers, instruction, operands, next) : 0);
	}
}

static struct table *find_table(const struct tables *tables, uint64_t address)
{
	size_t at = core_lower_bound(tables->found.count, i, tables->found.at[i].address < address);

	return at < tables->found.count && tables->found.at[at].address == address ? &tables->found.at[at] : NULL;
}

/* Claims the table of a jump. Returns whether the jump goes by a table that is not known. */
static bool claim_table(const struct tables *tables, const struct registers *registers,
			const ZydisDecodedOperand *operand)
{
	struct table *table;

	if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		/* *table(,%reg,8). Anything else in memory is a pointer. */
		if (operand->mem.base != ZYDIS_REGISTER_NONE || operand->mem.index == ZYDIS_REGISTER_NONE)
			return false;
		table = find_table(tables, (uint64_t)operand->mem.disp.value);
	} else {
		uint64_t address =
			operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? table_of(registers, operand->reg.value) : 0;

		table = address ? find_table(tables, address) : NULL;
		if (!table && !is_sum(registers, operand))
			return false;
	}
	if (table)
		table->claimed = true;
	return !table;
}

/* Gives each jump its table. *unknown: how many have none. False: the function does not decode. */
static bool claim_tables(const struct tables *tables, const struct code_function *function, uint64_t *unknown)
{
	const struct code *code = tables->code;
	const struct code_text *text = code_text(code, function->start);
	struct registers registers = { 0 };
	uint64_t at = function->start;

	*unknown = 0;
	while (at < function->end) {
		ZydisDecodedInstruction instruction;
		ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&code->full, text->bytes + (at - text->address),
							 function->end - at, &instruction, operands)))
			return false;
		at += instruction.length;
		if (instruction.mnemonic == ZYDIS_MNEMONIC_JMP)
			*unknown += claim_table(tables, &registers, &operands[0]);
		follow_instruction(&registers, &instruction, operands, at);
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Finds the tables among the addresses that the function refers to. False: out of memory. */
static bool find_tables(struct tables *tables, const struct code_function *function)
{
	const struct code *code = tables->code;
	size_t kept = 0;

	tables->found.count = 0;
	for (uint32_t i = 0; i < function->reference_count; i++) {
		struct table table = { code->references.at[function->references + i], false };
		uint64_t entries = read_table(tables, function, table.address, 4, false) +
				   read_table(tables, function, table.address, 8, false);

		if (entries && !array_push(&tables->found, table))
			return false;
	}
	if (tables->found.count)
		qsort(tables->found.at, tables->found.count, sizeof(*tables->found.at), by_address);
	for (size_t i = 0; i < tables->found.count; i++)
		if (!i || tables->found.at[i].address != tables->found.at[kept - 1].address)
			tables->found.at[kept++] = tables->found.at[i];
	tables->found.count = kept;
	return true;
}

/* Whether the targets of all jumps of the function are known; code runs from the targets in tables. A jump that does
 * not show its table goes by one of the tables that no other jump claims. */
static bool try_tables(struct tables *tables, const struct code_function *function)
{
	uint64_t unknown, unclaimed = 0;
	bool known = claim_tables(tables, function, &unknown);

	for (size_t i = 0; i < tables->found.count; i++)
		unclaimed += !tables->found.at[i].claimed;
	if (!known || unknown > unclaimed)
		return false;
	for (size_t i = 0; i < tables->found.count; i++) {
		const struct table *table = &tables->found.at[i];

		if (table->claimed || unknown) {
			read_table(tables, function, table->address, 4, true);
			read_table(tables, function, table->address, 8, true);
		}
	}
	return true;
}

long code_find_jumps(struct code *code)
{
	struct tables tables = { .code = code, .reference_count = code->references.count,
				 .budget = 8 * code->elf->size + (1u << 20) };
	size_t bytes = code->references.count * sizeof(uint64_t);

	if (bytes) {
		tables.references = malloc(bytes);
		if (!tables.references)
			return -ENOMEM;
		memcpy(tables.references, code->references.at, bytes);
		qsort(tables.references, code->references.count, sizeof(uint64_t), by_value);
	}
	for (size_t i = 0; i < code->functions.count && !code->no_memory; i++) {
		struct code_function *function = &code->functions.at[i];

		if (!function->has_jumps)
			continue;
		if (!find_tables(&tables, function))
			code->no_memory = true;
		else if (function->has_sites)
			function->unknown_jump = !try_tables(&tables, function);
	}
	free(tables.references);
	free(tables.found.at);
	if (!tables.budget)
		return -E2BIG;
	return code->no_memory ? -ENOMEM : 0;
}
