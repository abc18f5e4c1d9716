#include "cli/hook_check.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <sys/mman.h>

#include "cli/cli.h"

/* Why an instruction may not be in a hook, or NULL. */
static const char *objection(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
	switch (instruction->mnemonic) {
	case ZYDIS_MNEMONIC_SYSCALL:
	case ZYDIS_MNEMONIC_SYSENTER:
	case ZYDIS_MNEMONIC_INT:
		return "makes a system call past the runtime (use k23_syscall)";
	case ZYDIS_MNEMONIC_VZEROALL:
	case ZYDIS_MNEMONIC_VZEROUPPER:
	case ZYDIS_MNEMONIC_EMMS:
	case ZYDIS_MNEMONIC_LDMXCSR:
	case ZYDIS_MNEMONIC_VLDMXCSR:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
	case ZYDIS_MNEMONIC_XRSTOR:
	case ZYDIS_MNEMONIC_XRSTOR64:
		return "changes the program's vector state (compile with -mgeneral-regs-only)";
	default:
		break;
	}
	for (ZyanU8 i = 0; i < instruction->operand_count; i++) {
		if (operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		switch (ZydisRegisterGetClass(operands[i].reg.value)) {
		case ZYDIS_REGCLASS_X87:
		case ZYDIS_REGCLASS_MMX:
		case ZYDIS_REGCLASS_XMM:
		case ZYDIS_REGCLASS_YMM:
		case ZYDIS_REGCLASS_ZMM:
		case ZYDIS_REGCLASS_TMM:
		case ZYDIS_REGCLASS_MASK:
			return "uses a vector register of the program's (compile with -mgeneral-regs-only)";
		default:
			break;
		}
	}
	return NULL;
}

static bool check_segment(const ZydisDecoder *decoder, const struct hook_file_segment *segment, char **problem)
{
	uint64_t at = 0;

	while (at < segment->contents_size) {
		ZydisDecodedInstruction instruction;
		ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
		const char *why;

		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, segment->contents + at, segment->contents_size - at,
							 &instruction, operands))) {
			at++;
			continue;
		}
		why = objection(&instruction, operands);
		if (why) {
			if (asprintf(problem, "its instruction at 0x%lx %s",
				     (unsigned long)(segment->address + segment->lead + at), why) < 0)
				*problem = NULL;
			return false;
		}
		at += instruction.length;
	}
	return true;
}

bool hook_check_code(const struct hook_file *hook, char **problem)
{
	ZydisDecoder decoder;

	if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		die(EXIT_K23, "the instruction decoder does not start");
	for (size_t i = 0; i < hook->segment_count; i++)
		if (hook->segments[i].prot & PROT_EXEC &&
		    !check_segment(&decoder, &hook->segments[i], problem))
			return false;
	return true;
}
