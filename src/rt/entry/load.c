/*
 * The program and its ELF interpreter are mapped as the kernel maps them, at addresses of the same kind; the initial
 * stack becomes that of the program; the carrier goes. Nothing of the runtime that is written to is there yet.
 *
 * ctx: boot, for all here.
 */
#include "rt/entry/load.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/signal.h>

#include "abi/carrier.h"
#include "abi/kernel.h"
#include "core/format.h"
#include "core/page.h"
#include "core/string.h"
#include "inject/headers.h"
#include "rt/base/auxv.h"

/* Where the kernel puts programs that can be anywhere: two thirds up, and some random bits of a page number more. The
 * break is a few random bits behind the program. */
#define PROGRAM_BASE core_page_down(KERNEL_TASK_SIZE_MAX / 3 * 2)
#define PROGRAM_BITS 28
#define BREAK_BITS 13
#define ATTEMPTS 16
#define PATH_SIZE 4096
#define DELETED " (deleted)" /* behind the paths that /proc shows */
#define EFLAGS_AT_START 0x200ul

static void die(void)
{
	static const char text[] = "k23: killed a program that cannot be loaded\n";

	sys(write, 2, text, sizeof(text) - 1);
	for (;;)
		sys(kill, sys(getpid), SIGKILL);
}

static uint64_t must(long r)
{
	if (failed(r))
		die();
	return (uint64_t)r;
}

/* A number of pages below 2 to the power of `bits`, as a size; 0 if addresses are not to be random. */
static uint64_t random_size(unsigned bits)
{
	uint64_t random = 0;

	if (sys(personality, 0xffffffffu) & KERNEL_ADDR_NO_RANDOMIZE)
		return 0;
	sys(getrandom, &random, sizeof(random), GRND_NONBLOCK);
	return (random & ((1ul << bits) - 1)) * CORE_PAGE;
}

/* The range of addresses that a file's parts take up, in whole pages, before they are moved. */
struct span {
	uint64_t start, end, alignment;
};

static bool is_loaded(const Elf64_Phdr *part)
{
	return part->p_type == PT_LOAD && part->p_memsz;
}

static struct span find_span(const struct carrier_headers *headers)
{
	struct span span = { UINT64_MAX, 0, CORE_PAGE };

	for (unsigned i = 0; i < headers->elf.e_phnum; i++) {
		const Elf64_Phdr *part = &headers->parts[i];

		if (!is_loaded(part))
			continue;
		if (part->p_vaddr < span.start)
			span.start = core_page_down(part->p_vaddr);
		if (core_page_up(part->p_vaddr + part->p_memsz) > span.end)
			span.end = core_page_up(part->p_vaddr + part->p_memsz);
		if (part->p_align > span.alignment && !(part->p_align & (part->p_align - 1)))
			span.alignment = part->p_align;
	}
	if (span.start >= span.end)
		die();
	return span;
}

/* Finds room for a file that can be anywhere. Returns by how much it is moved. is_program: it has an interpreter, and
 * so belongs where programs do. */
