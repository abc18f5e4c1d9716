#include "sites/window.h"

#include <stdbool.h>

#include "core/patch.h"

#define GENERAL 16 /* general registers, each with a bit; one more bit stands for memory */
#define MEMORY (1u << GENERAL)
#define SIGRETURN 15
#define NO_OFFSET 0xff
#define SHORT_JUMP 2

/* What one instruction does, as far as moving and repeating it depends on that. */
struct effect {
	uint32_t reads, writes; /* bits of general registers, and MEMORY */
	uint32_t fills;         /* those of `writes` of which the whole register is written */
	uint32_t settles;       /* those of `writes` that a repetition does not change, though it reads them */
	uint32_t flag_reads, flag_writes;
	uint32_t flag_fills; /* those of `flag_writes` that are written whatever the operands are */
	bool others; /* writes something else */
	bool faults; /* may fault */
};

static bool same_registers(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
	return a->type == ZYDIS_OPERAND_TYPE_REGISTER && b->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       a->reg.value == b->reg.value;
}

/* xor %eax,%eax: the old value is not read, whatever the manual says. */
static bool is_zeroing(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
	return (instruction->mnemonic == ZYDIS_MNEMONIC_XOR || instruction->mnemonic == ZYDIS_MNEMONIC_SUB) &&
	       instruction->operand_width >= 32 && same_registers(&operands[0], &operands[1]);
}

/* The bit of a general register; 0 for another register. */
static uint32_t register_bit(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
		return 0;
	return 1u << ZydisRegisterGetId(whole);
}

