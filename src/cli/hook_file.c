/*
 * Reading the ELF files of a bundle with libelf, and refusing those that break a rule of k23's.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/hook_file.h"
#include "core/page.h"

#define LARGEST (16ull << 20) /* a larger hook is a mistake: hooks are copied at every execve */

__attribute__((format(printf, 2, 3))) static bool problem_is(char **problem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(problem, format, args) < 0)
		*problem = NULL;
	va_end(args);
	return false;
}

static bool read_segment(struct hook_file *file, const GElf_Phdr *header, const char *image, size_t image_size,
			 char **problem)
{
	struct hook_file_segment *segment = &file->segments[file->segment_count];
	uint64_t end;

	if (file->segment_count == HOOK_FILE_SEGMENTS)
		return problem_is(problem, "it has more than %d segments", HOOK_FILE_SEGMENTS);
	if (header->p_vaddr + header->p_memsz < header->p_vaddr || header->p_vaddr + header->p_memsz > LARGEST ||
	    header->p_offset > image_size || header->p_filesz > image_size - header->p_offset ||
	    header->p_filesz > header->p_memsz)
		return problem_is(problem, "its segments are damaged or too large");
	segment->address = core_page_down(header->p_vaddr);
	segment->lead = header->p_vaddr - segment->address;
	end = core_page_up(header->p_vaddr + header->p_memsz);
	segment->size = end - segment->address;
	segment->prot = (header->p_flags & PF_R ? PROT_READ : 0) | (header->p_flags & PF_W ? PROT_WRITE : 0) |
			(header->p_flags & PF_X ? PROT_EXEC : 0);
	segment->contents = image + header->p_offset;
	segment->contents_size = header->p_filesz;
	if ((segment->prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
		return problem_is(problem, "it has a segment that is writable and executable");
	if (segment->address < file->size)
		return problem_is(problem, "its segments share pages (link it with -Wl,-z,separate-code)");
	file->size = end;
	file->segment_count++;
	return true;
}

static bool read_segments(struct hook_file *file, char **problem)
{
	size_t count, image_size;
	const char *image = elf_rawfile(file->elf, &image_size);

	if (!image || elf_getphdrnum(file->elf, &count) != 0)
		return problem_is(problem, "it has no program headers");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(file->elf, (int)i, &header))
			return problem_is(problem, "its program headers are damaged");
		if (header.p_type == PT_TLS)
			return problem_is(problem, "it has thread-local variables (use .thread_size)");
		if (header.p_type == PT_LOAD && header.p_memsz &&
		    !read_segment(file, &header, image, image_size, problem))
			return false;
	}
	return file->segment_count ? true : problem_is(problem, "it has nothing to load");
}

/* Calls use() for each section of a type. */
static bool for_sections(struct hook_file *file, uint32_t type,
			 bool (*use)(struct hook_file *, const GElf_Shdr *, Elf_Data *, char **), char **problem)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(file->elf, section))) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != type)
			continue;
		data = elf_getdata(section, NULL);
		if (!data)
			return problem_is(problem, "a section is damaged");
		if (header.sh_entsize && !use(file, &header, data, problem))
			return false;
	}
	return true;
}

static bool check_dynamic(struct hook_file *file, const GElf_Shdr *header, Elf_Data *data, char **problem)
{
	for (size_t i = 0; i < header->sh_size / header->sh_entsize; i++) {
		GElf_Dyn entry;

		if (!gelf_getdyn(data, (int)i, &entry))
			break;
		if (entry.d_tag == DT_NEEDED)
			return problem_is(problem, "it needs the library %s (link it with -nostdlib)",
					  elf_strptr(file->elf, header->sh_link, entry.d_un.d_val));
		if (entry.d_tag == DT_INIT || (entry.d_tag == DT_INIT_ARRAYSZ && entry.d_un.d_val))
			return problem_is(problem, "it has constructors (use .init)");
	}
	return true;
}

static bool check_symbols(struct hook_file *file, const GElf_Shdr *header, Elf_Data *data, char **problem)
{
	for (size_t i = 1; i < header->sh_size / header->sh_entsize; i++) {
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			break;
		if (symbol.st_shndx == SHN_UNDEF)
			return problem_is(problem, "it uses %s, which nobody provides: there is no libc in a hook",
					  elf_strptr(file->elf, header->sh_link, symbol.st_name));
	}
	return true;
}

static const struct hook_file_segment *segment_of(const struct hook_file *file, uint64_t address, size_t size)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct hook_file_segment *segment = &file->segments[i];

		if (address >= segment->address && address - segment->address <= segment->size &&
		    size <= segment->size - (address - segment->address))
			return segment;
	}
	return NULL;
}

