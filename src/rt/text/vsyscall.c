#include "rt/text/vsyscall.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "core/format.h"
#include "core/hash.h"
#include "core/string.h"
#include "core/vsyscall.h"
#include "rt/base/auxv.h"
#include "rt/base/copy.h"
#include "rt/base/run_memory.h"
#include "rt/text/plans.h"

#define PIECE 65536u
#define HEADERS 64u /* more than linkers make */

/* What tells one file from another; never 0. ctx: boot | entry */
static uint64_t key_of(const struct stat *status)
{
	const uint64_t facts[] = { status->st_dev, status->st_ino, (uint64_t)status->st_size, status->st_mtime,
				   status->st_mtime_nsec, status->st_ctime, status->st_ctime_nsec };

	return core_hash(CORE_HASH_START, facts, sizeof(facts)) | 1;
}

/* Reads a piece of what is looked through. Returns how many bytes, or -errno. */
typedef long read_fn(uint64_t from, uint64_t offset, unsigned char *to, size_t size);

/* ctx: boot | entry */
static long read_memory(uint64_t from, uint64_t offset, unsigned char *to, size_t size)
{
	long r = rt_copy_from(to, from + offset, size);

	return failed(r) ? r : (long)size;
}

/* ctx: entry */
static long read_file(uint64_t from, uint64_t offset, unsigned char *to, size_t size)
{
	return sys(pread64, from, to, size, offset);
}

/* Where a file was cut, or memory cannot be read, there is no code. ctx: boot | entry */
static bool is_named(read_fn *read, uint64_t from, uint64_t offset, uint64_t size)
{
	long memory = sys(mmap, 0, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	unsigned char *bytes = (unsigned char *)memory;
	bool named = failed(memory); /* it may be */

	for (uint64_t at = 0; at < size && !named; at += PIECE - CORE_VSYSCALL_OVERLAP) {
		uint64_t left = size - at;
		long r = read(from, offset + at, bytes, left < PIECE ? left : PIECE);

		if (failed(r) || r == 0)
			break;
		named = core_vsyscall_named(bytes, (size_t)r);
	}
	if (!failed(memory))
		sys(munmap, memory, PIECE);
	return named;
}

/* Looks through a segment, from the word on in which it begins. at: where that is, in `from`. ctx: boot | entry */
static bool is_segment_named(const Elf64_Phdr *header, read_fn *read, uint64_t from, uint64_t at)
{
	return header->p_type == PT_LOAD && header->p_flags & PF_R &&
	       is_named(read, from, at & ~7ul, header->p_filesz + (at & 7));
}

/* Whether a file need not be looked through. key: of it. ctx: boot | entry */
static bool is_known(uint64_t key, const struct stat *status)
{
	return rt_run_memories_has_file(key) || rt_plans_no_vsyscall(status);
}

/* Counted first: the process may be killed in between. ctx: boot | entry */
static void note(uint64_t key, bool named, const char *path)
{
	if (named)
		rt_run_memories_gap(GAP_VSYSCALL, 1, path);
	if (!rt_run_memories_add_file(key) && named)
		rt_run_memories_gap(GAP_VSYSCALL, -1, NULL);
}

/* An image that the kernel has mapped, as its program headers say. bias: what is to be added to their addresses.
 * ctx: boot */
static void look_through_image(const Elf64_Phdr *headers, uint64_t count, uint64_t bias, const char *path)
{
	struct stat status;
	uint64_t key = 0;
	bool named = false;

	if (path && !failed(sys(newfstatat, AT_FDCWD, path, &status, 0)))
		key = key_of(&status);
	if (key && is_known(key, &status))
		return;
	for (uint64_t i = 0; i < count && !named; i++)
		named = is_segment_named(&headers[i], read_memory, bias, headers[i].p_vaddr);
	note(key, named, path);
}

/* ctx: boot */
static const Elf64_Phdr *find_header(const Elf64_Phdr *headers, uint64_t count, uint32_t type)
{
	for (uint64_t i = 0; i < count; i++)
		if (headers[i].p_type == type)
			return &headers[i];
	return NULL;
}

/* ctx: boot */
void rt_vsyscall_start(const uint64_t *stack)
{
	const uint64_t *at = rt_auxv_find(stack, AT_PHDR), *number = rt_auxv_find(stack, AT_PHNUM);
	const uint64_t *base = rt_auxv_find(stack, AT_BASE), *name = rt_auxv_find(stack, AT_EXECFN);
	const Elf64_Phdr *headers = at ? (const Elf64_Phdr *)at[1] : NULL, *header;
	const Elf64_Ehdr *interpreter;
	uint64_t bias = 0;

	if (!rt_run_memories_want_files() || !headers || !number)
		return;
	header = find_header(headers, number[1], PT_PHDR);
	if (header)
		bias = at[1] - header->p_vaddr;
	look_through_image(headers, number[1], bias, name ? (const char *)name[1] : NULL);
	header = find_header(headers, number[1], PT_INTERP);
	interpreter = base ? (const Elf64_Ehdr *)base[1] : NULL;
	if (header && interpreter && memcmp(interpreter->e_ident, ELFMAG, SELFMAG) == 0 &&
	    interpreter->e_phoff + interpreter->e_phnum * sizeof(*header) <= CORE_PAGE)
		look_through_image((const Elf64_Phdr *)(base[1] + interpreter->e_phoff), interpreter->e_phnum, base[1],
				   (const char *)(bias + header->p_vaddr));
}

/* Others may be as large as they like, and change all the time, as those do into which just-in-time compilers write.
 * ctx: entry */
static bool is_elf(int fd, Elf64_Ehdr *elf)
{
	return read_file((uint64_t)fd, 0, (unsigned char *)elf, sizeof(*elf)) == sizeof(*elf) &&
	       memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0 && elf->e_phentsize == sizeof(Elf64_Phdr);
}

/* ctx: entry */
static bool is_file_named(int fd, const Elf64_Ehdr *elf)
{
	Elf64_Phdr headers[HEADERS];
	uint64_t size = elf->e_phnum * sizeof(*headers);
	bool named = false;

	if (elf->e_phnum > HEADERS)
		return is_named(read_file, (uint64_t)fd, 0, ~7ul); /* all of it */
	if (read_file((uint64_t)fd, elf->e_phoff, (unsigned char *)headers, size) != (long)size)
		return false;
	for (uint64_t i = 0; i < elf->e_phnum && !named; i++)
		named = is_segment_named(&headers[i], read_file, (uint64_t)fd, headers[i].p_offset);
	return named;
}

/* ctx: entry */
void rt_vsyscall_mapped(int fd)
{
	char link[32], path[GAP_PLACE_SIZE * 4];
	struct stat status;
	Elf64_Ehdr elf;
	uint64_t key;
	bool named;
	long length;

	if (!rt_run_memories_want_files() || failed(sys(fstat, fd, &status)) || (status.st_mode & S_IFMT) != S_IFREG)
		return;
	key = key_of(&status);
	if (is_known(key, &status) || !is_elf(fd, &elf))
		return;
	named = is_file_named(fd, &elf);
	core_print(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = named ? sys(readlink, link, path, sizeof(path) - 1) : 0;
	path[failed(length) ? 0 : length] = '\0';
	note(key, named, failed(length) ? NULL : path);
}
