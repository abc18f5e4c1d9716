/*
 * Patching the sites of a module, in place: while its text is writable it is not executable, and no thread knows it yet.
 *
 * A site is patched if the store has a plan for it, the bytes of its whole function are those that were analysed, and a
 * stub can be placed within reach. Anything else leaves it to the guard.
 */
#include "rt/patch.h"

#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/uio.h>

#include "core/hash.h"
#include "core/patch.h"
#include "core/string.h"

#define SITES_AT_ONCE 128u
#define JUMPS_AT_ONCE 64u
#define PIECE 1024u /* of a function's bytes; a multiple of 8 */
#define MAX_HEADERS 64u
#define MAX_STUBS 16384u

/* How far a jump reaches, less the size of what is at both ends. */
#define REACH (0x7fffffffl - (64l << 20))
#define LOWEST (64ul << 10)
#define FAR_STEP (1ul << 20)
#define NEAR_STEP (64ul << 10)

/* The jumps of a module until they are written, all by one call. */
struct jumps {
	struct iovec windows[JUMPS_AT_ONCE];
	uint8_t bytes[JUMPS_AT_ONCE][STORE_MIN_WINDOW];
	uint32_t count;
};

static bool usable(const struct store_site *site, const struct rt_module *module)
{
	uint64_t begin = site->offset - site->function_before;

	if (!core_patch_valid(site) || !(site->flags & STORE_OBSERVED || rt.bundle->flags & BUNDLE_EAGER))
		return false;
	return site->offset >= site->function_before && begin >= module->offset &&
	       site->function_size <= module->end - module->start &&
	       begin - module->offset <= module->end - module->start - site->function_size;
}

/* Whether the function's bytes are what they were. *window gets those of the window and of the `syscall`. */
static bool verify(const struct store_site *site, uint64_t address, uint8_t *window)
{
	uint64_t hash = CORE_HASH_START, begin = address - site->function_before;
	uint8_t piece[PIECE];

	for (uint64_t done = 0; done < site->function_size; done += PIECE) {
		uint64_t size = site->function_size - done < PIECE ? site->function_size - done : PIECE;

		if (failed(rt_copy_from(piece, begin + done, size)))
			return false;
		hash = core_hash(hash, piece, size);
	}
	if (hash != site->function_hash || failed(rt_copy_from(window, address - site->window, site->window + 2u)))
		return false;
	return window[site->window] == 0x0f && window[site->window + 1] == 0x05;
}

static enum core_patch_entry entry_for(const struct store_site *site)
{
	if (site->nr < 0)
		return rt_wants_all() ? CORE_PATCH_DISPATCH : CORE_PATCH_NUMBER;
	return rt_direct(site->nr) ? CORE_PATCH_DIRECT : CORE_PATCH_DISPATCH;
}

/* Writable memory within reach of all of the module, or -ENOMEM. Below it rather than above, where the heap of an
 * executable grows. */
