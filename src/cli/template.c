#include "cli/template.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/page.h"

/* Where the bundle may come to lie: lower than where the kernel begins to map, and where sanitizers expect programs'
 * mappings. What worlds map lies behind it. */
#define PLACE 0x7e8000000000ul
#define PLACE_SIZE (448ul << 30)
#define MEMORY_DISTANCE (4ul << 30)
#define MEMORY_MAX (512ul << 20)

#define PARTS_MAX 4096u
#define PRESENT (1ul << 63) /* of a page, in /proc/PID/pagemap */
#define SWAPPED (1ul << 62)

/* Without address space randomization it is the same in all runs. */
static uint64_t choose_address(void)
{
	uint64_t number = 0;

	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE) && getrandom(&number, sizeof(number), 0) != sizeof(number))
		return 0;
	return PLACE + core_page_down(number % PLACE_SIZE);
}

/* Begins at the runtime's first instruction, as a new image. stack: what the program would find on its stack. */
static __attribute__((noreturn)) void enter_runtime(const struct bundle *bundle, const uint64_t *stack)
{
	register uint64_t mask __asm__("r10") = ~0ul;
	register uint64_t nothing8 __asm__("r8") = 0, nothing9 __asm__("r9") = 0, nothing11 __asm__("r11") = 0;
	register uint64_t top __asm__("r12") = (uint64_t)stack;
	register uint64_t start __asm__("r13") = (uint64_t)bundle + bundle->start;

	__asm__ volatile("mov %%r12, %%rsp\n\t"
			 "jmp *%%r13"
			 :
			 : "D"(bundle), "S"(0), "d"(0x202), "c"(0), "a"(0), "b"(0), "r"(mask), "r"(nothing8),
			   "r"(nothing9), "r"(nothing11), "r"(top), "r"(start)
			 : "memory");
	__builtin_unreachable();
}

/* In the child: becomes the template. It has nothing of the command's that others may see. */
static __attribute__((noreturn)) void become(int id, uint64_t address, pid_t parent)
{
	static uint64_t stack[4096] __attribute__((aligned(16)));
	const uint64_t types[] = { AT_HWCAP, AT_HWCAP2, AT_CLKTCK, AT_MINSIGSTKSZ };
	uint64_t *top = stack + 4096 - 32, *word = top + 3; /* no argv, and no environment */
	int null = open("/dev/null", O_RDWR);
	const void *bundle;
	uint64_t all = ~0ul;

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    syscall(SYS_close_range, 3, ~0u, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		*word++ = types[i];
		*word++ = getauxval(types[i]);
	}
	/* The C library would leave out two. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
	bundle = shmat(id, (const void *)address, SHM_RDONLY | SHM_EXEC);
	if (bundle != (const void *)address)
		_exit(1);
	enter_runtime(bundle, top);
}

/* Waits until it is ready. It may be killed before. */
static bool await(pid_t child, struct bundle_template *template)
{
	static const struct timespec moment = { .tv_nsec = 20000000 };
	siginfo_t ended = { 0 };
	uint32_t state;

	while (!(state = __atomic_load_n(&template->state, __ATOMIC_ACQUIRE))) {
		syscall(SYS_futex, &template->state, FUTEX_WAIT, BUNDLE_TEMPLATE_STARTS, &moment);
		if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 || ended.si_pid)
			return false;
	}
	return state == BUNDLE_TEMPLATE_READY;
}

/* What the room is filled with. */
struct collector {
	struct bundle *bundle;
	int memory, pages; /* /proc/PID/mem and pagemap */
	struct bundle_ready_part *parts;
	uint32_t part_count, used, limit;
};

/* Takes `size` bytes in the room. 0: there is none left. */
static uint32_t take_room(struct collector *collector, uint32_t size)
{
	uint32_t at = collector->used;

	if (size > collector->limit - at)
		return 0;
	collector->used += size;
	return at;
}

static bool add_part(struct collector *collector, const struct bundle_ready_part *part)
{
	if (collector->part_count == PARTS_MAX)
		return false;
	collector->parts[collector->part_count++] = *part;
	return true;
}

static bool is_zero(const char *page)
{
	return page[0] == 0 && memcmp(page, page + 1, CORE_PAGE - 1) == 0;
}

