/* Files that change under their name: upgraded by rename, overwritten, truncated, and mapped again. */
#include "library.h"
#include <setjmp.h>

static long call_in(void *handle, const char *name)
{
	return ((long (*)(void))symbol(handle, name))();
}

/* A version of the library in which site_getppid does something else, at the same place. */
static void make_version(const char *path, const unsigned char *code)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);
	off_t at = place_of(beside("libsites.so"), handle, "site_getppid").offset;
	int fd = open("version", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	NEED(fd >= 0);
	copy_file(beside("libsites.so"), fd);
	NEED(pwrite(fd, code, 8, at) == 8);
	close(fd);
	NEED(rename("version", path) == 0);
	dlclose(handle);
}

/* the original; another number; no call at all; the call elsewhere in the same bytes */
static const unsigned char versions[][8] = {
	{ 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3 },
	{ 0xb8, SYS_getuid, 0, 0, 0, 0x0f, 0x05, 0xc3 },
	{ 0xb8, 0x21, 0x43, 0, 0, 0x90, 0x90, 0xc3 },
	{ 0x6a, SYS_getppid, 0x58, 0x0f, 0x05, 0xc3, 0xcc, 0xcc },
	{ 0xb8, 0x34, 0x12, 0, 0, 0xc3, 0x0f, 0x05 },
};

static long result_of(size_t version)
{
	return version == 1 ? (long)getuid() : version == 2 ? 0x4321 : version == 4 ? 0x1234 : (long)getppid();
}

/* The build id is the same, the content is not. */
CASE(upgraded)
{
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(versions); i++) {
		size_t version = i % ARRAY_SIZE(versions);
		void *handle;

		make_version("library.so", versions[version]);
		handle = load("./library.so", RTLD_NOW);
		EXPECT(call_in(handle, "site_getppid"), result_of(version));
		EXPECT(call_in(handle, "site_beyond"), -ENOSYS);
		EXPECT(dlclose(handle), 0);
	}
	unlink("library.so");
}

/* The old one stays loaded while the new one comes. */
CASE(both)
{
	void *old, *new;

	make_version("library.so", versions[0]);
	old = load("./library.so", RTLD_NOW);
	make_version("library.so", versions[1]);
	/* under another name, or the loader would not look */
	new = load(".//library.so", RTLD_NOW);
	CHECK(old != new);
	EXPECT(call_in(old, "site_getppid"), getppid());
	EXPECT(call_in(new, "site_getppid"), getuid());
	use_library(old);
	unlink("library.so");
	EXPECT(call_in(old, "site_getppid"), getppid());
	EXPECT(call_in(new, "site_getppid"), getuid());
}

/* Written over in place: the same inode, another content. */
CASE(overwritten)
{
	void *handle = load(beside("libsites.so"), RTLD_NOW);
	off_t at = place_of(beside("libsites.so"), handle, "site_getppid").offset;
	size_t i;
	int fd;

	copy_to(beside("libsites.so"), "library.so");
	fd = open("library.so", O_RDWR | O_CLOEXEC);
	NEED(fd >= 0);
	for (i = 0; i < 2 * ARRAY_SIZE(versions); i++) {
		size_t version = i % ARRAY_SIZE(versions);

		NEED(pwrite(fd, versions[version], 8, at) == 8);
		handle = load("./library.so", RTLD_NOW);
		EXPECT(call_in(handle, "site_getppid"), result_of(version));
		EXPECT(dlclose(handle), 0);
	}
	close(fd);
	unlink("library.so");
}

static sigjmp_buf back;
static volatile int fault_signal, fault_code;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = sig;
	fault_code = info->si_code;
	siglongjmp(back, 1);
}

/* Cut off while it is mapped: touching what is gone is SIGBUS; whole again, it can be loaded again. */
CASE(truncated)
{
	const char *path = beside("libsites.so");
	void *handle = load(path, RTLD_NOW);
	struct text_place place = place_of(path, handle, "site_getppid");
	char *volatile p; /* siglongjmp */
	int fd, i;

	set_handler(SIGBUS, on_fault, 0);
	for (i = 0; i < 3; i++) {
		copy_to(path, "library.so");
		fd = open("library.so", O_RDWR | O_CLOEXEC);
		NEED(fd >= 0);
		p = mmap(NULL, place.size, PROT_READ | PROT_EXEC, i & 1 ? MAP_PRIVATE : MAP_SHARED, fd, place.segment);
		NEED(p != MAP_FAILED);
		if (i < 2)
			EXPECT(((long (*)(void))(p + place.offset - place.segment))(), getppid());
		NEED(ftruncate(fd, place.segment) == 0);
		if (!sigsetjmp(back, 1)) {
			((long (*)(void))(p + place.offset - place.segment))();
			say("no fault");
		} else {
			say("signal %d, code %d", fault_signal, fault_code);
		}
		EXPECT(munmap(p, place.size), 0);
		/* mapped while it is too short, then long enough again */
		p = mmap(NULL, place.size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, place.segment);
		NEED(p != MAP_FAILED);
		NEED(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		copy_file(path, fd);
		EXPECT(((long (*)(void))(p + place.offset - place.segment))(), getppid());
		EXPECT(munmap(p, place.size), 0);
		close(fd);
		handle = load("./library.so", RTLD_NOW);
		use_library(handle);
		dlclose(handle);
		unlink("library.so");
	}
}

/* Files that are cut, empty, or no ELF files at all, mapped executable. */
CASE(no_library)
{
	static const off_t sizes[] = { 0, 1, 4, 52, 64, 100, 300, 4096, 5000, 8192 };
	size_t i;

	copy_to(beside("libsites.so"), "library.so");
	for (i = ARRAY_SIZE(sizes); i--;) {
		int fd = open("library.so", O_RDWR | O_CLOEXEC);
		char *p;

		NEED(fd >= 0 && ftruncate(fd, sizes[i]) == 0);
		p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		NEED(p != MAP_FAILED);
		if (sizes[i])
			EXPECT(p[0], 0x7f);
		EXPECT(munmap(p, 4 * PAGE), 0);
		CHECK(!dlopen("./library.so", RTLD_NOW));
		close(fd);
	}
	unlink("library.so");
}

/* Headers that lie: sizes and offsets beyond the file, a note without end, counts that are too large. */
CASE(lying_headers)
{
	static const struct {
		off_t at;
		unsigned char bytes[8];
		size_t size;
	} lies[] = {
		{ 32, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f }, 8 }, /* e_phoff */
		{ 32, { 0xf0, 0xff, 0, 0 }, 4 },
		{ 54, { 0xff, 0xff }, 2 }, /* e_phentsize */
		{ 54, { 1, 0 }, 2 },
		{ 56, { 0xff, 0xff }, 2 }, /* e_phnum */
		{ 40, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8 }, /* e_shoff */
		{ 4, { 1 }, 1 }, /* ELFCLASS32 */
		{ 18, { 0xb7 }, 1 }, /* another machine */
	};
	const char *path = beside("libsites.so");
	struct text_place place = place_of(path, load(path, RTLD_NOW), "site_getppid");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		int fd;
		char *p;

		copy_to(path, "library.so");
		fd = open("library.so", O_RDWR | O_CLOEXEC);
		NEED(fd >= 0 && pwrite(fd, lies[i].bytes, lies[i].size, lies[i].at) == (ssize_t)lies[i].size);
		p = mmap(NULL, place.size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, place.segment);
		NEED(p != MAP_FAILED);
		EXPECT(((long (*)(void))(p + place.offset - place.segment))(), getppid());
		EXPECT(munmap(p, place.size), 0);
		close(fd);
	}
	unlink("library.so");
}
