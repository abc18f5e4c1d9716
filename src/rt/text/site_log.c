#include "rt/text/site_log.h"

#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include "core/format.h"
#include "rt/base/mask.h"
#include "rt/text/plans.h"
#include "rt/text/text.h"
#include "rt/text/unmet.h"

#define MAX_LOG_SIZE (4l << 20) /* for the case that no command puts the site log into the store */
#define SEEK_TO_END 2
#define SEEN_SITES 1024u /* a power of two. When half of the table is full, further sites are not noted. */

/* A hash table of the hashes of addresses. Two addresses with the same hash do no harm: the second is noted when
 * another run has other addresses. */
static RT_TABLE uint32_t seen_sites[SEEN_SITES];
static uint32_t seen_sites_count;

/* ctx: any */
static uint32_t hash_of(uint64_t ip)
{
	return (uint32_t)(ip * 0x9e3779b97f4a7c15ul >> 32) | 1;
}

/* Adds a site to the table. Returns whether it is new there. ctx: entry; no locks */
static bool add_seen_site(uint64_t ip)
{
	uint32_t hash = hash_of(ip);

	for (uint32_t n = 0; n < SEEN_SITES; n++) {
		uint32_t *slot = &seen_sites[((hash >> 1) + n) % SEEN_SITES], none = 0;

		if (__atomic_load_n(slot, __ATOMIC_RELAXED) == hash)
			return false;
		if (__atomic_load_n(slot, __ATOMIC_RELAXED))
			continue;
		if (__atomic_load_n(&seen_sites_count, __ATOMIC_RELAXED) >= SEEN_SITES / 2)
			return false;
		if (__atomic_compare_exchange_n(slot, &none, hash, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&seen_sites_count, 1, __ATOMIC_RELAXED);
			return true;
		}
		if (none == hash)
			return false;
	}
	return false;
}

/* ctx: boot | entry; no locks */
bool rt_site_log_has(uint64_t ip)
{
	uint32_t hash = hash_of(ip);

	for (uint32_t n = 0; n < SEEN_SITES; n++) {
		uint32_t seen = __atomic_load_n(&seen_sites[((hash >> 1) + n) % SEEN_SITES], __ATOMIC_RELAXED);

		if (seen == hash || !seen)
			return seen;
	}
	return false;
}

/* Appends a line to the site log, unless RLIMIT_FSIZE is set: a write beyond it would send the program a signal.
 * ctx: entry */
static void append_line(const char *line, size_t size)
{
	const char *path = (const char *)rt.start + rt.bundle->site_log;
	struct rlimit64 limit;
	long fd;

	if (failed(sys(prlimit64, 0, RLIMIT_FSIZE, 0, &limit)) || limit.rlim_cur != ~0ull)
		return;
	fd = sys(openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		 0600);
	if (failed(fd))
		return;
	if (sys(lseek, fd, 0, SEEK_TO_END) < MAX_LOG_SIZE)
		sys(write, fd, line, size);
	sys(close, fd);
}

/* Whether the program is known to use a site. ctx: entry */
static bool is_known(const struct store_run *sites, uint64_t offset)
{
	struct store_site site;

	return !failed(rt_plans_site(sites, offset, &site)) && site.flags & STORE_OBSERVED &&
	       (!rt.profiled || site.programs & rt.program);
}

/* The same of a file that was not looked up when it was mapped. ctx: entry */
static bool is_known_in(const char *path, uint64_t offset)
{
	struct store_run sites;
	uint64_t size;
	long fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool known = !failed(fd) && !failed(rt_plans_find_fd((int)fd, &sites, &size)) && is_known(&sites, offset);

	if (!failed(fd))
		sys(close, fd);
	return known;
}

/* ctx: entry */
static void note_site(const struct rt_text *text, uint64_t offset)
{
	char path[K23_PATH_MAX], line[K23_PATH_MAX + 96], group[8] = "";
	struct stat status;
	uint64_t mask;
	long size;

	size = rt_text_path(text, path, sizeof(path));
	if (failed(size))
		return;
	for (long i = 0; i < size; i++)
		if (path[i] == '\n')
			return;
	if (failed(sys(newfstatat, AT_FDCWD, path, &status, 0)) || (status.st_mode & S_IFMT) != S_IFREG)
		return;
	if (rt.profiled)
		core_print(group, sizeof(group), "%d ", __builtin_ctz(rt.program));
	size = core_print(line, sizeof(line), "%lx %lx:%lx %lu %s%s\n", offset, status.st_dev >> 8 & 0xfff,
			  (status.st_dev & 0xff) | (status.st_dev >> 12 & 0xfff00), status.st_ino, group, path);
	/* No handler of the program may run, and see the descriptor, while it is open. */
	mask = rt_mask_block();
	if (text->stored || !is_known_in(path, offset))
		append_line(line, (size_t)size);
	rt_mask_unblock_in_call(rt_self(), mask);
}

/* ctx: entry */
void rt_site_log_note(struct rt_thread *thread)
{
	struct rt_text text;
	struct store_site site;
	uint64_t ip = rt_regs_ip(&thread->regs) - RT_SYSCALL_SIZE, offset;

	if (thread->strict || !add_seen_site(ip) || !rt_text_find(ip, &text))
		return;
	offset = text.offset + (ip - text.start);
	if (text.words_size && !failed(rt_plans_site(&text.sites, offset, &site)))
		rt_unmet_observed(&text, ip, &site);
	if (!text.stored || !is_known(&text.sites, offset))
		note_site(&text, offset);
}