/* Adds pages that are there, but for those that are zero: of these there is room, and no part. */
static bool add_pages(struct collector *collector, uint64_t address, size_t size)
{
	char *base = (char *)collector->bundle;
	uint32_t at = take_room(collector, (uint32_t)size);
	struct bundle_ready_part *last = NULL;

	if (!at || pread(collector->memory, base + at, size, (off_t)address) != (ssize_t)size)
		return false;
	for (size_t done = 0; done < size; done += CORE_PAGE) {
		struct bundle_ready_part part = { .address = address + done, .size = CORE_PAGE,
						  .contents = at + (uint32_t)done };

		if (is_zero(base + at + done)) {
			last = NULL;
			continue;
		}
		if (last) {
			last->size += CORE_PAGE;
			continue;
		}
		if (!add_part(collector, &part))
			return false;
		last = collector->parts + collector->part_count - 1;
	}
	return true;
}

/* Which pages from an address on are there: fills `pages`, and returns of how many. */
static size_t look_at_pages(const struct collector *collector, uint64_t at, uint64_t end, uint64_t pages[],
			    size_t most)
{
	size_t count = (end - at) / CORE_PAGE < most ? (end - at) / CORE_PAGE : most;
	ssize_t size = pread(collector->pages, pages, count * sizeof(pages[0]),
			     (off_t)(at / CORE_PAGE * sizeof(pages[0])));

	return size == (ssize_t)(count * sizeof(pages[0])) ? count : 0;
}

/* Adds the contents of a range. */
static bool add_contents(struct collector *collector, uint64_t at, uint64_t end)
{
	const uint64_t there = PRESENT | SWAPPED;
	uint64_t pages[512];

	while (at < end) {
		size_t count = look_at_pages(collector, at, end, pages, sizeof(pages) / sizeof(pages[0]));

		if (!count)
			return false;
		for (size_t i = 0, next; i < count; i = next) {
			for (next = i + 1; next < count && !(pages[next] & there) == !(pages[i] & there);)
				next++;
			if (pages[i] & there && !add_pages(collector, at + i * CORE_PAGE, (next - i) * CORE_PAGE))
				return false;
		}
		at += count * CORE_PAGE;
	}
	return true;
}

/* A line of /proc/PID/maps. */
struct mapping {
	uint64_t start, end;
	int prot;
	bool shared;
};

static struct mapping *read_mappings(pid_t child, size_t *count)
{
	struct mapping *mappings = NULL, one;
	char path[64], flags[5], *line = NULL;
	size_t size = 0;
	FILE *file;

	*count = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)child);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &one.start, &one.end, flags) != 3)
			continue;
		one.prot = (flags[0] == 'r' ? PROT_READ : 0) | (flags[1] == 'w' ? PROT_WRITE : 0) |
			   (flags[2] == 'x' ? PROT_EXEC : 0);
		one.shared = flags[3] == 's';
		mappings = reallocarray(mappings, *count + 1, sizeof(one));
		if (!mappings)
			die(EXIT_K23, "out of memory");
		mappings[(*count)++] = one;
	}
	if (file)
		fclose(file);
	free(line);
	return mappings;
}

/* Adds the range as far as it is mapped; with `rights`, what may be done with it, and where nothing is mapped. */
static bool add_range(struct collector *collector, const struct mapping *mappings, size_t count, uint64_t start,
		      uint64_t end, bool rights)
{
	uint64_t at = start;

	for (size_t i = 0; i < count && at < end; i++) {
		struct mapping one = mappings[i];
		struct bundle_ready_part part = { .address = at };

		if (one.end <= at || one.start >= end)
			continue;
		one.start = one.start < at ? at : one.start;
		one.end = one.end > end ? end : one.end;
		if (one.shared || one.prot & PROT_EXEC)
			return false;
		if (!rights && one.prot & PROT_READ && !add_contents(collector, one.start, one.end))
			return false;
		part.size = (uint32_t)(one.start - at);
		if (rights && part.size && !add_part(collector, &part))
			return false;
		part = (struct bundle_ready_part){ .address = one.start, .size = (uint32_t)(one.end - one.start),
						   .prot = (uint32_t)one.prot };
		if (rights && one.prot != (PROT_READ | PROT_WRITE) && !add_part(collector, &part))
			return false;
		at = one.end;
	}
	return true;
}

