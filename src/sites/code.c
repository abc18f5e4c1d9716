#include "sites/code.h"

#include <errno.h>
#include <string.h>

#include "core/page.h"
#include "core/search.h"

/* How far a short jump may lead, with what it leads to. */
#define HOP 136u

/* Marks the bytes around each system call that may be inside its window, or padding that this leads to. */
static void mark_near(struct code_text *text)
{
	const uint8_t *at = text->bytes, *end = text->bytes + text->size;

	while (at < end && (at = memchr(at, 0x0f, (size_t)(end - at)))) {
		if (at + 1 < end && at[1] == 0x05) {
			uint64_t last = (uint64_t)(at + 1 - text->bytes);
			uint64_t before = STORE_MAX_WINDOW + HOP, first = last < before ? 0 : last - before;

			for (uint64_t i = first; i <= last + HOP && i < text->size; i++)
				text->near[i / 8] |= (uint8_t)(1u << i % 8);
		}
		at++;
	}
}

long code_start(struct code *code, const struct elf_file *elf)
{
	uint64_t total = 0;

	memset(code, 0, sizeof(*code));
	code->elf = elf;
	ZydisDecoderInit(&code->quick, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(&code->quick, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
	ZydisDecoderInit(&code->full, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct elf_file_segment *segment = &elf->segments[i];
		struct code_text *text = &code->texts[code->text_count];

		if (!elf_file_is_text(segment))
			continue;
		total += segment->size;
		/* A file with the same bytes at many addresses was made to keep the analysis busy. */
		if (code->text_count == CODE_TEXTS || total > 2 * elf->size)
			return -ENOEXEC;
		*text = (struct code_text) { segment->address, segment->size, elf->bytes + segment->offset,
					     calloc(segment->size / 8 + 1, 1),
					     calloc(segment->size / CORE_PAGE / 8 + 1, 1) };
		code->text_count++;
		if (!text->near || !text->pages)
			return -ENOMEM;
		mark_near(text);
	}
	return 0;
}

void code_end(struct code *code)
{
	for (uint32_t i = 0; i < code->text_count; i++)
		free(code->texts[i].near), free(code->texts[i].pages);
	free(code->functions.at);
	free(code->facts.at);
	free(code->entries.at);
	free(code->references.at);
	free(code->sites.at);
	free(code->paddings.at);
}

const struct code_text *code_text(const struct code *code, uint64_t address)
{
	for (uint32_t i = 0; i < code->text_count; i++)
		if (address - code->texts[i].address < code->texts[i].size)
			return &code->texts[i];
	return NULL;
}

struct code_function *code_function(const struct code *code, uint64_t address)
{
	size_t at = core_lower_bound(code->functions.count, i, code->functions.at[i].end <= address);

	return at < code->functions.count && code->functions.at[at].start <= address ? &code->functions.at[at] : NULL;
}

bool code_is_padding(const ZydisDecodedInstruction *instruction)
{
	return code_is_opcode(instruction, ZYDIS_OPCODE_MAP_0F, 0x1f) || /* nop */
	       code_is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0xcc) ||
	       (code_is_opcode(instruction, ZYDIS_OPCODE_MAP_DEFAULT, 0x90) &&
		!(instruction->attributes & (ZYDIS_ATTRIB_HAS_REX | ZYDIS_ATTRIB_HAS_REP)));
}

void code_fact(struct code *code, uint64_t address, enum store_reason reason)
{
	const struct code_text *text = code_text(code, address);
	uint64_t i = text ? address - text->address : 0;

	if (!text || !(text->near[i / 8] & 1u << i % 8))
		return;
	if (!array_push(&code->facts, (struct code_fact){ address, (uint8_t)reason }))
		code->no_memory = true;
}

static void mark_pages(const struct code *code, const struct code_function *function)
{
	const struct code_text *text = code_text(code, function->start);
	uint64_t last = (function->end - 1 - text->address) / CORE_PAGE;

	for (uint64_t page = (function->start - text->address) / CORE_PAGE; page <= last; page++)
		text->pages[page / 8] |= (uint8_t)(1u << page % 8);
}

void code_mark_functions(struct code *code)
{
	for (uint32_t i = 0; i < code->text_count; i++) {
		const struct code_text *text = &code->texts[i];
		const uint8_t *at = text->bytes, *end = text->bytes + text->size;

		while (at < end && (at = memmem(at, (size_t)(end - at), "\x0f\x05", 2))) {
			struct code_function *function =
				code_function(code, text->address + (uint64_t)(at - text->bytes));

			if (function && !function->may_have_sites) {
				function->may_have_sites = true;
				mark_pages(code, function);
			}
			at += 2;
		}
	}
}

void code_entry(struct code *code, uint64_t address)
{
	const struct code_text *text = code_text(code, address);
	uint64_t page = text ? (address - text->address) / CORE_PAGE : 0;
	const struct code_function *function;

	if (!text || !(text->pages[page / 8] & 1u << page % 8))
		return;
	function = code_function(code, address);
	if (function && function->may_have_sites && address != function->start && !array_push(&code->entries, address))
		code->no_memory = true;
}
