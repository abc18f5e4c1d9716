/* Shared libraries built with the guests: where they are, and their text as bytes of a file. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "guest.h"
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>

/* The path of a file that was built with this program. */
static inline const char *beside(const char *name)
{
	static __thread char path[4200];
	const char *slash = strrchr(self_path(), '/');

	snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self_path()), self_path(), name);
	return path;
}

static inline void copy_file(const char *from, int to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	char buffer[65536];
	ssize_t n;

	NEED(fd >= 0);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		NEED(write(to, buffer, (size_t)n) == n);
	close(fd);
}

/* A copy that is complete from the moment it has its name. */
static inline void copy_to(const char *from, const char *to)
{
	int fd = open("being-copied", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	NEED(fd >= 0);
	copy_file(from, fd);
	close(fd);
	NEED(rename("being-copied", to) == 0);
}

static inline void *load(const char *path, int flags)
{
	void *handle = dlopen(path, flags);

	if (!handle)
		say("dlopen: %s", dlerror());
	NEED(handle);
	return handle;
}

static inline void *symbol(void *handle, const char *name)
{
	void *p = dlsym(handle, name);

	NEED(p);
	return p;
}

typedef long call_fn(long nr, long a, long b, long c);

/* Every call site of libsites.so: results and errors as the kernel's. */
static inline void use_library(void *handle)
{
	long (*parent)(void) = (long (*)(void))symbol(handle, "site_getppid");
	long (*close_fd)(long) = (long (*)(long))symbol(handle, "site_close");
	long (*beyond)(void) = (long (*)(void))symbol(handle, "site_beyond");
	long (*uid)(void) = (long (*)(void))symbol(handle, "site_short");
	call_fn *any = (call_fn *)symbol(handle, "site_any");
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT(parent(), getppid());
		EXPECT(close_fd(-1), -EBADF);
		EXPECT(beyond(), -ENOSYS);
		EXPECT(uid(), getuid());
		EXPECT(any(SYS_getppid, 0, 0, 0), getppid());
		EXPECT(any(SYS_close, -1, 0, 0), -EBADF);
	}
}

/* Where a symbol's bytes are in the library's file, and the segment around them. */
struct text_place {
	off_t offset, segment;
	size_t size;
};

static inline struct text_place place_of(const char *path, void *handle, const char *name)
{
	unsigned long address = (unsigned long)symbol(handle, name);
	struct link_map *map;
	ElfW(Ehdr) header;
	ElfW(Phdr) segments[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC), i;

	NEED(fd >= 0 && dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0);
	NEED(pread(fd, &header, sizeof(header), 0) == sizeof(header) && header.e_phnum <= 32);
	NEED(pread(fd, segments, header.e_phnum * sizeof(segments[0]), (off_t)header.e_phoff) > 0);
	close(fd);
	address -= map->l_addr;
	for (i = 0; i < header.e_phnum; i++)
		if (segments[i].p_type == PT_LOAD && address - segments[i].p_vaddr < segments[i].p_filesz)
			return (struct text_place){
				.offset = (off_t)(address - segments[i].p_vaddr + segments[i].p_offset),
				.segment = (off_t)(segments[i].p_offset & ~(PAGE - 1)),
				.size = segments[i].p_filesz + (segments[i].p_offset & (PAGE - 1)),
			};
	NEED(!"symbol in a segment");
	return (struct text_place){ 0 };
}

/* FNV-1a */
static inline unsigned long checksum(const void *data, size_t size)
{
	const unsigned char *p = data;
	unsigned long sum = 0xcbf29ce484222325;

	while (size--)
		sum = (sum ^ *p++) * 0x100000001b3;
	return sum;
}

#endif
