/* The bytes of an .eh_frame section, or of one that only the segment ends, and of the tables that it points to. */
#include <string.h>

#include "fuzz.h"
#include "sites/unwind.h"

static bool see(void *context, uint64_t address)
{
	uint64_t *sum = context;

	*sum += address;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct elf_file elf = { .bytes = bytes, .size = size, .segment_count = 1 };
	unwind_functions functions = { 0 };
	uint64_t budget = 1u << 16, sum = 0;

	if (!size)
		return 0;
	elf.segments[0] = (struct elf_file_segment){ .address = 0x1000, .size = size, .flags = 4 };
	/* The first byte says which of the two ways in is taken. */
	elf.eh_frame = (struct elf_file_section){ .address = 0x1001, .offset = 1, .size = *bytes & 1 ? size - 1 : 0 };
	elf.eh_frame_hdr = (struct elf_file_section){ .address = 0x1001, .offset = 1, .size = size - 1 };
	if (unwind_read(&elf, &functions) == 0)
		for (size_t i = 0; i < functions.count; i++) {
			MUST(functions.at[i].start < functions.at[i].end);
			if (unwind_landing_pads(&elf, &functions.at[i], &budget, see, &sum) != 0 && !budget)
				break;
		}
	free(functions.at);
	return 0;
}