static long near(const struct rt_module *module, size_t size)
{
	uint64_t low = module->end > (uint64_t)REACH + LOWEST ? module->end - (uint64_t)REACH : LOWEST;
	uint64_t step = module->start > (16ul << 20) ? FAR_STEP : NEAR_STEP;
	long at = sys(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!failed(at)) {
		if ((uint64_t)at >= low && (uint64_t)at + size <= module->start + (uint64_t)REACH)
			return at;
		sys(munmap, at, size);
	}
	for (uint64_t to = module->start & ~(step - 1); to >= low + step + size; to -= step) {
		at = sys(mmap, to - step, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (at == (long)(to - step))
			return at;
		if (!failed(at))
			sys(munmap, at, size); /* a kernel that does not know the flag */
		else if (at != -EEXIST)
			break;
	}
	return -ENOMEM;
}

static uint32_t count_usable(const struct rt_module *module, const struct store_file *file)
{
	struct store_site sites[SITES_AT_ONCE];
	uint32_t count = 0;

	for (uint32_t first = 0;;) {
		long n = rt_store_sites(file, first, sites, SITES_AT_ONCE);

		if (n <= 0)
			return count;
		for (long i = 0; i < n && count < MAX_STUBS; i++)
			count += usable(&sites[i], module);
		first += (uint32_t)n;
	}
}

static bool write_jumps(struct jumps *jumps)
{
	struct iovec local = { jumps->bytes, jumps->count * STORE_MIN_WINDOW };
	long r = 0;

	if (jumps->count)
		r = sys(process_vm_writev, rt_self()->tid, &local, 1, jumps->windows, jumps->count, 0);
	jumps->count = 0;
	return (size_t)r == local.iov_len;
}

/* One site. Returns whether it took the slot. */
static bool patch_site(const struct rt_module *module, const struct store_site *site, uint8_t *slot, struct jumps *jumps)
{
	uint64_t address = module->start + (site->offset - module->offset), start = address - site->window;
	uint8_t window[STORE_MAX_WINDOW + 2];

	if (!verify(site, address, window) ||
	    !core_patch_stub(slot, (uint64_t)slot, module->block, entry_for(site), site, window, address) ||
	    !core_patch_jump(jumps->bytes[jumps->count], start, (uint64_t)slot)) {
		memset(slot, 0, PATCH_SLOT);
		return false;
	}
	jumps->windows[jumps->count++] = (struct iovec){ (void *)start, STORE_MIN_WINDOW };
	return jumps->count < JUMPS_AT_ONCE || write_jumps(jumps);
}

/* Fills the module's block of `stubs` stubs and writes the jumps to it. False: what was written is not to be used. */
static bool patch_sites(const struct rt_module *module, const struct store_file *file, uint32_t stubs)
{
	struct store_site sites[SITES_AT_ONCE];
	struct jumps jumps = { .count = 0 };
	uint8_t *slot = (uint8_t *)module->block + PATCH_SLOT;
	uint64_t *entries = (uint64_t *)module->block;
	uint32_t done = 0;

	entries[CORE_PATCH_DISPATCH] = (uint64_t)rt_fast_dispatch;
	entries[CORE_PATCH_DIRECT] = (uint64_t)rt_fast_direct;
	entries[CORE_PATCH_NUMBER] = (uint64_t)rt_fast_number;
	for (uint32_t first = 0;;) {
		long n = rt_store_sites(file, first, sites, SITES_AT_ONCE);

		if (n <= 0)
			break;
		for (long i = 0; i < n && done < stubs; i++)
			if (usable(&sites[i], module) && patch_site(module, &sites[i], slot, &jumps)) {
				slot += PATCH_SLOT;
				done++;
			}
		first += (uint32_t)n;
	}
	return write_jumps(&jumps) && done;
}

/* The text of the module is mapped with `prot`, and so it is at the end. */
static void patch_module(struct rt_module *module, const struct store_file *file, int prot)
{
	uint32_t stubs = count_usable(module, file);
	size_t size = (core_patch_block_size(stubs) + RT_PAGE - 1) & ~(RT_PAGE - 1);
	uint64_t length = module->end - module->start;
	long block;

	if (!stubs)
		return;
	block = near(module, size);
	if (failed(block))
		return;
	module->block_size = size;
	__atomic_store_n(&module->block, (uint64_t)block, __ATOMIC_RELEASE);
	if (!failed(sys(mprotect, module->start, length, PROT_READ | PROT_WRITE))) {
		bool patched = patch_sites(module, file, stubs);

		if (!patched || failed(sys(mprotect, block, size, PROT_READ | PROT_EXEC))) {
			sys(madvise, module->start, length, MADV_DONTNEED);
			patched = false;
		}
		if (failed(sys(mprotect, module->start, length, prot)))
			rt_panic("text that was made writable cannot be made executable again; k23 run --no-patch", 0);
		if (patched)
			return;
	}
	__atomic_store_n(&module->block, 0, __ATOMIC_RELEASE);
	sys(munmap, block, size);
}

void rt_patch_mapped(uint64_t start, size_t size, int prot, int fd, uint64_t offset)
{
	struct store_file file;
	bool stored = rt.fast && !failed(rt_store_find_fd(fd, &file));
	uint64_t end = start + ((size + RT_PAGE - 1) & ~(RT_PAGE - 1));
	struct rt_module *module;

	rt_modules_lock();
	module = rt_module_add(start, end, offset, stored ? &file : NULL);
	if (module && stored)
		patch_module(module, &file, prot);
	rt_modules_unlock();
}

void rt_patch_expect(uint64_t start, size_t size, int fd, uint64_t offset)
{
	struct store_file file;

	if (!rt.fast || failed(rt_store_find_same(fd, &file)))
		return;
	rt_modules_lock();
	rt_candidate_add(start, start + ((size + RT_PAGE - 1) & ~(RT_PAGE - 1)), offset, &file);
	rt_modules_unlock();
}

void rt_patch_protected(uint64_t start, uint64_t end, int prot)
{
	struct rt_module found, *module;

	rt_modules_lock();
	if (!(prot & PROT_WRITE) && rt_candidate_take(start, end, &found)) {
		struct store_file file = { .first_site = found.first_site, .site_count = found.site_count };

		module = rt_module_add(start, end, found.offset, &file);
		/* Where it is not executable yet, nobody runs. */
		if (module)
			patch_module(module, &file, prot & ~PROT_EXEC);
	}
	rt_candidates_drop(start, end);
	rt_modules_unlock();
}

/* The text segments of an image that the kernel has mapped. path: where it is from, for a file without a build-id. */
static void patch_image(uint64_t elf, const char *path)
{
	Elf64_Ehdr head;
	struct store_file file;
	uint64_t bias = 0;
	bool stored, based = false;

	if (failed(rt_copy_from(&head, elf, sizeof(head))) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_phentsize != sizeof(Elf64_Phdr))
		return;
	stored = rt.fast && (!failed(rt_store_find_image(elf, &file)) || (path && !failed(rt_store_find_path(path, &file))));
	for (unsigned i = 0; i < head.e_phnum && i < MAX_HEADERS; i++) {
		Elf64_Phdr header;
		struct rt_module *module;

		if (failed(rt_copy_from(&header, elf + head.e_phoff + i * sizeof(header), sizeof(header))))
			return;
		if (header.p_type != PT_LOAD)
			continue;
		if (!based)
			bias = elf - (header.p_vaddr & ~(RT_PAGE - 1));
		based = true;
		if (!(header.p_flags & PF_X) || header.p_flags & PF_W)
			continue;
		module = rt_module_add(bias + (header.p_vaddr & ~(RT_PAGE - 1)),
				       (bias + header.p_vaddr + header.p_filesz + RT_PAGE - 1) & ~(RT_PAGE - 1),
				       header.p_offset & ~(RT_PAGE - 1), stored ? &file : NULL);
		if (module && stored)
			patch_module(module, &file,
				     header.p_flags & PF_R ? PROT_READ | PROT_EXEC : PROT_EXEC);
	}
}

void rt_patch_start(const uint64_t *stack)
{
	const uint64_t *headers = rt_auxiliary(stack, AT_PHDR), *interpreter = rt_auxiliary(stack, AT_BASE);

	if (!rt.fast && !rt.learn)
		return;
	/* The program headers mostly follow the ELF header; otherwise the file is not patched. */
	if (headers)
		patch_image(headers[1] - sizeof(Elf64_Ehdr), "/proc/self/exe");
	if (interpreter && interpreter[1])
		patch_image(interpreter[1], NULL);
}
