/*
 * k23 sites show: the instructions of a site, and what they become.
 */
#include <Zydis/Zydis.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sites/sites.h"
#include "core/patch.h"
#include "sites/identity.h"

/* How many instructions are shown in front of a site that cannot be patched. */
#define SHOWN 6u

struct printer {
	ZydisDecoder decoder;
	ZydisFormatter formatter;
};

static void printer_start(struct printer *printer)
{
	if (!ZYAN_SUCCESS(ZydisDecoderInit(&printer->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    !ZYAN_SUCCESS(ZydisFormatterInit(&printer->formatter, ZYDIS_FORMATTER_STYLE_ATT)))
		die(EXIT_K23, "the instruction decoder does not start");
}

/* Prints one instruction and returns its length, or prints a byte that is no instruction and returns 1. */
static unsigned print_instruction(const struct printer *printer, const uint8_t *bytes, size_t size, uint64_t address)
{
	ZydisDecodedInstruction instruction;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	char text[160];

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&printer->decoder, bytes, size, &instruction, operands)) ||
	    !ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&printer->formatter, &instruction, operands,
							  instruction.operand_count_visible, text, sizeof(text),
							  address, NULL))) {
		printf("    %8" PRIx64 ":  .byte 0x%02x\n", address, *bytes);
		return 1;
	}
	printf("    %8" PRIx64 ":  %s\n", address, text);
	return instruction.length;
}

static void print_code(const struct printer *printer, const uint8_t *bytes, size_t size, uint64_t address)
{
	for (size_t at = 0; at < size;)
		at += print_instruction(printer, bytes + at, size - at, address + at);
}

/* The size of the last instructions of the function in front of the site. */
static uint64_t size_of_recent(const struct printer *printer, const uint8_t *site, uint32_t before)
{
	uint64_t starts[SHOWN] = { 0 }, at = 0, count = 0;

	while (at < before) {
		ZydisDecodedInstruction instruction;

		starts[count++ % SHOWN] = at;
		if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&printer->decoder, NULL, site - before + at, before - at,
							       &instruction)))
			at += instruction.length;
		else
			at++;
	}
	return count < SHOWN ? before : before - starts[count % SHOWN];
}

static void print_stub(const struct printer *printer, const struct elf_file *elf, const struct store_site *site,
		       uint64_t address)
{
	/* The runtime, too, puts stubs somewhere behind the file's last segment. */
	const struct elf_file_segment *last = &elf->segments[elf->segment_count - 1];
	uint64_t block = (last->address + last->size + 0xfffff) & ~0xffffful, stub = block + PATCH_SLOT;
	const uint8_t *window = elf->bytes + site->offset - site->window;
	uint8_t slot[PATCH_SLOT];

	if (!core_patch_stub(slot, stub, block, CORE_PATCH_DISPATCH, site, window, address)) {
		puts("  the stub would be out of reach");
		return;
	}
	printf("  its %u bytes become a jump to the stub%s, as if at 0x%" PRIx64 ":\n", site->window,
	       site->flags & STORE_STABLE ? "" : " with --eager", stub);
	print_code(printer, slot, core_patch_displaced(slot) + PATCH_LEAVES, stub);
}

static bool fits_in_file(const struct elf_file *elf, const struct store_site *site)
{
	return site->offset < elf->size && elf->size - site->offset >= 2 && site->offset >= site->function_before &&
	       site->function_before >= site->window;
}

static void show_site(const struct printer *printer, const struct elf_file *elf, const struct store_site *site)
{
	const struct elf_file_segment *segment = elf_file_segment_of_offset(elf, site->offset);
	const uint8_t *bytes = elf->bytes + site->offset;
	uint64_t address, before;

	printf("0x%" PRIx64 ": %s%s", site->offset, reason_name(site->reason),
	       site->flags & STORE_OBSERVED ? ", observed" : "");
	if (site->nr >= 0)
		printf(", system call %" PRId32, site->nr);
	printf("\n  %s\n", reason_text(site->reason));
	if (!segment || !fits_in_file(elf, site)) {
		puts("  the file has no such place");
		return;
	}
	address = segment->address + (site->offset - segment->offset);
	before = site->flags & STORE_VERIFIED ? site->window : size_of_recent(printer, bytes, site->function_before);
	print_code(printer, bytes - before, before + 2, address - before);
	if (site->flags & STORE_VERIFIED)
		print_stub(printer, elf, site, address);
}

/* Splits FILE:OFFSET: cuts the name. False for FILE without an offset. */
static bool split_name(char *name, uint64_t *offset)
{
	char *colon = strrchr(name, ':'), *end, *path = realpath(name, NULL);

	free(path);
	if (path || !colon || colon[1] < '0' || colon[1] > '9')
		return false;
	errno = 0;
	*offset = strtoull(colon + 1, &end, 0);
	if (*end || errno)
		return false;
	*colon = 0;
	return true;
}

static int show_file(const struct store *store, char *name)
{
	uint64_t offset = 0;
	bool one = split_name(name, &offset);
	const struct known_file *file = sites_file(store, name);
	const struct store_site *site = file && one ? known_site(file, offset) : NULL;
	struct printer printer;
	struct elf_file elf;
	struct store_id id;
	long r;

	if (!file)
		return 1;
	if (one && !site) {
		complain("nothing is known of 0x%" PRIx64 " in %s", offset, name);
		return 1;
	}
	r = elf_file_open(&elf, file->path);
	if (r != 0) {
		complain("%s: %s", file->path, store_use_analysis_problem(r));
		return 1;
	}
	if (identity_of(&elf, &id) != 0 || memcmp(&id, &file->id, sizeof(id)) != 0) {
		complain("%s is another file now", file->path);
		elf_file_close(&elf);
		return 1;
	}
	printer_start(&printer);
	if (site)
		show_site(&printer, &elf, site);
	for (uint32_t i = 0; !site && i < file->site_count; i++)
		show_site(&printer, &elf, &file->sites[i]);
	elf_file_close(&elf);
	return 0;
}

int sites_show(const struct sites_options *options, int argc, char **argv)
{
	struct store store;
	int status = 0;

	if (!argc)
		die_usage("sites", "show takes FILE or FILE:OFFSET");
	store_use_read(&store, options->store);
	for (int i = 0; i < argc; i++)
		status |= show_file(&store, argv[i]);
	store_free(&store);
	return status;
}