static void add_register(struct effect *effect, const ZydisDecodedOperand *operand)
{
	uint32_t reg = register_bit(operand->reg.value);
	ZydisRegisterClass class = ZydisRegisterGetClass(operand->reg.value);

	if (class == ZYDIS_REGCLASS_FLAGS || class == ZYDIS_REGCLASS_IP)
		return;
	if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
		effect->reads |= reg;
	if (!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return;
	effect->writes |= reg;
	if (!reg)
		effect->others = true;
	/* An instruction that writes half of a register, or writes on a condition, leaves old bits: it reads them. */
	if (operand->actions & ZYDIS_OPERAND_ACTION_CONDWRITE ||
	    (class != ZYDIS_REGCLASS_GPR64 && class != ZYDIS_REGCLASS_GPR32))
		effect->reads |= reg;
	else
		effect->fills |= reg;
}

static void add_memory(struct effect *effect, const ZydisDecodedOperand *operand)
{
	effect->reads |= register_bit(operand->mem.base) | register_bit(operand->mem.index);
	if (operand->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
		return;
	if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		effect->writes |= MEMORY;
	/* Memory at %rsp is there; other memory may not be. */
	if (operand->mem.base != ZYDIS_REGISTER_RSP || operand->mem.index != ZYDIS_REGISTER_NONE ||
	    operand->mem.segment != ZYDIS_REGISTER_SS)
		effect->faults = true;
}

static struct effect effect_of(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
	struct effect effect = { 0 };

	if (instruction->cpu_flags) {
		const ZydisAccessedFlags *flags = instruction->cpu_flags;

		effect.flag_reads = flags->tested;
		effect.flag_writes = flags->modified | flags->set_0 | flags->set_1 | flags->undefined;
	}
	if (instruction->mnemonic == ZYDIS_MNEMONIC_NOP)
		return effect; /* its operand is none */
	for (unsigned i = 0; i < instruction->operand_count; i++) {
		if (operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
			add_register(&effect, &operands[i]);
		else if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			add_memory(&effect, &operands[i]);
	}
	if (is_zeroing(instruction, operands)) {
		effect.reads = 0;
		effect.fills = effect.writes;
	}
	switch (instruction->mnemonic) {
	case ZYDIS_MNEMONIC_CMP:
	case ZYDIS_MNEMONIC_TEST:
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_ADD:
		effect.flag_fills = effect.flag_writes;
		break;
	default:
		break;
	}
	/* To mask a value twice is to mask it once. */
	if ((instruction->mnemonic == ZYDIS_MNEMONIC_AND || instruction->mnemonic == ZYDIS_MNEMONIC_OR) &&
	    operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		effect.settles = effect.writes;
	return effect;
}

/* Whether it is a conditional jump on flags with a displacement of this size. loop and jrcxz have no long form, and
 * jumps with a prefix none that is known here. */
static bool is_conditional(const ZydisDecodedInstruction *instruction, unsigned displacement)
{
	if (instruction->meta.category != ZYDIS_CATEGORY_COND_BR || instruction->raw.imm[0].size != displacement)
		return false;
	return displacement == 8 ? instruction->length == 2 && (instruction->opcode & 0xf0) == 0x70 :
				   instruction->length == 6 && (instruction->opcode & 0xf0) == 0x80;
}

static bool is_movable(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands,
		       const struct effect *effect)
{
	/* A load of %ss holds traps back until the end of the next instruction, which must stay the same. */
	if (operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value == ZYDIS_REGISTER_SS)
		return false;
	/* No change to the stack pointer: neither push and pop nor arithmetic. */
	if (effect->writes & 1u << ZydisRegisterGetId(ZYDIS_REGISTER_RSP))
		return false;
	if (is_conditional(instruction, 8) || is_conditional(instruction, 32))
		return true;
	if (instruction->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
	    instruction->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED)
		return false;
	switch (instruction->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_PUSH:
	case ZYDIS_CATEGORY_POP:
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP:
		return false;
	default:
		/* rdtscp may fault, rdpkru and xbegin depend on where they are: none is in front of a real call. */
		return instruction->mnemonic != ZYDIS_MNEMONIC_UD2 && instruction->mnemonic != ZYDIS_MNEMONIC_XABORT;
	}
}

static bool note_displacement(struct store_site *site, unsigned at, unsigned end)
{
	if (site->relative != NO_OFFSET)
		return false;
	site->relative = (uint8_t)at;
	site->relative_end = (uint8_t)end;
	return true;
}

/* Notes a displacement from %rip. False: there is another, or it is one of a kind that cannot be adjusted. */
static bool note_relative(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands, unsigned at,
			  struct store_site *site)
{
	if (is_conditional(instruction, 8)) {
		if (site->branch != NO_OFFSET)
			return false;
		site->branch = (uint8_t)at;
		return true;
	}
	if (is_conditional(instruction, 32))
		return note_displacement(site, at + instruction->raw.imm[0].offset, at + instruction->length);
	for (unsigned i = 0; i < instruction->operand_count; i++) {
		if (operands[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[i].imm.is_relative)
			return false;
		if (operands[i].type != ZYDIS_OPERAND_TYPE_MEMORY || operands[i].mem.base == ZYDIS_REGISTER_NONE)
			continue;
		if (operands[i].mem.base == ZYDIS_REGISTER_EIP)
			return false;
		if (operands[i].mem.base != ZYDIS_REGISTER_RIP)
			continue;
		if (instruction->raw.disp.size != 32 ||
		    !note_displacement(site, at + instruction->raw.disp.offset, at + instruction->length))
			return false;
	}
	return true;
}

/* The number that an instruction leaves in %eax; -1: not a constant. */
static int32_t constant_number(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
	if (is_zeroing(instruction, operands))
		return 0;
	if (instruction->mnemonic == ZYDIS_MNEMONIC_MOV && instruction->operand_width >= 32 &&
	    operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		uint64_t value = operands[1].imm.value.u;

		return value <= INT32_MAX ? (int32_t)value : -1;
	}
	return -1;
}

/*
 * Whether doing the first instructions twice is like doing them once, for as many of them as a signal may find done:
 * all but the last. It is if none of these reads what it or a later one of them has changed, unless an earlier one has
 * set it anew. Memory, which others see, is never written twice; and an instruction that may fault is at the begin,
 * which is where the program is then said to be.
 */
static bool is_restartable(const struct effect *effects, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (effects[i].faults)
			return false;
	for (unsigned i = 0; i + 1 < count; i++) {
		uint32_t filled = 0, flags = 0;

		if (effects[i].others || effects[i].writes & MEMORY)
			return false;
		for (unsigned before = 0; before < i; before++)
			filled |= effects[before].fills, flags |= effects[before].flag_fills;
		for (unsigned later = i; later + 1 < count; later++)
			if ((effects[i].reads & ~filled & effects[later].writes &
			     ~(later == i ? effects[i].settles : 0)) ||
			    (effects[i].flag_reads & ~flags & effects[later].flag_writes))
				return false;
	}
	return true;
}

/* How many bytes of a window may stay in front of the jump: its first byte, with others that make it harmless
 * (core/patch.c). A register that is loaded from the stack may be written before, as may flags that are all set. */
static unsigned count_kept(const uint8_t *bytes, unsigned length)
{
	if ((bytes[0] & 0xf0) == 0x40)
		return 1;
	if (bytes[0] == 0x8b && length > 3 && (bytes[1] & 0xc7) != 0xc4 && (bytes[1] & 7) == 4 && bytes[2] == 0x24)
		return PATCH_KEPT_LOAD;
	if ((bytes[0] == 0x80 || bytes[0] == 0x83) && (bytes[1] & 0x38) == 0x38)
		return PATCH_KEPT_COMPARE;
	return 0;
}

/* Whether a window begins with `mov $number, %reg`, and no other of its instructions has to do with the register. */
static bool is_mendable(const uint8_t *bytes, unsigned length, const struct effect *effects, unsigned count)
{
	uint32_t reg = 1u << (bytes[0] & 7);

	if (length != STORE_MIN_WINDOW || (bytes[0] & 0xf8) != 0xb8)
		return false;
	for (unsigned i = 1; i < count; i++)
		if ((effects[i].reads | effects[i].writes) & reg)
			return false;
	return true;
}

/* Finds out where the jump of a window is to be, whose first instruction has this length. branches: the thread may
 * leave the window before its end. */
static void place_jump(const uint8_t *bytes, unsigned length, const struct effect *effects, unsigned count,
		       bool branches, struct store_site *site)
{
	unsigned kept = count_kept(bytes, length);

	site->kept = 0;
	site->hop = 0;
	site->flags &= (uint8_t)~STORE_STABLE;
	if (!branches && is_mendable(bytes, length, effects, count))
		site->flags |= STORE_STABLE;
	else if (kept && kept + SHORT_JUMP <= length)
		site->kept = (uint8_t)kept;
	if (site->kept && kept + STORE_MIN_WINDOW <= length)
		site->flags |= STORE_STABLE;
}

enum store_reason window_plan(const ZydisDecoder *decoder, const uint8_t *bytes, unsigned size, struct store_site *site)
{
	struct effect effects[STORE_MAX_WINDOW];
	unsigned at = 0, count = 0, first = 0;
	bool branches = false;

	site->nr = -1;
	site->relative = site->branch = NO_OFFSET;
	site->relative_end = 0;
	if (size > STORE_MAX_WINDOW)
		return STORE_NOT_RELOCATABLE;
	while (at < size) {
		ZydisDecodedInstruction instruction;
		ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
		struct effect *effect = &effects[count];

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes + at, size - at, &instruction, operands)))
			return STORE_UNDECODABLE;
		*effect = effect_of(&instruction, operands);
		if (!is_movable(&instruction, operands, effect) || !note_relative(&instruction, operands, at, site))
			return STORE_NOT_RELOCATABLE;
		/* Where indirect branches may lead. */
		if (at && (instruction.mnemonic == ZYDIS_MNEMONIC_ENDBR64 ||
			   instruction.mnemonic == ZYDIS_MNEMONIC_ENDBR32))
			return STORE_ADDRESS_TAKEN;
		if (effect->writes & 1)
			site->nr = constant_number(&instruction, operands);
		branches |= instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
		at += instruction.length;
		first = first ? first : at;
		count++;
	}
	/* Unwinders and debuggers know a signal's frame by the bytes that its handler returns to. */
	if (site->nr == SIGRETURN)
		return STORE_NOT_RELOCATABLE;
	site->window = (uint8_t)size;
	if (site->branch != NO_OFFSET && size + STORE_BRANCH_GROWS > STORE_MAX_WINDOW)
		return STORE_NOT_RELOCATABLE;
	place_jump(bytes, first, effects, count, branches, site);
	return is_restartable(effects, count) ? STORE_PLANNED : STORE_NOT_RESTARTABLE;
}
