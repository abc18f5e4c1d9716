#include "rt/text/patch.h"

#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/mman.h>

#include "core/hash.h"
#include "core/patch.h"
#include "core/string.h"
#include "rt/base/auxv.h"
#include "rt/base/chain.h"
#include "rt/base/entry_points.h"
#include "rt/base/message.h"
#include "rt/text/candidate.h"
#include "rt/text/plans.h"
#include "rt/text/site_log.h"
#include "rt/text/text.h"
#include "rt/x86_64/arch.h"

#define SITES_AT_ONCE 16u /* so few that all of a function's variables stay within one page of the stack */
#define MAX_STUBS 16384u

/* How far a jump reaches, less the sizes of a text and of its block of stubs. */
#define REACH (0x7fffffffl - (64l << 20))
#define LOWEST_ADDRESS (64ul << 10)
/* The distance between two places that are tried for a block; the small one for texts at low addresses. */
#define LARGE_STEP (1ul << 20)
#define SMALL_STEP (64ul << 10)
/* How much is used of the gap that the kernel leaves for the stack, which is at least 128 MiB. */
#define ABOVE (16ul << 20)
#define TRIES 32 /* places there; those of blocks that are gone are free again */

static uint64_t loader_start, loader_end; /* the text of the ELF interpreter */

/* Whether the store knows that the program makes calls at a site. ctx: boot | entry */
static bool is_observed(const struct store_site *site)
{
	return site->flags & STORE_OBSERVED && (!rt.profiled || !site->programs || site->programs & rt.program);
}

/* Whether the program is expected to make calls at a site. If not, patching does not pay: the process copies each page
 * with a patched site, which takes the time of several caught calls. ctx: boot | entry */
static bool is_worthwhile(const struct store_site *site)
{
	if (rt.bundle->flags & BUNDLE_EAGER)
		return true;
	if (!(site->flags & STORE_STABLE))
		return false;
	/* These calls are made once, which takes less time than the copy. */
	if (site->nr == __NR_exit_group || site->nr == __NR_exit)
		return false;
	return rt.unmet || (is_observed(site) && (!(rt.bundle->flags & BUNDLE_PROFILE) || site->programs & rt.program));
}

/* Whether a site is to be patched, and lies in the text with all of its function. ctx: boot | entry */
static bool is_to_be_patched(const struct store_site *site, const struct rt_text *text)
{
	uint64_t begin = site->offset - site->function_before;

	if (!core_patch_valid(site) || !is_worthwhile(site))
		return false;
	return site->offset >= site->function_before && begin >= text->offset &&
	       site->function_size <= text->end - text->start &&
	       begin - text->offset <= text->end - text->start - site->function_size;
}

