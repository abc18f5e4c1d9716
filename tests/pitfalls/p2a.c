/* P2a: call instructions that no look at the program's files before it runs can find. */
#include "library.h"
#include <pthread.h>

CASE(late)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);

	use_library(handle);
	EXPECT(dlclose(handle), 0);
	handle = load(beside("libsites.so"), RTLD_LAZY | RTLD_LOCAL);
	use_library(handle);
	EXPECT(dlclose(handle), 0);
	/* an identity that is not its build id */
	handle = load(beside("libsites-noid.so"), RTLD_NOW);
	use_library(handle);
}

static void *load_in_thread(void *arg)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);

	use_library(handle);
	return arg;
}

CASE(in_threads)
{
	pthread_t t;
	int i;

	for (i = 0; i < 4; i++) {
		NEED(pthread_create(&t, NULL, load_in_thread, NULL) == 0);
		pthread_join(t, NULL);
	}
}

static void *in_namespace(void *arg)
{
	void *handle = dlmopen(LM_ID_NEWLM, beside("libsites.so"), RTLD_NOW);
	void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
	pid_t (*parent)(void);

	NEED(handle && libc);
	use_library(handle);
	parent = (pid_t(*)(void))symbol(libc, "getppid");
	CHECK(parent != getppid);
	EXPECT(parent(), getppid());
	return arg;
}

/* Link-map namespaces have copies of every library, the C library included. */
CASE(namespaces)
{
	pthread_t t;

	in_namespace(NULL);
	NEED(pthread_create(&t, NULL, in_namespace, NULL) == 0);
	pthread_join(t, NULL);
}

static unsigned long base_of(void *handle)
{
	struct link_map *map;

	NEED(dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0);
	return map->l_addr;
}