/* The segments of worlds that are written to, and what worlds have mapped. */
static bool add_all(struct collector *collector, const struct mapping *mappings, size_t count,
		    const struct bundle_template *template, uint64_t address, bool rights)
{
	const struct bundle *bundle = collector->bundle;

	for (uint32_t i = 0; i < bundle->segment_count; i++) {
		const struct bundle_segment *segment = &bundle->segments[i];
		uint64_t start = address + segment->offset;

		if (segment->prot & PROT_WRITE && segment->offset >= bundle->worlds_start &&
		    segment->offset < bundle->worlds_end &&
		    !add_range(collector, mappings, count, start, start + segment->size, rights))
			return false;
	}
	return add_range(collector, mappings, count, bundle->ready.memory, template->memory, rights);
}

/* Whether it has opened something that it has not closed. */
static bool has_descriptors(pid_t child)
{
	bool found = false;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)child);
	folder = opendir(path);
	if (!folder)
		return true;
	for (const struct dirent *entry; (entry = readdir(folder));)
		found |= entry->d_name[0] != '.' && atoi(entry->d_name) > 2;
	closedir(folder);
	return found;
}

static int open_of(pid_t child, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool collect(struct collector *collector, pid_t child, const struct bundle_template *template,
		    uint64_t address)
{
	struct bundle_ready *ready = &collector->bundle->ready;
	size_t count, parts_size;
	struct mapping *mappings = read_mappings(child, &count);
	uint32_t threads = take_room(collector, (uint32_t)core_page_up(template->threads_size)), parts;
	bool whole = threads && template->memory - ready->memory <= MEMORY_MAX &&
		     pread(collector->memory, (char *)collector->bundle + threads, template->threads_size,
			   (off_t)template->threads) == (ssize_t)template->threads_size &&
		     add_all(collector, mappings, count, template, address, false) &&
		     add_all(collector, mappings, count, template, address, true);

	free(mappings);
	parts_size = collector->part_count * sizeof(*collector->parts);
	parts = whole ? take_room(collector, (uint32_t)parts_size) : 0;
	if (!parts)
		return false;
	memcpy((char *)collector->bundle + parts, collector->parts, parts_size);
	ready->threads = threads;
	ready->parts = parts;
	ready->part_count = collector->part_count;
	ready->memory_size = template->memory - ready->memory;
	ready->address = address;
	return true;
}

static void read_template(struct bundle *bundle, pid_t child, const struct bundle_template *template,
			  uint64_t address)
{
	struct collector collector = {
		.bundle = bundle,
		.memory = open_of(child, "mem"),
		.pages = open_of(child, "pagemap"),
		.parts = calloc(PARTS_MAX, sizeof(*collector.parts)),
		.used = bundle->ready.room,
		.limit = bundle->ready.room + bundle->ready.room_size,
	};

	if (!collector.parts)
		die(EXIT_K23, "out of memory");
	if (collector.memory >= 0 && collector.pages >= 0 && !has_descriptors(child))
		collect(&collector, child, template, address);
	if (collector.memory >= 0)
		close(collector.memory);
	if (collector.pages >= 0)
		close(collector.pages);
	free(collector.parts);
}

void template_run(struct bundle *bundle)
{
	struct bundle_template *template;
	pid_t parent = getpid(), child;
	uint64_t address;

	if (!bundle->ready.room_size || bundle->shared_id < 0)
		return;
	address = choose_address();
	template = mmap(NULL, CORE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!address || template == MAP_FAILED)
		return;
	bundle->ready.memory = template->memory = address + core_page_up(bundle->size) + MEMORY_DISTANCE;
	bundle->template = (uint64_t)template;
	/* A fork without an exit signal, which the program would find pending that blocks it. */
	child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (child == 0)
		become(bundle->shared_id, address, parent);
	if (child > 0) {
		if (await(child, template))
			read_template(bundle, child, template, address);
		kill(child, SIGKILL);
		waitpid(child, NULL, __WALL);
	}
	bundle->template = 0;
	munmap(template, CORE_PAGE);
}
