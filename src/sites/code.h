/*
 * The code of a file while it is analysed: what the parts of the analysis hand to each other.
 *
 * The order is: code_start finds the bytes that look like system calls; code_find_functions finds functions;
 * code_sweep, in one pass over all instructions, finds the system calls with their windows, and what leads near them;
 * code_find_jumps adds what jump tables lead to; code_reach finds out what is known to be code, and what is padding.
 * Then code_choose gives a plan to each site that has a window which nothing leads into.
 */
#ifndef SITES_CODE_H
#define SITES_CODE_H

#include <Zydis/Zydis.h>

#include "sites/array.h"
#include "sites/elf_file.h"

#define CODE_TEXTS 16u

/* An executable segment. */
struct code_text {
	uint64_t address, size;
	const uint8_t *bytes;
	uint8_t *near; /* a bit for each byte: the byte may be inside a window */
	uint8_t *pages; /* a bit for each CORE_PAGE bytes: a function that may have sites is in them */
};

struct code_function {
	uint64_t start, end;
	uint64_t padded;   /* the end of the padding behind it */
	bool broken;       /* does not decode from begin to end */
	bool may_have_sites;
	bool has_sites;
	bool has_jumps;    /* indirect jumps by a register */
	bool unknown_jump; /* nothing is known of where one of these jumps leads */
	bool unknown_pads; /* nothing is known of where exceptions land */
	uint32_t references, reference_count; /* in code.references */
};

/* An address inside bytes that may be a window, and the reason why these must not be displaced. */
struct code_fact {
	uint64_t address;
	uint8_t reason; /* enum store_reason */
};

/* Instructions that may make up a window. */
#define CODE_RECENT 8u

struct code_site {
	struct store_site site;
	uint64_t address;
	uint32_t function; /* index, or CODE_NO_FUNCTION */
	uint8_t recent[CODE_RECENT]; /* the windows that end here: the sizes of the last 1, 2, ... instructions */
	uint8_t recent_count;
	uint8_t reached;   /* a bit for each of them: control flow leads to its begin */
};

/* Padding of a function that has sites: instructions without effect that nothing leads to. */
struct code_padding {
	uint64_t start, end;
	uint32_t function;
};
#define CODE_NO_FUNCTION UINT32_MAX

struct code {
	const struct elf_file *elf;
	ZydisDecoder quick; /* lengths and raw bytes */
	ZydisDecoder full;
	struct code_text texts[CODE_TEXTS];
	uint32_t text_count;
	ARRAY(struct code_function) functions; /* by address; none overlap */
	ARRAY(struct code_fact) facts;
	ARRAY(uint64_t) entries; /* where functions that may have sites are entered, apart from their begins */
	ARRAY(uint64_t) references; /* addresses that code computes or names, in the order of the code */
	ARRAY(struct code_site) sites; /* by address */
	ARRAY(struct code_padding) paddings; /* by address */
	bool no_memory; /* so one of these arrays is not complete */
};

/* 0, -ENOEXEC or -ENOMEM. */
long code_start(struct code *code, const struct elf_file *elf) must_check;
void code_end(struct code *code);
/* The text that an address is in, or NULL. */
const struct code_text *code_text(const struct code *code, uint64_t address);
/* The function that an address is in, or NULL. */
struct code_function *code_function(const struct code *code, uint64_t address);
/* Takes a site's plan away. */
static inline void code_no_plan(struct store_site *site)
{
	site->window = site->relative_end = site->kept = 0;
	site->hop = 0;
	site->flags &= (uint8_t)~STORE_STABLE;
	site->relative = site->branch = 0xff;
}

/* Notes that something leads to the address, if the address may be inside a window. */
void code_fact(struct code *code, uint64_t address, enum store_reason reason);

/* Notes that code runs from the address, if the address is in a function that may have sites. */
void code_entry(struct code *code, uint64_t address);
/* Finds out which functions may have sites. */
void code_mark_functions(struct code *code);

/* Whether an instruction is one that is put between others to align these. */
bool code_is_padding(const ZydisDecodedInstruction *instruction) must_check;

static inline bool code_is_opcode(const ZydisDecodedInstruction *instruction, ZydisOpcodeMap map, uint8_t opcode)
{
	return instruction->opcode == opcode && instruction->opcode_map == map &&
	       instruction->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
}

/* functions.c: from .eh_frame, and from symbols where that has nothing. */
long code_find_functions(struct code *code) must_check;
/* sweep.c */
long code_sweep(struct code *code) must_check;
/* Whether the sweep would find a site, which is quicker to say. */
bool code_has_sites(const struct code *code);
/* jumps.c. 0, -ENOMEM, or -E2BIG: what looks like jump tables is too large to be them. */
long code_find_jumps(struct code *code) must_check;
/* reach.c */
long code_reach(struct code *code) must_check;
/* choose.c. The facts and the sites are sorted, and observed sites are marked. */
void code_choose(struct code *code);

#endif
