/*
 * Prints what becomes of the sites of a program or library: the window, the stub, the window as it is patched, and
 * where a thread in the stub is said to be; or why nothing does. usage: patcher FILE STUB-ADDRESS [observed]
 */
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/patch.h"
#include "sites/analysis.h"

#define SHORT_JUMP 2u

static ZydisDecoder decoder;
static ZydisFormatter formatter;

static unsigned print_instruction(const uint8_t *bytes, size_t size, uint64_t address)
{
	ZydisDecodedInstruction instruction;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	char text[160] = "?";
	unsigned length = 1;

	if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &instruction, operands))) {
		length = instruction.length;
		ZydisFormatterFormatInstruction(&formatter, &instruction, operands, instruction.operand_count_visible,
						text, sizeof(text), address, NULL);
	}
	printf("  %8" PRIx64 " ", address);
	for (unsigned i = 0; i < length; i++)
		printf(" %02x", bytes[i]);
	printf("%*s  %s\n", (int)(length < 10 ? 30 - 3 * length : 0), "", text);
	return length;
}

static void print_code(const char *title, const uint8_t *bytes, size_t size, uint64_t address)
{
	puts(title);
	for (size_t at = 0; at < size;)
		at += print_instruction(bytes + at, size - at, address + at);
}

/* The stub's ranges by where the program would be, natively. */
static void print_origins(const uint8_t *slot, uint64_t stub, unsigned size)
{
	for (unsigned begin = 0, at = 0; at <= size; at++)
		if (at == size ||
		    core_patch_origin(slot, stub, stub + at) != core_patch_origin(slot, stub, stub + begin)) {
			printf("  %" PRIx64 "..%" PRIx64 " is at %" PRIx64 "\n", stub + begin, stub + at - 1,
			       core_patch_origin(slot, stub, stub + begin));
			begin = at;
		}
}

/* What is written: the bytes that are kept and the jump, the window's other bytes, and the jump in padding. */
static void print_patched(const struct store_site *site, const uint8_t *patched, uint64_t start)
{
	unsigned size = site->kept + (site->hop ? SHORT_JUMP : STORE_MIN_WINDOW);
	int hop = site->kept + SHORT_JUMP + site->hop;

	print_code(site->flags & STORE_STABLE ? "patched" : "patched, not stable", patched, size, start);
	printf("           ");
	for (unsigned i = size; i < site->window + 2u; i++)
		printf(" %02x", patched[i]);
	putchar('\n');
	if (site->hop)
		print_code("padding", patched + hop, STORE_MIN_WINDOW, start + (uint64_t)hop);
}

static void print_patch(const struct elf_file *elf, const struct store_site *site, uint64_t address, uint64_t stub)
{
	const uint8_t *window = elf->bytes + site->offset - site->window;
	uint8_t slot[PATCH_SLOT], *file, *patched;
	unsigned size;

	print_code("window", window, site->window + 2u, address - site->window);
	if (!core_patch_stub(slot, stub, stub - PATCH_SLOT, CORE_PATCH_DISPATCH, site, window, address)) {
		puts("out of the stub's reach");
		return;
	}
	file = malloc(elf->size);
	if (!file)
		abort();
	memcpy(file, elf->bytes, elf->size);
	patched = file + site->offset - site->window;
	if (!core_patch_jump(site, patched, address - site->window, stub)) {
		puts("out of the jump's reach");
		free(file);
		return;
	}
	size = core_patch_displaced(slot) + PATCH_LEAVES;
	print_code("stub", slot, size, stub);
	print_patched(site, patched, address - site->window);
	free(file);
	puts("a thread at");
	print_origins(slot, stub, size);
	if (!core_patch_is_stub(slot) || core_patch_site(slot, stub) != address ||
	    core_patch_window(slot) != site->window)
		puts("the slot does not say so");
}

/* Every place where the bytes of such an instruction are, so that the analysis has something to say of each. */
static size_t find_calls(const struct elf_file *elf, uint64_t *offsets, size_t room)
{
	size_t count = 0;

	for (size_t at = 0; at + 2 <= elf->size && count < room; at++)
		if (!memcmp(elf->bytes + at, "\x0f\x05", 2) || !memcmp(elf->bytes + at, "\x0f\x34", 2) ||
		    !memcmp(elf->bytes + at, "\xcd\x80", 2))
			offsets[count++] = at;
	return count;
}

int main(int argc, char **argv)
{
	uint64_t offsets[64], stub = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	struct analysis analysis;
	struct elf_file elf;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
	if (argc < 3 || elf_file_open(&elf, argv[1]) != 0 ||
	    analyse_elf(&elf, offsets, argc > 3 ? find_calls(&elf, offsets, 64) : 0, &analysis) != 0) {
		fprintf(stderr, "usage: patcher FILE STUB-ADDRESS [observed]\n");
		return 2;
	}
	for (uint32_t i = 0; i < analysis.site_count; i++) {
		const struct store_site *site = &analysis.sites[i];
		const struct elf_file_segment *segment = elf_file_segment_of_offset(&elf, site->offset);
		uint64_t address = segment->address + (site->offset - segment->offset);

		printf("%" PRIx64 ": %s%s", address, reason_name(site->reason),
		       site->flags & STORE_OBSERVED ? ", observed" : "");
		if (site->nr >= 0)
			printf(", system call %" PRId32, site->nr);
		putchar('\n');
		if (site->flags & STORE_VERIFIED)
			print_patch(&elf, site, address, stub);
	}
	analysis_free(&analysis);
	elf_file_close(&elf);
	return 0;
}