/* Unloaded, its place taken by something else, loaded elsewhere. */
CASE(reloaded_elsewhere)
{
	unsigned long was = 0;
	int i;

	for (i = 0; i < 8; i++) {
		void *handle = load(beside("libsites.so"), RTLD_NOW), *there;
		unsigned long base = base_of(handle);

		CHECK(base != was);
		was = base;
		use_library(handle);
		EXPECT(dlclose(handle), 0);
		there = mmap((void *)base, 8 * PAGE, i & 1 ? PROT_NONE : PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		EXPECT(there, base);
		if (!(i & 1))
			memset(there, 0xcc, 8 * PAGE);
	}
}

/* Files without a name that lasts. */
CASE(nameless)
{
	int fd = (int)raw(SYS_memfd_create, "library", 0);
	char path[64];
	void *handle;

	copy_file(beside("libsites.so"), fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	handle = load(path, RTLD_NOW);
	close(fd);
	use_library(handle);
	copy_to(beside("libsites.so"), "copy.so");
	handle = load("./copy.so", RTLD_NOW);
	unlink("copy.so");
	use_library(handle);
}

/* Constructors, destructors and resolvers of a library that comes late. */
CASE(constructors)
{
	void *handle = load(beside("libearly.so"), RTLD_NOW);
	int (*answer)(void) = (int (*)(void))symbol(handle, "early_answer");

	EXPECT(*(int *)symbol(handle, "early_calls"), 2);
	EXPECT(answer(), 42);
	EXPECT(dlclose(handle), 0);
	say("closed");
}

/* mov %rdi,%rax; mov %rsi,%rdi; mov %rdx,%rsi; mov %rcx,%rdx; syscall; ret */
static const unsigned char code[] = {
	0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x0f, 0x05, 0xc3,
};
/* mov $110,%eax; syscall; ret */
static const unsigned char usual[] = { 0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3 };

static void run_code(const void *p)
{
	call_fn *f = (call_fn *)(uintptr_t)p;

	EXPECT(f(SYS_getppid, 0, 0, 0), getppid());
	EXPECT(f(SYS_close, -1, 0, 0), -EBADF);
	EXPECT(f(600, 0, 0, 0), -ENOSYS);
}

static void run_usual(const void *p)
{
	EXPECT(((long (*)(void))(uintptr_t)p)(), getppid());
}

static unsigned char *pages(size_t size, int prot)
{
	unsigned char *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	return p;
}

CASE(jit_rwx)
{
	unsigned char *p = pages(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	size_t i;

	for (i = 0; i < 50; i++) {
		memset(p, 0xcc, PAGE);
		memcpy(p + 7 * i, code, sizeof(code));
		run_code(p + 7 * i);
		memcpy(p + 7 * i, usual, sizeof(usual));
		run_usual(p + 7 * i);
	}
}

CASE(jit_w_xor_x)
{
	unsigned char *p = pages(2 * PAGE, PROT_READ | PROT_WRITE);
	size_t i;

	for (i = 0; i < 50; i++) {
		NEED(mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
		memset(p, 0xcc, 2 * PAGE);
		memcpy(p + PAGE - 30 + i, code, sizeof(code));
		memcpy(p + 100 + i, usual, sizeof(usual));
		NEED(mprotect(p, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
		run_code(p + PAGE - 30 + i);
		run_usual(p + 100 + i);
	}
}

CASE(jit_two_mappings)
{
	int fd = (int)raw(SYS_memfd_create, "jit", 0);
	unsigned char *w, *x, *y;
	size_t i;

	NEED(ftruncate(fd, (off_t)PAGE) == 0);
	w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	NEED(w != MAP_FAILED && x != MAP_FAILED);
	for (i = 0; i < 50; i++) {
		memset(w, 0xcc, PAGE);
		memcpy(w + 3 * i, code, sizeof(code));
		memcpy(w + 2000 + 3 * i, usual, sizeof(usual));
		run_code(x + 3 * i);
		run_usual(x + 2000 + 3 * i);
		EXPECT(checksum(w, PAGE), checksum(x, PAGE));
	}
	/* a private copy of what is there now */
	y = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	NEED(y != MAP_FAILED);
	run_code(y + 3 * (i - 1));
}

/* Threads write code and run it, each its own, at the same time. */
static void *jit_thread(void *arg)
{
	unsigned char *p = pages(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	size_t i;

	for (i = 0; i < 100; i++) {
		memset(p, 0xcc, PAGE);
		memcpy(p + i, code, sizeof(code));
		run_code(p + i);
	}
	munmap(p, PAGE);
	return arg;
}

CASE(jit_threads)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, jit_thread, NULL) == 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* A packed program: the text of another one, encoded in data, is decoded into fresh memory, its
 * interpreter's work is done by hand, and it is entered as the kernel would. */
static unsigned char *packed;
static size_t packed_size;

static void pack(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char key = 0x5a;
	size_t i;

	NEED(fd >= 0);
	packed_size = (size_t)lseek(fd, 0, SEEK_END);
	packed = malloc(packed_size);
	NEED(pread(fd, packed, packed_size, 0) == (ssize_t)packed_size);
	close(fd);
	for (i = 0; i < packed_size; i++, key = (unsigned char)(key * 5 + 1))
		packed[i] ^= key;
}

static void unpack_and_enter(void)
{
	static const unsigned long stack_words[] = { 1, 0, 0, 0, 6 /* AT_PAGESZ */, PAGE, 0, 0 };
	unsigned char *file = pages(packed_size + PAGE, PROT_READ | PROT_WRITE), *stack, key = 0x5a;
	unsigned long low = -1UL, high = 0, *words;
	const ElfW(Ehdr) *header = (void *)file;
	const ElfW(Phdr) *segment;
	char *base;
	size_t i;

	for (i = 0; i < packed_size; i++, key = (unsigned char)(key * 5 + 1))
		file[i] = packed[i] ^ key;
	segment = (const void *)(file + header->e_phoff);
	for (i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type != PT_LOAD)
			continue;
		if (segment[i].p_vaddr < low)
			low = segment[i].p_vaddr & -PAGE;
		if (segment[i].p_vaddr + segment[i].p_memsz > high)
			high = segment[i].p_vaddr + segment[i].p_memsz;
	}
	base = (char *)pages(high - low + PAGE, PROT_READ | PROT_WRITE) - low;
	for (i = 0; i < header->e_phnum; i++) {
		unsigned long from = segment[i].p_vaddr & -PAGE, to = segment[i].p_vaddr + segment[i].p_memsz;

		if (segment[i].p_type != PT_LOAD)
			continue;
		memcpy(base + segment[i].p_vaddr, file + segment[i].p_offset, segment[i].p_filesz);
		NEED(mprotect(base + from, to - from, PROT_READ | (segment[i].p_flags & PF_W ? PROT_WRITE : 0) |
			      (segment[i].p_flags & PF_X ? PROT_EXEC : 0)) == 0);
	}
	stack = pages(16 * PAGE, PROT_READ | PROT_WRITE);
	words = (unsigned long *)(stack + 15 * PAGE);
	memcpy(words, stack_words, sizeof(stack_words));
	__asm__ volatile("mov %[stack], %%rsp\n\t"
			 "xor %%edx, %%edx\n\t"
			 "jmp *%[entry]"
			 :
			 : [stack] "r"(words), [entry] "r"(base + header->e_entry)
			 : "memory", "rdx");
	__builtin_unreachable();
}

CASE(packed)
{
	pack(beside("unpacked"));
	EXPECT(in_child(unpack_and_enter), 9);
}
