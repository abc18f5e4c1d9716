#include "rt/text/vdso.h"

#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/mman.h>

#include "abi/syscall.h"
#include "core/string.h"
#include "rt/base/auxv.h"
#include "rt/base/chain.h"
#include "rt/base/entry_points.h"
#include "rt/base/message.h"

#define TYPE_IGNORE 1 /* AT_IGNORE of the auxiliary vector */

struct vdso {
	uintptr_t base;
	uintptr_t size;
	const Elf64_Sym *symbols;
	const char *strings;
	uint32_t count;
	uintptr_t unwind; /* .eh_frame_hdr; 0: none */
};

struct function {
	char name[24];
	long nr;
};

static const struct function functions[] = {
	{ "__vdso_clock_gettime", __NR_clock_gettime },
	{ "__vdso_clock_getres", __NR_clock_getres },
	{ "__vdso_gettimeofday", __NR_gettimeofday },
	{ "__vdso_time", __NR_time },
	{ "__vdso_getcpu", __NR_getcpu },
	{ "__vdso_getrandom", 318 /* getrandom, with a state of its own: see write_function() */ },
};

/* ctx: boot */
static bool read_vdso(struct vdso *vdso, uintptr_t base)
{
	const Elf64_Ehdr *elf = (const void *)base;
	const Elf64_Phdr *headers = (const void *)(base + elf->e_phoff);
	const Elf64_Dyn *dynamic = NULL;
	uint64_t end;

	memset(vdso, 0, sizeof(*vdso));
	vdso->base = base;
	/* The kernel maps all of the file, whose end is its section headers, and does not let the mapping be split. */
	end = elf->e_shoff + (uint64_t)elf->e_shnum * elf->e_shentsize;
	for (int i = 0; i < elf->e_phnum; i++) {
		if (headers[i].p_type == PT_LOAD)
			vdso->size = core_page_up(end > headers[i].p_memsz ? end : headers[i].p_memsz);
		else if (headers[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(base + headers[i].p_offset);
		else if (headers[i].p_type == PT_GNU_EH_FRAME)
			vdso->unwind = base + headers[i].p_offset;
	}
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag == DT_SYMTAB)
			vdso->symbols = (const void *)(base + dynamic->d_un.d_ptr);
		else if (dynamic->d_tag == DT_STRTAB)
			vdso->strings = (const void *)(base + dynamic->d_un.d_ptr);
		else if (dynamic->d_tag == DT_HASH)
			vdso->count = ((const uint32_t *)(base + dynamic->d_un.d_ptr))[1];
	}
	/* Without DT_HASH: the strings follow the symbols, so these end where the strings begin. */
	if (!vdso->count && (uintptr_t)vdso->strings > (uintptr_t)vdso->symbols)
		vdso->count = (uint32_t)(((uintptr_t)vdso->strings - (uintptr_t)vdso->symbols) /
					 sizeof(Elf64_Sym));
	return vdso->size && vdso->symbols && vdso->strings;
}

/* ctx: boot */
static const Elf64_Sym *find_function(const struct vdso *vdso, const char *name)
{
	for (uint32_t i = 0; i < vdso->count; i++)
		if (vdso->symbols[i].st_value && core_equal(vdso->strings + vdso->symbols[i].st_name, name))
			return &vdso->symbols[i];
	return NULL;
}

/* Writes a system call over a function of the vDSO. But the vDSO's getrandom keeps a state for the C library, so no
 * system call can take its place: the new function returns ENOSYS, upon which the library makes the system call itself.
 * ctx: boot */
static void write_function(uint8_t *code, size_t size, long nr)
{
	if (nr == 318)
		core_patch_error(code, ENOSYS);
	else
		core_patch_call(code, size, (uint32_t)nr, rt.fast ? (uint64_t)rt_fast_dispatch : 0);
}

#define PCREL_SDATA4 0x1b /* DW_EH_PE_pcrel | DW_EH_PE_sdata4: a 32-bit displacement from its own address */

/* ctx: any */
static uint32_t read_word(uintptr_t at)
{
	uint32_t value;

	memcpy(&value, (const void *)at, sizeof(value));
	return value;
}

/* The address that a displacement at `at` means. ctx: any */
static uintptr_t read_relative(uintptr_t at)
{
	return at + (uintptr_t)(intptr_t)(int32_t)read_word(at);
}

/* Whether the descriptions (FDE) of a CIE have addresses of the kind PCREL_SDATA4, and nothing else in front of their
 * instructions. Such a CIE has version 1 and the augmentation "zR", with one byte of data. Its two factors and its
 * register are a byte each. ctx: boot */
static bool is_plain_cie(uintptr_t cie)
{
	static const uint8_t begin[] = { 1, 'z', 'R', 0 };
	const uint8_t *bytes = (const uint8_t *)cie + 8;

	return memcmp(bytes, begin, sizeof(begin)) == 0 && bytes[7] == 1 && bytes[8] == PCREL_SDATA4;
}

/* Makes the unwind table fit a function that was replaced: its description (FDE) still says what the old code did to
 * the stack. With all instructions made DW_CFA_nop (0), the description says what holds at a function's begin, and
 * everywhere in what write_function writes. ctx: boot */
static void clear_description(const struct vdso *vdso, uintptr_t function)
{
	const uint8_t *header = (const uint8_t *)vdso->unwind;
	uintptr_t end = vdso->base + vdso->size, entry, next;

	if (!vdso->unwind || header[0] != 1 || header[1] != PCREL_SDATA4)
		return;
	for (entry = read_relative(vdso->unwind + 4); entry >= vdso->base && entry + 8 <= end && read_word(entry);
	     entry = next) {
		uintptr_t cie = entry + 4 - read_word(entry + 4);

		next = entry + 4 + read_word(entry);
		if (next > end || !read_word(entry + 4) || cie < vdso->base || cie + 24 > end)
			continue;
		/* A description has: length, CIE, begin, size, the length of its augmentation (0), instructions. */
		if (next > entry + 17 && read_relative(entry + 8) == function && is_plain_cie(cie) &&
		    *(const uint8_t *)(entry + 16) == 0)
			memset((void *)(entry + 17), 0, next - (entry + 17));
	}
}

/* ctx: boot */
void rt_vdso_patch(const uint64_t *stack)
{
	uint64_t *entry = rt_auxv_find(stack, AT_SYSINFO_EHDR);
	struct vdso vdso;
	bool wanted = false;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		wanted |= rt_chain_wants(functions[i].nr);
	if (!entry || !wanted)
		return;
	if (!read_vdso(&vdso, entry[1]) || rt.frozen ||
	    failed(sys(mprotect, vdso.base, vdso.size, PROT_READ | PROT_EXEC)) ||
	    failed(sys(mprotect, vdso.base, vdso.size, PROT_READ | PROT_WRITE))) {
		/* The vDSO cannot be changed, so it is hidden from the program. */
		entry[0] = TYPE_IGNORE;
		return;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const Elf64_Sym *symbol = find_function(&vdso, functions[i].name);

		if (!symbol || !rt_chain_wants(functions[i].nr))
			continue;
		write_function((uint8_t *)vdso.base + symbol->st_value, symbol->st_size, functions[i].nr);
		clear_description(&vdso, vdso.base + symbol->st_value);
	}
	if (failed(sys(mprotect, vdso.base, vdso.size, PROT_READ | PROT_EXEC)))
		rt_panic("cannot protect the vDSO", 0);
}