static uint64_t reserve(const struct span *span, bool is_program)
{
	const uint64_t size = span->end - span->start, more = span->alignment - CORE_PAGE;
	uint64_t memory, at;

	for (int i = 0; is_program && i < ATTEMPTS; i++) {
		at = (PROGRAM_BASE + random_size(PROGRAM_BITS)) & ~(span->alignment - 1);
		if (!failed(sys(mmap, at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)))
			return at - span->start;
	}
	memory = must(sys(mmap, 0, size + more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	at = (memory + more) & ~(span->alignment - 1);
	if (at > memory)
		sys(munmap, memory, at - memory);
	if (memory + more > at)
		sys(munmap, at + size, memory + more - at);
	return at - span->start;
}

static int part_prot(const Elf64_Phdr *part)
{
	return (part->p_flags & PF_R ? PROT_READ : 0) | (part->p_flags & PF_W ? PROT_WRITE : 0) |
	       (part->p_flags & PF_X ? PROT_EXEC : 0);
}

static void map_at(uint64_t from, uint64_t to, int prot, int flags, long fd, uint64_t offset)
{
	if (to > from)
		must(sys(mmap, from, to - from, prot, MAP_PRIVATE | flags, fd, offset));
}

/* Maps a part: what the file has, and behind it memory that starts as zero. */
static void map_part(long fd, const Elf64_Phdr *part, uint64_t moved, int fixed)
{
	uint64_t at = part->p_vaddr + moved, filled = at + part->p_filesz, end = at + part->p_memsz;
	uint64_t start = core_page_down(at), file_end = part->p_filesz ? core_page_up(filled) : start;
	int prot = part_prot(part);

	map_at(start, file_end, prot, fixed, fd, part->p_offset - (at - start));
	if (end <= filled)
		return;
	if (part->p_filesz && prot & PROT_WRITE)
		memset((void *)filled, 0, file_end - filled);
	map_at(file_end, core_page_up(end), prot, fixed | MAP_ANONYMOUS, -1, 0);
}

/* Unmaps what was reserved between two parts. */
static void open_gap(const struct carrier_headers *headers, unsigned i, uint64_t moved)
{
	uint64_t from = core_page_up(headers->parts[i].p_vaddr + headers->parts[i].p_memsz);

	for (unsigned next = i + 1; next < headers->elf.e_phnum; next++) {
		const Elf64_Phdr *part = &headers->parts[next];

		if (!is_loaded(part))
			continue;
		if (core_page_down(part->p_vaddr) > from)
			sys(munmap, from + moved, core_page_down(part->p_vaddr) - from);
		return;
	}
}

/* Returns by how much the file is moved from the addresses that it names. */
static uint64_t map_file(long fd, const struct carrier_headers *headers, bool is_program)
{
	const bool anywhere = headers->elf.e_type == ET_DYN;
	const struct span span = find_span(headers);
	uint64_t moved = anywhere ? reserve(&span, is_program) : 0;

	for (unsigned i = 0; i < headers->elf.e_phnum; i++) {
		if (!is_loaded(&headers->parts[i]))
			continue;
		map_part(fd, &headers->parts[i], moved, anywhere ? MAP_FIXED : MAP_FIXED_NOREPLACE);
		if (anywhere)
			open_gap(headers, i, moved);
	}
	return moved;
}

/* The address of the program headers in memory, or 0. */
static uint64_t headers_address(const struct carrier_headers *headers, uint64_t moved)
{
	for (unsigned i = 0; i < headers->elf.e_phnum; i++) {
		const Elf64_Phdr *part = &headers->parts[i];

		if (part->p_type == PT_LOAD && headers->elf.e_phoff - part->p_offset < part->p_filesz)
			return headers->elf.e_phoff - part->p_offset + part->p_vaddr + moved;
	}
	return 0;
}

static void set_auxiliary(uint64_t *stack, uint64_t type, uint64_t value)
{
	uint64_t *entry = rt_auxv_find(stack, type);

	if (entry)
		entry[1] = value;
}

/* Takes the carrier's two strings out of the environment. Returns the program's stack, and the path. */
static uint64_t *take_path(uint64_t *stack, const char **path)
{
	uint64_t *environment = stack + 1 + stack[0] + 1, *end = environment;

	while (*end)
		end++;
	*path = (const char *)end[-1];
	memmove(stack + 2, stack, (size_t)((char *)(end - 2) - (char *)stack));
	return stack + 2;
}

/* The end of the last string of a vector whose first word is at `first`; `none` if it is empty. */
static uint64_t strings_end(const uint64_t *first, uint64_t none)
{
	const char *last = NULL;

	for (; *first; first++)
		last = (const char *)*first;
	return last ? (uint64_t)(last + core_strlen(last) + 1) : none;
}

/* What the kernel knows of the memory, as /proc/PID/stat and others show it. */
static struct prctl_mm_map describe_memory(const struct carrier_headers *headers, uint64_t moved, uint64_t *stack)
{
	struct prctl_mm_map map = { .start_code = UINT64_MAX, .exe_fd = UINT32_MAX };
	uint64_t *auxiliary = rt_auxv_find(stack, AT_PHDR), *end = auxiliary;
	uint64_t end_of_all = 0;

	for (unsigned i = 0; i < headers->elf.e_phnum; i++) {
		const Elf64_Phdr *part = &headers->parts[i];
		uint64_t start = part->p_vaddr + moved, filled = start + part->p_filesz;

		if (!is_loaded(part))
			continue;
		if (part->p_flags & PF_X && start < map.start_code)
			map.start_code = start;
		if (part->p_flags & PF_X && filled > map.end_code)
			map.end_code = filled;
		if (start > map.start_data)
			map.start_data = start;
		if (filled > map.end_data)
			map.end_data = filled;
		if (start + part->p_memsz > end_of_all)
			end_of_all = start + part->p_memsz;
	}
	/* The auxiliary vector begins behind the environment. */
	while (auxiliary[-1])
		auxiliary -= 2;
	while (end[0] != AT_NULL)
		end += 2;
	map.auxv = (void *)auxiliary;
	map.auxv_size = (uint32_t)((char *)(end + 2) - (char *)auxiliary);
	map.start_stack = (uint64_t)stack;
	map.arg_start = stack[1] ? stack[1] : (uint64_t)end;
	map.arg_end = map.env_start = strings_end(stack + 1, map.arg_start);
	map.env_end = strings_end(stack + 1 + stack[0] + 1, map.env_start);
	if (!inj_find_part(headers, PT_INTERP) && headers->elf.e_type == ET_DYN)
		end_of_all = PROGRAM_BASE;
	map.start_brk = map.brk = core_page_up(end_of_all) + random_size(BREAK_BITS);
	return map;
}

/* The segment that had the bundle's shared part has gone with the old image if no other process has it. Makes one with
 * the same contents, and attaches it in place of the carrier's mapping. */
static void create_segment(const struct bundle *bundle)
{
	long id = sys(shmget, KERNEL_IPC_PRIVATE, bundle->size,
		      KERNEL_IPC_CREAT | KERNEL_SHM_OWNER | KERNEL_SHM_NORESERVE);
	struct bundle *made;
	long r;

	if (failed(id))
		return;
	r = sys(shmat, id, 0, 0);
	sys(shmctl, id, KERNEL_IPC_RMID, 0); /* it goes when no process has it any more */
	if (failed(r))
		return;
	made = (struct bundle *)r;
	memcpy(made, bundle, bundle->private_start);
	memcpy((char *)made + bundle->store, (const char *)bundle + bundle->store, bundle->store_size);
	made->shared_id = (int32_t)id;
	made->ready.address = 0;
	sys(shmat, id, bundle, KERNEL_SHM_RDONLY | KERNEL_SHM_EXEC | KERNEL_SHM_REMAP);
	sys(shmdt, made);
}

/* Puts a segment in the place of the carrier's mapping, which has the same contents: this code goes on in it. If there
 * can be none, the mapping stays. */
static void attach_bundle(const struct bundle *bundle)
{
	long found;

	/* Whose image there was before had none, and may know that whoever tries is killed. */
	if (bundle->shared_id == BUNDLE_NO_SEGMENT)
		return;
	found = sys(shmat, bundle->shared_id, 0, KERNEL_SHM_RDONLY | KERNEL_SHM_EXEC);
	/* Elsewhere the segment with this id may be another one: see inject/remote.c. */
	if (!failed(found) && ((const struct bundle *)found)->unique == bundle->unique)
		sys(shmat, bundle->shared_id, bundle, KERNEL_SHM_RDONLY | KERNEL_SHM_EXEC | KERNEL_SHM_REMAP);
	else
		create_segment(bundle);
	if (!failed(found))
		sys(shmdt, found);
}

static uint64_t copy_filters(const struct carrier *carrier)
{
	uint64_t memory;

	if (!carrier->filters_size)
		return 0;
	memory = must(sys(mmap, carrier->block.filters, carrier->filters_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memcpy((void *)memory, carrier + 1, carrier->filters_size);
	return memory;
}

static uint64_t copy_values(const struct carrier *carrier)
{
	uint64_t memory;

	if (!carrier->values.size)
		return 0;
	memory = must(sys(mmap, 0, carrier->values.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memcpy((void *)memory, &carrier->values, carrier->values.size);
	return memory;
}

/* Maps the run memories by the descriptors that were left open for that. What cannot be had is not there. */
static void map_memories(const struct bundle *bundle, struct start_block *start)
{
	uint64_t size = 0, offset = 0, base;

	for (uint32_t i = 0; i < bundle->memory_count; i++)
		size += bundle->memories[i].size;
	if (!size)
		return;
	base = must(sys(mmap, 0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	start->memory = base;
	for (uint32_t i = 0; i < bundle->memory_count; i++) {
		int32_t descriptor = start->memories[i] - 1;

		if (descriptor >= 0 &&
		    !failed(sys(mmap, base + offset, bundle->memories[i].size, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, descriptor, 0)))
			start->memory |= 1u << i;
		if (descriptor >= 0)
			sys(close, descriptor);
		if (start->memories[i] < 0)
			start->memory |= 1u << (BUNDLE_MAX_MEMORIES + i);
		offset += bundle->memories[i].size;
	}
}

/* Maps the program, and its ELF interpreter if it has one, and says so on the stack. Returns by how much the program is
 * moved from the addresses that it names. *entry: where it begins. */
static uint64_t load_files(const struct carrier *carrier, uint64_t *stack, uint64_t *entry)
{
	const struct carrier_headers *program = &carrier->program;
	bool has_interpreter = inj_find_part(program, PT_INTERP) != NULL;
	uint64_t moved = map_file(carrier->descriptor, program, has_interpreter), base = 0;
	struct carrier_headers interpreter;

	*entry = program->elf.e_entry + moved;
	set_auxiliary(stack, AT_PHDR, headers_address(program, moved));
	set_auxiliary(stack, AT_PHNUM, program->elf.e_phnum);
	set_auxiliary(stack, AT_ENTRY, *entry);
	if (has_interpreter) {
		must(inj_read_headers(carrier->interpreter, &interpreter));
		base = map_file(carrier->interpreter, &interpreter, false);
		*entry = interpreter.elf.e_entry + base;
		sys(close, carrier->interpreter);
	}
	set_auxiliary(stack, AT_BASE, base);
	return moved;
}

/* Tells the kernel where the program is, and which file it is. The latter needs a capability, and the kernel does it
 * only when nothing of the old file is mapped. Returns whether /proc/PID/exe is the program. */
static bool tell_kernel(struct prctl_mm_map *map, int32_t program)
{
	map->exe_fd = (uint32_t)program;
	if (!failed(sys(prctl, PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map))))
		return true;
	map->exe_fd = UINT32_MAX;
	sys(prctl, PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map));
	return false;
}

static bool leads_to(const char *path, int32_t file)
{
	struct stat there, status;

	return !failed(sys(stat, path, &there)) && !failed(sys(fstat, file, &status)) &&
	       there.st_dev == status.st_dev && there.st_ino == status.st_ino;
}

/* The path of an open file as /proc shows it, in memory of its own; empty: there is no /proc. Of a file on a mount that
 * this process does not see, /proc shows another one: then it is the path that it was called by. */
static char *path_of(int32_t file, const char *called)
{
	char link[32], *path = (char *)must(sys(mmap, 0, PATH_SIZE, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	core_print(link, sizeof(link), "/proc/self/fd/%d", file);
	sys(readlink, link, path, PATH_SIZE - 1);
	if (*called == '/' && !leads_to(path, file) && leads_to(called, file))
		core_print(path, PATH_SIZE, "%s", called);
	return path;
}

/* Names the process after the last part of the path that it was called by. Without one, newer kernels take the name of
 * the file, as the name of the carrier shows. file: the path of the file. */
static void name_process(const char *path, bool by_descriptor, const char *file)
{
	static const char prefix[] = "memfd:";
	char name[16];
	size_t size = 0, start = 0;

	sys(prctl, PR_GET_NAME, name);
	if (by_descriptor && *file && memcmp(name, prefix, sizeof(prefix) - 1) == 0)
		path = file;
	for (; path[size]; size++)
		if (path[size] == '/')
			start = size + 1;
	size -= start;
	if (path == file && size > sizeof(DELETED) &&
	    core_equal(path + start + size - (sizeof(DELETED) - 1), DELETED))
		size -= sizeof(DELETED) - 1;
	if (size > sizeof(name) - 1)
		size = sizeof(name) - 1;
	memcpy(name, path + start, size);
	name[size] = '\0';
	sys(prctl, PR_SET_NAME, name);
}

struct bundle *rt_load(uint64_t *stack, struct start_block *start)
{
	const struct carrier *carrier = (const struct carrier *)core_page_down(rt_auxv_find(stack, AT_PHDR)[1]);
	struct bundle *bundle = (struct bundle *)((uint64_t)carrier + carrier->size);
	int32_t program = carrier->descriptor;
	struct prctl_mm_map map;
	const char *path;
	uint64_t moved;
	char *file;

	/* First of all, so that nothing else is mapped there. */
	map_at((uint64_t)bundle + bundle->private_start, (uint64_t)bundle + bundle->store, PROT_READ | PROT_WRITE,
	       MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	stack = take_path(stack, &path);
	set_auxiliary(stack, AT_EXECFN, (uint64_t)path);
	file = path_of(program, carrier->by_descriptor ? "" : path);
	name_process(path, carrier->by_descriptor, file);
	*start = carrier->block;
	start->filters = copy_filters(carrier);
	start->values = copy_values(carrier);
	map_memories(bundle, start);
	start->stack = (uint64_t)stack;
	start->eflags = EFLAGS_AT_START;
	moved = load_files(carrier, stack, &start->entry);
	map = describe_memory(&carrier->program, moved, stack);
	attach_bundle(bundle);
	sys(munmap, carrier, carrier->size);
	if (tell_kernel(&map, program) || !*file)
		sys(munmap, file, PATH_SIZE);
	else
		start->exe = (uint64_t)file;
	sys(close, program);
	return bundle;
}