/* Maps writable memory at an address. Returns whether it could; *error says why not. ctx: boot | entry */
static bool map_at(uint64_t at, size_t size, long *error)
{
	long r = sys(mmap, at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (r == (long)at)
		return true;
	*error = r;
	if (!failed(r)) {
		sys(munmap, r, size); /* the kernel does not know MAP_FIXED_NOREPLACE */
		*error = -EEXIST;
	}
	return false;
}

/* Maps writable memory within reach of all of the text. Returns its address, or -ENOMEM. The memory lies above all that
 * the kernel maps, where the stack does not come: there is no hole that the program has made in order to map something
 * there later. Where that is out of reach, the memory lies where the kernel puts it or below the text, not above,
 * where the heap of an executable grows. ctx: boot | entry; locked */
static long map_block(const struct rt_text *text, size_t size)
{
	static uint64_t above;
	uint64_t low = text->end > (uint64_t)REACH + LOWEST_ADDRESS ? text->end - (uint64_t)REACH : LOWEST_ADDRESS;
	uint64_t high = text->start + (uint64_t)REACH, step = text->start > (16ul << 20) ? LARGE_STEP : SMALL_STEP;
	uint64_t first = (rt.end + 2 * LARGE_STEP) & ~(LARGE_STEP - 1);
	long at = -EEXIST;

	for (int i = 0; i < TRIES && size <= ABOVE && at == -EEXIST; i++) {
		uint64_t place = above && above + size <= first + ABOVE ? above : first;

		if (place + size > high)
			break;
		above = place + core_page_up(size);
		if (place >= low && map_at(place, size, &at))
			return (long)place;
	}
	at = sys(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!failed(at)) {
		if ((uint64_t)at >= low && (uint64_t)at + size <= high)
			return at;
		sys(munmap, at, size);
	}
	for (uint64_t to = text->start & ~(step - 1); to >= low + step + size; to -= step) {
		if (map_at(to - step, size, &at))
			return (long)(to - step);
		if (at != -EEXIST)
			break;
	}
	return -ENOMEM;
}

/* Reads those sites of a text that are to be patched, SITES_AT_ONCE at a time. */
struct site_reader {
	const struct rt_text *text;
	uint32_t next, end; /* positions in the text's run of sites */
	uint32_t count; /* how many sites are in `sites` */
	uint64_t function, hash; /* the address of the function that was hashed last, and its hash */
	struct store_site sites[SITES_AT_ONCE];
};

/* Whether the bytes of a site's function are those that were analysed. Reading them faults if the file has just been
 * truncated; the program would read them a moment later, and die of the same fault. The sites of a function follow one
 * another, and the first may be patched when the second is verified: so each function is hashed only once.
 * ctx: boot | entry */
static bool is_as_analysed(struct site_reader *reader, const struct store_site *site, uint64_t address)
{
	const uint8_t *code = (const uint8_t *)address;
	uint64_t function = address - site->function_before;

	if (reader->function != function)
		reader->hash = core_hash(CORE_HASH_START, (const uint8_t *)function, site->function_size);
	reader->function = function;
	return reader->hash == site->function_hash && rt_is_syscall(code);
}

/* Which word of the block has the address of the entry of a site's stub. A site that was not observed has a word of its
 * own, with the address of the site's `syscall`: the first call from there takes the guard, which notes the site.
 * ctx: boot | entry; locked */
static uint32_t choose_word(const struct rt_text *text, const struct store_site *site, uint64_t address,
			    const uint8_t *window, const uint8_t *slot)
{
	uint32_t word = (uint32_t)(text->block_size / 8 + ((uint64_t)slot - text->block) / PATCH_SLOT - 1);

	if (!text->words_size || is_observed(site) || rt_site_log_has(address))
		return rt_text_entry(site, window);
	((uint64_t *)text->block)[word] = address;
	return word;
}

/* Patches a site, with its stub in a slot. Returns whether it did, and so used the slot. ctx: boot | entry; locked */
static bool patch_site(struct site_reader *reader, const struct store_site *site, uint8_t *slot)
{
	const struct rt_text *text = reader->text;
	uint64_t address = text->start + (site->offset - text->offset), window = address - site->window;

	/* A write first: it makes the page the process's own by one fault, while a read and then a write take two. */
	__atomic_fetch_or((uint8_t *)window, 0, __ATOMIC_RELAXED);
	if (!is_as_analysed(reader, site, address) ||
	    !core_patch_stub(slot, (uint64_t)slot, text->block,
			     choose_word(text, site, address, (const uint8_t *)window, slot), site,
			     (const uint8_t *)window, address) ||
	    !core_patch_jump(site, (uint8_t *)window, window, (uint64_t)slot)) {
		memset(slot, 0, PATCH_SLOT);
		return false;
	}
	return true;
}

/* Reads the next sites that are to be patched into the reader. False: there are no more. ctx: boot | entry */
static bool read_sites(struct site_reader *reader)
{
	reader->count = 0;
	while (!reader->count) {
		uint32_t left = reader->end - reader->next;
		long n = rt_plans_sites(&reader->text->sites, reader->next, reader->sites,
					left < SITES_AT_ONCE ? left : SITES_AT_ONCE);

		if (n <= 0)
			return false;
		reader->next += (uint32_t)n;
		for (long i = 0; i < n; i++)
			if (is_to_be_patched(&reader->sites[i], reader->text))
				reader->sites[reader->count++] = reader->sites[i];
	}
	return true;
}

/* Patches the sites that the reader has and gives further, and fills the text's block, which has room for `stubs`
 * stubs. Returns whether any site was patched. ctx: boot | entry; locked */
static bool patch_sites(const struct rt_text *text, struct site_reader *reader, uint32_t stubs)
{
	uint8_t *slot = (uint8_t *)text->block + PATCH_SLOT;
	uint64_t *entries = (uint64_t *)text->block;
	uint32_t done = 0;

	entries[CORE_PATCH_DISPATCH] = (uint64_t)rt_fast_dispatch;
	entries[CORE_PATCH_DIRECT] = (uint64_t)rt_fast_direct;
	entries[CORE_PATCH_NUMBER] = (uint64_t)rt_fast_number;
	do
		for (uint32_t i = 0; i < reader->count && done < stubs; i++)
			if (patch_site(reader, &reader->sites[i], slot)) {
				slot += PATCH_SLOT;
				done++;
			}
	while (read_sites(reader));
	return done;
}

/* Patches a text. prot: the protection that it has, and has again at the end. ctx: boot | entry; locked */
static void patch_text(struct rt_text *text, int prot)
{
	const struct store_run *run = &text->sites;
	struct site_reader reader = { .text = text,
				      .end = rt.unmet || rt.bundle->flags & BUNDLE_EAGER ? run->count : run->observed };
	uint32_t stubs = reader.end < MAX_STUBS ? reader.end : MAX_STUBS;
	size_t size = core_page_up(core_patch_block_size(stubs)), words_size = rt.unmet ? core_page_up(8ul * stubs) : 0;
	uint64_t length = text->end - text->start;
	long block;

	if (!rt.fast || !stubs || rt.frozen || !read_sites(&reader))
		return;
	/* Changes nothing, but a filter or a security module may be against memory that becomes executable. */
	if (failed(sys(mprotect, text->start, length, prot))) {
		rt.frozen = true;
		return;
	}
	block = map_block(text, size + words_size);
	if (failed(block))
		return;
	text->block_size = size;
	text->words_size = words_size;
	__atomic_store_n(&text->block, (uint64_t)block, __ATOMIC_RELEASE);
	if (!failed(sys(mprotect, text->start, length, PROT_READ | PROT_WRITE))) {
		bool patched = patch_sites(text, &reader, stubs);

		if (patched && failed(sys(mprotect, block, size, PROT_READ | PROT_EXEC))) {
			sys(madvise, text->start, length, MADV_DONTNEED);
			patched = false;
		}
		if (failed(sys(mprotect, text->start, length, prot)))
			rt_panic("text that was made writable cannot be made executable again; k23 run --no-patch", 0);
		if (patched)
			return;
	}
	__atomic_store_n(&text->block, 0, __ATOMIC_RELEASE);
	sys(munmap, block, size + words_size);
}

/* ctx: entry */
bool rt_patch_loads(uint64_t ip)
{
	return ip - loader_start < loader_end - loader_start;
}

/* ctx: entry */
void rt_patch_mapped(uint64_t start, size_t size, int prot, int fd, uint64_t offset, bool loaded)
{
	struct store_run sites;
	uint64_t in_file = 0;
	bool stored = loaded && rt.planned && !failed(rt_plans_find_fd(fd, &sites, &in_file));
	uint64_t end = start + core_page_up(size);
	struct rt_text *text;

	rt_texts_lock();
	text = rt_text_add(start, end, offset, stored ? &sites : NULL);
	/* A text beyond the end of a file that was truncated has no bytes to compare: reading there faults. */
	if (text && stored && offset + size <= core_page_up(in_file))
		patch_text(text, prot);
	rt_texts_unlock();
}

/* ctx: entry */
void rt_patch_expect(uint64_t start, size_t size, int fd, uint64_t offset)
{
	struct store_run sites;
	uint64_t in_file;

	if (!rt.planned || failed(rt_plans_find_same(fd, &sites, &in_file)))
		return;
	rt_texts_lock();
	rt_candidate_add(start, start + core_page_up(size), offset, &sites);
	rt_texts_unlock();
}

/* ctx: entry */
void rt_patch_protected(uint64_t start, uint64_t end, int prot)
{
	struct rt_text found, *text;

	rt_texts_lock();
	if (!(prot & PROT_WRITE) && rt_candidate_find(start, end, &found)) {
		text = rt_text_add(start, end, found.offset, &found.sites);
		/* Not executable until the program's mprotect is made: no thread runs there. */
		if (text)
			patch_text(text, prot & ~PROT_EXEC);
	}
	rt_candidates_drop(start, end);
	rt_texts_unlock();
}

/* Patches the text segments of a file that the kernel has mapped, executable or interpreter. elf: the address of its
 * ELF header; path: to find the file by, if it has no build-id. Returns the last text, or NULL. ctx: boot */
static const struct rt_text *patch_image(uint64_t elf, const char *path)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)elf;
	const Elf64_Phdr *headers = (const Elf64_Phdr *)(elf + sizeof(*head));
	struct store_run sites;
	uint64_t bias = 0;
	bool stored = false, based = false;
	struct rt_text *text = NULL;

	if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_phentsize != sizeof(*headers) ||
	    head->e_phoff != sizeof(*head) || sizeof(*head) + head->e_phnum * sizeof(*headers) > CORE_PAGE)
		return NULL;
	if (rt.planned) {
		long r = rt_plans_find_image(elf, &sites);

		if (r == -ENODATA && path)
			r = rt_plans_find_path(path, &sites);
		stored = !failed(r);
	}
	for (unsigned i = 0; i < head->e_phnum; i++) {
		const Elf64_Phdr header = headers[i];

		if (header.p_type != PT_LOAD)
			continue;
		if (!based)
			bias = elf - core_page_down(header.p_vaddr);
		based = true;
		if (!(header.p_flags & PF_X) || header.p_flags & PF_W)
			continue;
		text = rt_text_add(bias + core_page_down(header.p_vaddr),
				       core_page_up(bias + header.p_vaddr + header.p_filesz),
				       core_page_down(header.p_offset), stored ? &sites : NULL);
		if (text && stored)
			patch_text(text, header.p_flags & PF_R ? PROT_READ | PROT_EXEC : PROT_EXEC);
	}
	return text;
}

/* ctx: boot */
void rt_patch_start(const uint64_t *stack)
{
	const uint64_t *headers = rt_auxv_find(stack, AT_PHDR), *interpreter = rt_auxv_find(stack, AT_BASE);

	/* The address of the ELF header is known only if the program headers follow it, as they mostly do. */
	if (headers && (headers[1] & (CORE_PAGE - 1)) == sizeof(Elf64_Ehdr))
		patch_image(headers[1] - sizeof(Elf64_Ehdr), "/proc/self/exe");
	if (interpreter && interpreter[1]) {
		const struct rt_text *text = patch_image(interpreter[1], NULL);

		if (text) {
			loader_start = text->start;
			loader_end = text->end;
		}
	}
}