static bool read_relocations(struct hook_file *file, const GElf_Shdr *header, Elf_Data *data, char **problem)
{
	size_t count = header->sh_size / header->sh_entsize;
	Elf_Data *symbols = elf_getdata(elf_getscn(file->elf, header->sh_link), NULL);

	if (!(header->sh_flags & SHF_ALLOC) || !count)
		return true;
	file->fixups = reallocarray(file->fixups, file->fixup_count + count, sizeof(*file->fixups));
	if (!file->fixups)
		die(EXIT_K23, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const struct hook_file_segment *segment;
		GElf_Rela relocation;
		GElf_Sym symbol = { 0 };
		uint64_t value;

		if (!gelf_getrela(data, (int)i, &relocation))
			return problem_is(problem, "its relocations are damaged");
		value = (uint64_t)relocation.r_addend;
		switch (GELF_R_TYPE(relocation.r_info)) {
		case R_X86_64_NONE:
			continue;
		case R_X86_64_RELATIVE:
			break;
		case R_X86_64_GLOB_DAT:
		case R_X86_64_JUMP_SLOT:
		case R_X86_64_64:
			if (!symbols || !gelf_getsym(symbols, (int)GELF_R_SYM(relocation.r_info), &symbol))
				return problem_is(problem, "its relocations are damaged");
			value = symbol.st_value +
				(GELF_R_TYPE(relocation.r_info) == R_X86_64_64 ? value : 0);
			break;
		default:
			return problem_is(problem, "it has a relocation of type %u, which k23 does not know",
					  (unsigned)GELF_R_TYPE(relocation.r_info));
		}
		segment = segment_of(file, relocation.r_offset, 8);
		if (!segment || !(segment->prot & PROT_WRITE))
			return problem_is(problem, "it has relocations in its text (compile it with -fPIC)");
		file->fixups[file->fixup_count++] = (struct hook_file_fixup){ relocation.r_offset, value };
	}
	return true;
}

static bool read_file(struct hook_file *file, char **problem)
{
	GElf_Ehdr header;

	if (elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &header))
		return problem_is(problem, "it is not an ELF file");
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 || header.e_type != ET_DYN)
		return problem_is(problem, "it is not a shared object for 64-bit x86");
	file->entry = header.e_entry;
	return read_segments(file, problem) && for_sections(file, SHT_DYNAMIC, check_dynamic, problem) &&
	       for_sections(file, SHT_DYNSYM, check_symbols, problem) &&
	       for_sections(file, SHT_RELA, read_relocations, problem);
}

bool hook_file_open(struct hook_file *file, const char *path, char **problem)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(file, 0, sizeof(*file));
	file->path = path;
	if (fd < 0)
		return problem_is(problem, "%s", strerror(errno));
	elf_version(EV_CURRENT);
	file->elf = elf_begin(fd, ELF_C_READ, NULL);
	/* From here on it is read from memory: no descriptor stays open. */
	if (file->elf)
		elf_cntl(file->elf, ELF_C_FDREAD);
	close(fd);
	return file->elf ? read_file(file, problem) : problem_is(problem, "%s", elf_errmsg(-1));
}

bool hook_file_open_memory(struct hook_file *file, const char *name, char *image, size_t size, char **problem)
{
	memset(file, 0, sizeof(*file));
	file->path = name;
	elf_version(EV_CURRENT);
	file->elf = elf_memory(image, size);
	return file->elf ? read_file(file, problem) : problem_is(problem, "%s", elf_errmsg(-1));
}

void hook_file_close(struct hook_file *file)
{
	elf_end(file->elf);
	free(file->fixups);
}

uint64_t hook_file_symbol(const struct hook_file *file, const char *name)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(file->elf, section))) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) ||
		    (header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB) || !header.sh_entsize ||
		    !(data = elf_getdata(section, NULL)))
			continue;
		for (size_t i = 1; i < header.sh_size / header.sh_entsize; i++) {
			GElf_Sym symbol;
			const char *found;

			if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF)
				continue;
			found = elf_strptr(file->elf, header.sh_link, symbol.st_name);
			if (found && strcmp(found, name) == 0)
				return symbol.st_value;
		}
	}
	return 0;
}

const void *hook_file_at(const struct hook_file *file, uint64_t address, size_t size)
{
	const struct hook_file_segment *segment = segment_of(file, address, size);
	uint64_t offset;

	if (!segment || address < segment->address + segment->lead)
		return NULL;
	offset = address - segment->address - segment->lead;
	return offset <= segment->contents_size && size <= segment->contents_size - offset
		       ? segment->contents + offset
		       : NULL;
}

uint64_t hook_file_word(const struct hook_file *file, uint64_t address)
{
	const uint64_t *word = hook_file_at(file, address, sizeof(*word));

	for (size_t i = 0; i < file->fixup_count; i++)
		if (file->fixups[i].address == address)
			return file->fixups[i].value;
	return word ? *word : 0;
}
