#include "sites/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sites/bytes.h"

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

const uint8_t *elf_file_table(const struct elf_file *elf, uint64_t offset, uint64_t count, uint64_t size)
{
	if (offset > elf->size || count > (elf->size - offset) / size)
		return NULL;
	return elf->bytes + offset;
}

static int by_address(const void *a, const void *b)
{
	const struct elf_file_segment *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Adds the part of a PT_LOAD segment that is in the file. */
static bool add_segment(struct elf_file *elf, const Elf64_Phdr *header)
{
	struct elf_file_segment *segment = &elf->segments[elf->segment_count];
	uint64_t size = header->p_filesz;

	if (header->p_offset >= elf->size || !size)
		return true;
	if (size > elf->size - header->p_offset)
		size = elf->size - header->p_offset;
	if (elf->segment_count == ELF_FILE_SEGMENTS || header->p_vaddr > (1ul << 47) || size > (1ul << 46))
		return false;
	*segment = (struct elf_file_segment){ header->p_vaddr, header->p_offset, size, header->p_flags };
	elf->segment_count++;
	return true;
}

static long parse_program_headers(struct elf_file *elf, const Elf64_Ehdr *header)
{
	const uint8_t *at = elf_file_table(elf, header->e_phoff, header->e_phnum, sizeof(Elf64_Phdr));

	if (!at || header->e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	for (uint32_t i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, at + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_LOAD && !add_segment(elf, &segment))
			return -ENOEXEC;
		if (segment.p_type == PT_GNU_EH_FRAME)
			elf->eh_frame_hdr = (struct elf_file_section){ segment.p_vaddr, segment.p_offset,
								      segment.p_filesz };
		if (segment.p_type == PT_INTERP && elf_file_table(elf, segment.p_offset, segment.p_filesz, 1)) {
			elf->interpreter = segment.p_offset;
			elf->interpreter_size = segment.p_filesz;
		}
		if (segment.p_type == PT_DYNAMIC && elf_file_table(elf, segment.p_offset, segment.p_filesz, 1)) {
			elf->dynamic = segment.p_offset;
			elf->dynamic_size = segment.p_filesz;
		}
	}
	qsort(elf->segments, elf->segment_count, sizeof(*elf->segments), by_address);
	for (uint32_t i = 1; i < elf->segment_count; i++)
		if (elf->segments[i].address - elf->segments[i - 1].address < elf->segments[i - 1].size)
			return -ENOEXEC; /* one address, two contents */
	return 0;
}

bool elf_file_section_header(const struct elf_file *elf, uint32_t index, Elf64_Shdr *section)
{
	Elf64_Ehdr header;
	const uint8_t *at;

	memcpy(&header, elf->bytes, sizeof(header));
	if (header.e_shentsize != sizeof(*section) || index >= header.e_shnum)
		return false;
	at = elf_file_table(elf, header.e_shoff, header.e_shnum, sizeof(*section));
	if (!at)
		return false;
	memcpy(section, at + index * sizeof(*section), sizeof(*section));
	return true;
}

bool elf_file_find_section(const struct elf_file *elf, const char *name, struct elf_file_section *found)
{
	size_t length = strlen(name) + 1;
	Elf64_Shdr section, strings;
	Elf64_Ehdr header;

	memcpy(&header, elf->bytes, sizeof(header));
	if (!elf_file_section_header(elf, header.e_shstrndx, &strings))
		return false;
	for (uint32_t i = 0; elf_file_section_header(elf, i, &section); i++) {
		const uint8_t *at;

		if (!(section.sh_flags & SHF_ALLOC) || section.sh_type == SHT_NOBITS ||
		    section.sh_name > strings.sh_size || strings.sh_offset > UINT64_MAX - section.sh_name)
			continue;
		at = elf_file_table(elf, strings.sh_offset + section.sh_name, length, 1);
		if (at && memcmp(at, name, length) == 0 &&
		    elf_file_table(elf, section.sh_offset, section.sh_size, 1)) {
			*found = (struct elf_file_section){ section.sh_addr, section.sh_offset, section.sh_size };
			return true;
		}
	}
	return false;
}

long elf_file_parse(struct elf_file *elf, const uint8_t *bytes, size_t size)
{
	Elf64_Ehdr header;
	long r;

	memset(elf, 0, sizeof(*elf));
	elf->bytes = bytes;
	elf->size = size;
	if (size < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_machine != EM_X86_64 || (header.e_type != ET_EXEC && header.e_type != ET_DYN))
		return -ENOEXEC;
	elf->fixed = header.e_type == ET_EXEC;
	elf->entry = header.e_entry;
	r = parse_program_headers(elf, &header);
	if (r == 0)
		elf_file_find_section(elf, ".eh_frame", &elf->eh_frame);
	return r;
}

static long read_bytes(int fd, struct stat *before, uint8_t **bytes)
{
	struct stat after;
	long r;

	if (fstat(fd, before) != 0)
		return -errno;
	if (!S_ISREG(before->st_mode) || before->st_size <= 0)
		return -ENOEXEC;
	/* The file is not mapped, as it may shrink at any time. */
	*bytes = mmap(NULL, (size_t)before->st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		      -1, 0);
	if (*bytes == MAP_FAILED)
		return -ENOMEM;
	r = bytes_load(fd, *bytes, (size_t)before->st_size);
	if (r == -ENODATA)
		r = -ESTALE;
	if (r == 0 && fstat(fd, &after) != 0)
		r = -errno;
	if (r == 0 && (after.st_size != before->st_size || after.st_ctim.tv_sec != before->st_ctim.tv_sec ||
		       after.st_ctim.tv_nsec != before->st_ctim.tv_nsec))
		r = -ESTALE;
	if (r != 0)
		munmap(*bytes, (size_t)before->st_size);
	return r;
}

long elf_file_open(struct elf_file *elf, const char *path)
{
	/* Not blocking, as the path may be a FIFO's. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t *bytes = NULL;
	struct stat status;
	long r;

	if (fd < 0)
		return -errno;
	r = read_bytes(fd, &status, &bytes);
	close(fd);
	if (r != 0)
		return r;
	r = elf_file_parse(elf, bytes, (size_t)status.st_size);
	elf->stat = status;
	if (r != 0)
		elf_file_close(elf);
	return r;
}

void elf_file_close(struct elf_file *elf)
{
	munmap((void *)elf->bytes, elf->size);
	elf->bytes = NULL;
}

const struct elf_file_segment *elf_file_segment(const struct elf_file *elf, uint64_t address)
{
	for (uint32_t i = 0; i < elf->segment_count; i++)
		if (address - elf->segments[i].address < elf->segments[i].size)
			return &elf->segments[i];
	return NULL;
}

const struct elf_file_segment *elf_file_segment_of_offset(const struct elf_file *elf, uint64_t offset)
{
	/* Two segments may share a page of the file: executable ones come first. */
	for (int text = 1; text >= 0; text--)
		for (uint32_t i = 0; i < elf->segment_count; i++)
			if (offset - elf->segments[i].offset < elf->segments[i].size &&
			    elf_file_is_text(&elf->segments[i]) >= text)
				return &elf->segments[i];
	return NULL;
}

const uint8_t *elf_file_at(const struct elf_file *elf, uint64_t address, uint64_t size)
{
	const struct elf_file_segment *segment = elf_file_segment(elf, address);

	if (!segment || size > segment->size - (address - segment->address))
		return NULL;
	return elf->bytes + segment->offset + (address - segment->address);
}

void elf_file_symbols(const struct elf_file *elf, elf_file_symbol_fn *see, void *context)
{
	Elf64_Shdr section;

	for (uint32_t i = 0; elf_file_section_header(elf, i, &section); i++) {
		const uint8_t *at = elf_file_table(elf, section.sh_offset, section.sh_size, 1);

		if ((section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) || !at ||
		    section.sh_entsize != sizeof(Elf64_Sym))
			continue;
		for (uint64_t n = 0; n < section.sh_size / sizeof(Elf64_Sym); n++) {
			Elf64_Sym symbol;
			unsigned type;

			memcpy(&symbol, at + n * sizeof(symbol), sizeof(symbol));
			type = ELF64_ST_TYPE(symbol.st_info);
			if (symbol.st_shndx == SHN_UNDEF || type == STT_TLS || type == STT_FILE || type == STT_SECTION)
				continue;
			if (!see(context, &symbol))
				return;
		}
	}
}

/* The value of the index-th entry with a tag; false: there is none. */
static bool find_dynamic(const struct elf_file *elf, int64_t tag, unsigned index, uint64_t *value)
{
	for (uint64_t n = 0; n < elf->dynamic_size / sizeof(Elf64_Dyn); n++) {
		Elf64_Dyn entry;

		memcpy(&entry, elf->bytes + elf->dynamic + n * sizeof(entry), sizeof(entry));
		if (entry.d_tag == tag && index-- == 0) {
			*value = entry.d_un.d_val;
			return true;
		}
		if (entry.d_tag == DT_NULL)
			break;
	}
	return false;
}

static uint64_t dynamic_value(const struct elf_file *elf, int64_t tag)
{
	uint64_t value = 0;

	find_dynamic(elf, tag, 0, &value);
	return value;
}

const char *elf_file_interpreter(const struct elf_file *elf)
{
	const char *name = (const char *)elf->bytes + elf->interpreter;

	return elf->interpreter_size && !name[elf->interpreter_size - 1] ? name : NULL;
}

const char *elf_file_string(const struct elf_file *elf, int64_t tag, unsigned index)
{
	uint64_t size = dynamic_value(elf, DT_STRSZ), at = 0;
	const uint8_t *strings = elf_file_at(elf, dynamic_value(elf, DT_STRTAB), size);

	if (!strings || !find_dynamic(elf, tag, index, &at) || at >= size || !memchr(strings + at, 0, size - at))
		return NULL;
	return (const char *)strings + at;
}

/* The value of a symbol, to which a relocation against it adds. */
static uint64_t symbol_value(const struct elf_file *elf, uint64_t symbols, uint64_t index)
{
	const uint8_t *at = index ? elf_file_at(elf, symbols + index * sizeof(Elf64_Sym), sizeof(Elf64_Sym)) : NULL;
	Elf64_Sym symbol = { 0 };

	if (at)
		memcpy(&symbol, at, sizeof(symbol));
	return symbol.st_value;
}

/* DT_RELR: an even entry is the address of a word to relocate, an odd one has a bit for each of the 63 words behind. */
static void packed_relocations(const struct elf_file *elf, elf_file_value_fn *see, void *context)
{
	uint64_t size = dynamic_value(elf, DT_RELRSZ), where = 0;
	const uint8_t *at = elf_file_at(elf, dynamic_value(elf, DT_RELR), size), *word;

	for (uint64_t n = 0; at && n < size / sizeof(uint64_t); n++) {
		uint64_t entry, value, bits = 1;

		memcpy(&entry, at + n * sizeof(entry), sizeof(entry));
		if (entry & 1)
			bits = entry >> 1;
		else
			where = entry;
		for (unsigned i = 0; bits >> i && i < 63; i++) {
			word = bits >> i & 1 ? elf_file_at(elf, where + i * sizeof(value), sizeof(value)) : NULL;
			if (word)
				memcpy(&value, word, sizeof(value));
			if (word && !see(context, value))
				return;
		}
		where += (entry & 1 ? 63 : 1) * sizeof(value);
	}
}

void elf_file_relocations(const struct elf_file *elf, elf_file_value_fn *see, void *context)
{
	static const int64_t tables[][2] = { { DT_RELA, DT_RELASZ }, { DT_JMPREL, DT_PLTRELSZ } };
	uint64_t symbols = dynamic_value(elf, DT_SYMTAB);

	packed_relocations(elf, see, context);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint64_t address = dynamic_value(elf, tables[i][0]), size = dynamic_value(elf, tables[i][1]);
		const uint8_t *at = elf_file_at(elf, address, size);

		for (uint64_t n = 0; at && n < size / sizeof(Elf64_Rela); n++) {
			Elf64_Rela entry;

			memcpy(&entry, at + n * sizeof(entry), sizeof(entry));
			if (!see(context, symbol_value(elf, symbols, ELF64_R_SYM(entry.r_info)) +
						  (uint64_t)entry.r_addend))
				return;
		}
	}
}
