/* P5: text that is changed while it is used, by whoever; permissions and bytes stay the program's. */
#include "library.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/prctl.h>
#include <ucontext.h>

#define THREADS 8

static pthread_barrier_t barrier;
static long (*volatile fresh)(void);
static call_fn *volatile fresh_any;

static void *meet(void *arg)
{
	long rounds = (long)arg;

	while (rounds--) {
		int i;

		pthread_barrier_wait(&barrier);
		for (i = 0; i < 20; i++) {
			EXPECT(fresh(), getppid());
			EXPECT(fresh_any(SYS_close, -1, 0, 0), -EBADF);
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* Eight threads make the first calls of a library at the same moment. */
static void meet_rounds(long rounds)
{
	pthread_t t[THREADS];
	int i;

	NEED(pthread_barrier_init(&barrier, NULL, THREADS + 1) == 0);
	for (i = 0; i < THREADS; i++)
		NEED(pthread_create(&t[i], NULL, meet, (void *)rounds) == 0);
	while (rounds--) {
		void *handle = load(beside("libsites.so"), RTLD_NOW);

		fresh = (long (*)(void))symbol(handle, "site_getppid");
		fresh_any = (call_fn *)symbol(handle, "site_any");
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		EXPECT(dlclose(handle), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

CASE(fresh_site)
{
	meet_rounds(30);
}

STRESS(fresh_sites)
{
	meet_rounds(turns(100, 300));
}

static volatile int stop;

static void *load_all_the_time(void *arg)
{
	while (!stop) {
		void *handle = dlmopen(LM_ID_BASE, arg, RTLD_NOW);

		NEED(handle);
		use_library(handle);
		dlclose(handle);
	}
	return NULL;
}

/* Threads load, use and unload different libraries, while others fork. */
CASE(loads_and_forks)
{
	static char first[4200], second[4200];
	pthread_t t[2];
	int i;

	stop = 0;
	strcpy(first, beside("libsites.so"));
	strcpy(second, beside("libsites-noid.so"));
	NEED(pthread_create(&t[0], NULL, load_all_the_time, first) == 0);
	NEED(pthread_create(&t[1], NULL, load_all_the_time, second) == 0);
	for (i = 0; i < 30; i++) {
		pid_t pid = fork();

		if (pid == 0)
			raw(SYS_exit_group, raw(600) == -ENOSYS ? 4 : 5);
		EXPECT(wait_for(pid), 4);
	}
	stop = 1;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

/* A symbol's text, mapped once more from its file. */
struct mapping {
	unsigned char *text, *site;
	size_t size;
};

static struct mapping map_text(const char *name, int prot, int flags, const char *from)
{
	static const char *loaded;
	static void *handle;
	struct text_place place;
	struct mapping m;
	int fd = open(from, O_RDONLY | O_CLOEXEC);

	if (!loaded) {
		loaded = "libsites.so";
		handle = load(beside(loaded), RTLD_NOW);
	}
	NEED(fd >= 0);
	place = place_of(beside(loaded), handle, name);
	m.size = (place.size + PAGE - 1) & -PAGE;
	m.text = mmap(NULL, m.size, prot, flags, fd, place.segment);
	NEED(m.text != MAP_FAILED);
	m.site = m.text + (place.offset - place.segment);
	close(fd);
	return m;
}

static long call_site(const struct mapping *m)
{
	return ((long (*)(void))(uintptr_t)m->site)();
}

static sigjmp_buf back;
static siginfo_t fault;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	fault = *info;
	siglongjmp(back, 1);
}

/* Whether a read or write faults, and how. */
static void probe(const char *what, const struct mapping *m, bool write)
{
	volatile unsigned char *p = m->site + 64;

	set_handler(SIGSEGV, on_fault, 0);
	fault.si_code = 0;
	if (!sigsetjmp(back, 1)) {
		unsigned char byte = *p;

		if (write)
			*p = byte;
		say("%s: can", what);
	} else {
		say("%s: cannot, code %d, address %s", what, fault.si_code,
		    fault.si_addr == (void *)p ? "right" : "wrong");
	}
}

static void show_permissions(const struct mapping *m)
{
	char line[4300];
	FILE *f = fopen("/proc/self/maps", "r");

	NEED(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long low, high;
		char perms[8];

		NEED(sscanf(line, "%lx-%lx %7s", &low, &high, perms) == 3);
		if (low <= (unsigned long)m->site && (unsigned long)m->site < high)
			say("%s, of a file %d", perms, strchr(line, '/') != NULL);
	}
	fclose(f);
}

static const int kinds[] = { MAP_PRIVATE, MAP_SHARED };

/* Each kind of mapping has the permissions that were asked for, and only these. */
CASE(permissions)
{
	static const int prots[] = { PROT_EXEC, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		for (j = 0; j < ARRAY_SIZE(prots); j++) {
			struct mapping m;

			/* the file is open for reading only */
			if (kinds[i] == MAP_SHARED && prots[j] & PROT_WRITE)
				continue;
			m = map_text("site_getppid", prots[j], kinds[i], beside("libsites.so"));
			say("%s, protection %d", kinds[i] == MAP_SHARED ? "shared" : "private", prots[j]);
			show_permissions(&m);
			EXPECT(call_site(&m), getppid());
			probe("read", &m, false);
			probe("write", &m, true);
			EXPECT(call_site(&m), getppid());
			show_permissions(&m);
			EXPECT(munmap(m.text, m.size), 0);
		}
}

CASE(protected_later)
{
	static const int first[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		struct mapping m = map_text("site_getppid", first[i], MAP_PRIVATE, beside("libsites.so"));

		NEED(mprotect(m.text, m.size, PROT_READ | PROT_EXEC) == 0);
		EXPECT(call_site(&m), getppid());
		show_permissions(&m);
		NEED(mprotect(m.text, m.size, PROT_READ) == 0);
		NEED(mprotect(m.text, m.size, PROT_EXEC) == 0);
		EXPECT(call_site(&m), getppid());
		show_permissions(&m);
		EXPECT(munmap(m.text, m.size), 0);
	}
}

static const unsigned char *first_difference(const unsigned char *a, const unsigned char *b, size_t size)
{
	for (; size && *a == *b; size--, a++, b++)
		;
	return size ? a : NULL;
}

/* The text's relocations: written while it is writable, run when it is executable. */
CASE(relocated)
{
	static const unsigned char getuid_[] = { 0xb8, SYS_getuid, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	static const unsigned char constant[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, 0x90, 0x90, 0xc3 };
	static const unsigned char getppid_[] = { 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	static const struct {
		const unsigned char *code;
		size_t size;
	} codes[] = { { getuid_, 8 }, { constant, 8 }, { getppid_, 8 } };
	static const char *const names[] = { "site_getppid", "site_close" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct mapping m = map_text(names[i], PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));

		for (j = 0; j < 9; j++) {
			long want = j % 3 == 0 ? (long)getuid() : j % 3 == 1 ? 0x12345678 : (long)getppid();

			NEED(mprotect(m.text, m.size, PROT_READ | PROT_WRITE | (j & 1 ? PROT_EXEC : 0)) == 0);
			memcpy(m.site, codes[j % 3].code, codes[j % 3].size);
			NEED(mprotect(m.text, m.size, PROT_READ | PROT_EXEC) == 0);
			CHECK(!first_difference(m.site, codes[j % 3].code, codes[j % 3].size));
			EXPECT(call_site(&m), want);
		}
		EXPECT(munmap(m.text, m.size), 0);
	}
}

/* The two bytes of a call are changed to others and back, and the rest of the text is left alone. */
CASE(self_modifying)
{
	struct mapping m = map_text("site_getppid", PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));
	int i;

	EXPECT(call_site(&m), getppid());
	for (i = 0; i < 10; i++) {
		NEED(mprotect(m.text, m.size, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
		m.site[5] = m.site[6] = 0x90;
		EXPECT(call_site(&m), SYS_getppid);
		m.site[5] = 0xcd, m.site[6] = 0x80;
		CHECK(call_site(&m) != getppid());
		m.site[5] = 0x0f, m.site[6] = 0x05;
		EXPECT(call_site(&m), getppid());
		NEED(mprotect(m.text, m.size, PROT_READ | PROT_EXEC) == 0);
		EXPECT(call_site(&m), getppid());
	}
}

/* The number alone is changed: in place, where the program knows it to be. */
CASE(number_changed)
{
	struct mapping m = map_text("site_getppid", PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE,
				    beside("libsites.so"));
	int i;

	EXPECT(call_site(&m), getppid());
	for (i = 0; i < 10; i++) {
		m.site[1] = SYS_getuid;
		EXPECT(call_site(&m), getuid());
		m.site[1] = SYS_getppid;
		EXPECT(call_site(&m), getppid());
	}
}

/* The file itself is written while it is mapped shared. */
CASE(file_written)
{
	struct mapping m;
	int fd, i;
	off_t at;

	copy_to(beside("libsites.so"), "written.so");
	m = map_text("site_getppid", PROT_READ | PROT_EXEC, MAP_SHARED, "written.so");
	at = place_of(beside("libsites.so"), load(beside("libsites.so"), RTLD_NOW), "site_getppid").offset;
	fd = open("written.so", O_RDWR | O_CLOEXEC);
	NEED(fd >= 0);
	EXPECT(call_site(&m), getppid());
	for (i = 0; i < 5; i++) {
		NEED(pwrite(fd, "\xb8\x66\x00\x00\x00\x0f\x05\xc3", 8, at) == 8);
		EXPECT(call_site(&m), getuid());
		NEED(pwrite(fd, "\xb8\x78\x56\x34\x12\x90\x90\xc3", 8, at) == 8);
		EXPECT(call_site(&m), 0x12345678);
		NEED(pwrite(fd, "\xb8\x6e\x00\x00\x00\x0f\x05\xc3", 8, at) == 8);
		EXPECT(call_site(&m), getppid());
	}
	close(fd);
	unlink("written.so");
	EXPECT(call_site(&m), getppid());
}

/* Thrown away by MADV_DONTNEED: private pages come back as the file has them, and work. */
CASE(thrown_away)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct mapping m = map_text("site_getppid", PROT_READ | PROT_EXEC, kinds[i], beside("libsites.so"));
		int j;

		for (j = 0; j < 5; j++) {
			EXPECT(call_site(&m), getppid());
			EXPECT(raw(SYS_madvise, m.text, m.size, MADV_DONTNEED), 0);
			EXPECT(call_site(&m), getppid());
			EXPECT(raw(SYS_madvise, m.text, m.size, MADV_PAGEOUT), 0);
			EXPECT(call_site(&m), getppid());
		}
		EXPECT(munmap(m.text, m.size), 0);
	}
}

/* Moved: to where the kernel wants, to a place given, grown, and back. */
CASE(moved)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct mapping m = map_text("site_getppid", PROT_READ | PROT_EXEC, kinds[i], beside("libsites.so"));
		size_t offset = (size_t)(m.site - m.text);
		static const unsigned long places[] = { 0x300000000000, 0x200000000, 0x310000000000 };
		size_t j;

		for (j = 0; j < ARRAY_SIZE(places); j++) {
			unsigned char *to = (unsigned char *)places[j];

			EXPECT(call_site(&m), getppid());
			EXPECT(raw(SYS_mremap, m.text, m.size, m.size, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
			m.text = to, m.site = to + offset;
			EXPECT(call_site(&m), getppid());
			show_permissions(&m);
		}
		EXPECT(munmap(m.text, m.size), 0);
	}
}

/* Only a part of the text moves, and its other part is taken away. */
CASE(parts)
{
	struct mapping m = map_text("site_alone", PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));
	unsigned char *page = (unsigned char *)((unsigned long)m.site & -PAGE), *to = (unsigned char *)0x320000000000;

	EXPECT(call_site(&m), getppid());
	EXPECT(munmap(m.text, (size_t)(page - m.text)), 0);
	EXPECT(call_site(&m), getppid());
	EXPECT(raw(SYS_mremap, page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	m.site = to + (m.site - page);
	EXPECT(call_site(&m), getppid());
	EXPECT(munmap(to, PAGE), 0);
}

static size_t pages_without(const unsigned char *p, size_t size, unsigned char byte)
{
	size_t n = 0;

	for (size_t at = 0; at < size; at += PAGE)
		n += p[at] != byte;
	return n;
}

/* Memory of the program's own is put in the place of the text, in two parts, by whichever calls; what happens to its
 * permissions afterwards does not touch what is in it. */
CASE(replaced_in_parts)
{
	static const char *const ways[] = { "over", "unmapped", "middle" };
	size_t way;

	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		struct mapping m = map_text("site_getppid", PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));
		const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
		size_t half = m.size / 2 & -PAGE, from = 0, size = m.size;

		EXPECT(call_site(&m), getppid());
		if (way == 1) {
			NEED(munmap(m.text + half, m.size - half) == 0 && munmap(m.text, half) == 0);
			NEED(mmap(m.text, m.size, PROT_READ | PROT_WRITE, anonymous, -1, 0) == m.text);
		} else if (way == 2) {
			from = PAGE, size = m.size - 2 * PAGE;
			NEED(mmap(m.text + from, size, PROT_READ | PROT_WRITE, anonymous, -1, 0) == m.text + from);
		} else {
			NEED(mmap(m.text, half, PROT_READ | PROT_WRITE, anonymous, -1, 0) == m.text);
			NEED(mmap(m.text + half, m.size - half, PROT_READ | PROT_WRITE, anonymous, -1, 0) ==
			     m.text + half);
		}
		memset(m.text + from, 0x5a, size);
		NEED(mprotect(m.text, m.size, PROT_READ) == 0);
		NEED(mprotect(m.text, m.size, PROT_READ | PROT_WRITE) == 0);
		EXPECT(pages_without(m.text + from, size, 0x5a), 0);
		NEED(munmap(m.text, m.size) == 0);
		say("%s", ways[way]);
	}
}

/* Text that the program has changed before it became executable keeps the change. */
CASE(changed_before)
{
	struct mapping m = map_text("site_getppid", PROT_READ, MAP_PRIVATE, beside("libsites.so"));
	unsigned char *byte = m.site + 8; /* of another function */
	int i;

	NEED(mprotect(m.text, m.size, PROT_READ | PROT_WRITE) == 0);
	*byte = 0x77;
	for (i = 0; i < 3; i++) {
		NEED(mprotect(m.text, m.size, PROT_READ | PROT_EXEC) == 0);
		EXPECT(call_site(&m), getppid());
		NEED(mprotect(m.text, m.size, PROT_READ | PROT_WRITE) == 0);
		EXPECT(*byte, 0x77);
	}
	EXPECT(munmap(m.text, m.size), 0);
}

/* The window ends with its page, the call is the first of the next: both move, or become the program's. */
CASE(window_in_the_page_before)
{
	struct mapping m = map_text("site_next_page", PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));
	unsigned char *to = (unsigned char *)0x330000000000;

	EXPECT(call_site(&m), getppid());
	EXPECT(raw(SYS_mremap, m.text, m.size, m.size, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	m.site = to + (m.site - m.text), m.text = to;
	EXPECT(call_site(&m), getppid());
	NEED(mprotect(m.text, m.size, PROT_READ | PROT_WRITE) == 0);
	EXPECT(m.site[0], 0xb8);
	EXPECT(munmap(m.text, m.size), 0);
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

static void frozen(void)
{
	NEED(prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0);
	use_library(load(beside("libsites.so"), RTLD_NOW));
	EXPECT(raw(SYS_getppid), getppid());
	_exit(guest_failures ? 1 : 4);
}

/* What was writable may never be executable again. */
CASE(mdwe)
{
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0)
		guest_skip("no PR_SET_MDWE");
	say("-> %d", in_child(frozen));
}

/* Every page of the text mapped alone, with what it has of calls that straddle its edges. */
CASE(pages)
{
	static const char *const names[] = { "site_next_page", "site_window_straddles", "site_straddles",
					     "site_alone" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct mapping m = map_text(names[i], PROT_READ, MAP_PRIVATE, beside("libsites.so"));
		unsigned char *page = (unsigned char *)((unsigned long)m.site & -PAGE);

		/* the second page first, so that it is made executable alone */
		NEED(mprotect(page + PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
		NEED(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
		EXPECT(call_site(&m), getppid());
		EXPECT(munmap(m.text, m.size), 0);
	}
}

/* The call is the first of its page, and the page before it is something else. */
CASE(first_in_page)
{
	const char *path = beside("libsites.so");
	void *handle = load(path, RTLD_NOW);
	struct text_place place = place_of(path, handle, "site_first_in_page");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long ret;

	NEED(fd >= 0 && p != MAP_FAILED && place.offset % (off_t)PAGE == 0);
	memset(p, 0x77, PAGE);
	NEED(mmap(p + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, place.offset) == p + PAGE);
	__asm__ volatile("call *%[site]"
			 : "=a"(ret)
			 : "a"(SYS_getppid), [site] "r"(p + PAGE)
			 : "rcx", "r11", "memory");
	EXPECT(ret, getppid());
	for (ret = 0; ret < (long)PAGE; ret++)
		if (p[ret] != 0x77)
			break;
	EXPECT(ret, PAGE);
}

/* The text is copied as bytes, and the copy is run. */
CASE(copied)
{
	struct mapping m = map_text("site_getppid", PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));
	unsigned char *copy = mmap(NULL, m.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(copy != MAP_FAILED);
	EXPECT(call_site(&m), getppid());
	memcpy(copy, m.text, m.size);
	NEED(mprotect(copy, m.size, PROT_READ | PROT_EXEC) == 0);
	m.site = copy + (m.site - m.text);
	EXPECT(call_site(&m), getppid());
}

/* And read as bytes, which are those of the file. */
CASE(read_back)
{
	struct mapping m = map_text("site_getppid", PROT_READ | PROT_EXEC, MAP_PRIVATE, beside("libsites.so"));

	EXPECT(call_site(&m), getppid());
	EXPECT(m.site[0], 0xb8);
	EXPECT(m.site[5], 0x0f);
	EXPECT(m.site[6], 0x05);
	say("%#lx", checksum(m.site, 8));
}
