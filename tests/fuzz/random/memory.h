/*
 * Mappings: an arena in which memory of all kinds comes, moves, changes and goes.
 */
#ifndef FUZZ_RANDOM_MEMORY_H
#define FUZZ_RANDOM_MEMORY_H

#include <sys/uio.h>

#define ARENA_PAGES 16u

static char *const arena = (char *)0x30000000;

static char *arena_page(uint32_t page)
{
	return arena + page * PAGE;
}

/* What is mapped in the arena, a letter for each page: as /proc shows it. */
static void show_arena(void)
{
	char shown[ARENA_PAGES + 1], line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	memset(shown, '.', ARENA_PAGES);
	shown[ARENA_PAGES] = 0;
	NEED(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;
		char perms[5];

		NEED(sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3);
		for (unsigned i = 0; i < ARENA_PAGES; i++) {
			unsigned long page = (unsigned long)arena_page(i);
			unsigned bits = (perms[0] == 'r') | (perms[1] == 'w') << 1 | (perms[2] == 'x') << 2;

			if (page >= start && page < end)
				shown[i] = (char)((perms[3] == 's' ? 'A' : 'a') + bits);
		}
	}
	fclose(maps);
	say("arena %s", shown);
}

/* How a page reads: its first byte, or why there is none, by the kernel's eyes. */
static void read_page(uint32_t page)
{
	struct iovec here, there = { arena_page(page), 1 };
	unsigned char byte = 0;
	int fd[2];
	long r;

	switch (draw(3)) {
	case 0:
		here = (struct iovec){ &byte, 1 };
		r = raw(SYS_process_vm_readv, raw(SYS_getpid), &here, 1, &there, 1, 0);
		break;
	case 1: {
		int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

		r = raw(SYS_pread64, mem, &byte, 1, arena_page(page));
		close(mem);
		break;
	}
	default:
		NEED(pipe(fd) == 0);
		r = raw(SYS_write, fd[1], arena_page(page), 1);
		if (r == 1)
			raw(SYS_read, fd[0], &byte, 1);
		close(fd[0]);
		close(fd[1]);
	}
	say("page %u: %ld, %x", page, r, byte);
}

static int patterned(void)
{
	int fd = (int)raw(SYS_memfd_create, "arena", MFD_CLOEXEC);
	char bytes[4 * PAGE];

	NEED(fd >= 0);
	for (unsigned i = 0; i < 4; i++)
		memset(bytes + i * PAGE, 0xc0 + (int)i, PAGE);
	NEED(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	return fd;
}

/* mov $nr,%eax; syscall; ret */
static void run_page(uint32_t page)
{
	static const uint8_t code[] = { 0xb8, 0xff, 0x03, 0, 0, 0x0f, 0x05, 0xc3 };
	char *at = arena_page(page) + draw(PAGE - 16);

	if (mprotect(arena_page(page), PAGE, PROT_READ | PROT_WRITE) != 0)
		return;
	memcpy(at, code, sizeof(code));
	*(uint32_t *)(at + 1) = draw(2) ? SYS_getppid : 1023;
	if (mprotect(arena_page(page), PAGE, PROT_READ | PROT_EXEC) != 0)
		return;
	for (uint32_t n = 1 + draw(3); n; n--) {
		long r = ((long (*)(void))at)();

		say("ran: %s", r == -ENOSYS ? "ENOSYS" : r == getppid() ? "right" : "wrong");
	}
}

static void do_memory(void)
{
	static const int advices[] = {
		MADV_NORMAL,	    MADV_DONTNEED,	 MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK,
		MADV_KEEPONFORK,    MADV_REMOVE,	 MADV_DONTDUMP, MADV_DODUMP, MADV_UNMERGEABLE,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, 102,		103
	};
	int fd = patterned();

	munmap(arena, ARENA_PAGES * PAGE);
	for (uint32_t steps = 5 + draw(20); steps; steps--) {
		uint32_t page = draw(ARENA_PAGES), pages = 1 + draw(ARENA_PAGES - page < 4 ? ARENA_PAGES - page : 4);
		uint32_t to = draw(ARENA_PAGES), kind = draw(12);
		int prot = (int)draw(8), flags = draw(3) ? MAP_PRIVATE : MAP_SHARED;
		char *at = arena_page(page);
		long r = 0;

		switch (kind) {
		case 0:
		case 1:
			flags |= MAP_ANONYMOUS | (draw(4) ? MAP_FIXED : MAP_FIXED_NOREPLACE) |
				 (draw(6) ? 0 : MAP_LOCKED);
			r = raw(SYS_mmap, at, pages * PAGE, prot, flags, -1, 0);
			break;
		case 2: r = raw(SYS_mmap, at, pages * PAGE, prot, flags | MAP_FIXED, fd, draw(4) * PAGE); break;
		case 3: r = raw(SYS_munmap, at, pages * PAGE); break;
		case 4:
		case 5: r = raw(SYS_mprotect, at, pages * PAGE, prot); break;
		case 6: r = raw(SYS_madvise, at, pages * PAGE, PICK(advices)); break;
		case 7: {
			static const int moves[] = { 0, MREMAP_FIXED | MREMAP_MAYMOVE,
						     MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP };
			int how = PICK(moves);
			uint32_t size = how & MREMAP_DONTUNMAP ? pages : 1 + draw(4);

			if (to + size > ARENA_PAGES)
				to = ARENA_PAGES - size;
			r = raw(SYS_mremap, at, pages * PAGE, size * PAGE, how, arena_page(to));
			break;
		}
		case 8: read_page(page); break;
		case 9: run_page(page); break;
		case 10: {
			static const int calls[] = { SYS_mlock, SYS_munlock, SYS_msync };
			long nr = PICK(calls);

			r = raw6(nr, (long)at, pages * PAGE, nr == SYS_msync ? MS_SYNC : 0, 0, 0, 0);
			break;
		}
		default: {
			/* A call whose structure lies across pages. */
			char *name = at + PAGE - 1 - draw(100);

			r = raw(SYS_uname, name);
			break;
		}
		}
		if (r > 0)
			r = r - (long)arena;
		say("memory %u: %lx", kind, r);
		if (draw(6) == 0)
			show_arena();
		if (draw(12) == 0 && depth < MAX_DEPTH) {
			pid_t pid = fork();

			if (pid == 0) {
				show_arena();
				read_page(page);
				read_page(to);
				raw(SYS_exit_group, 0);
			}
			await(pid);
		}
	}
	show_arena();
	munmap(arena, ARENA_PAGES * PAGE);
	close(fd);
}

static void do_brk(void)
{
	char *base = (char *)raw(SYS_brk, 0);

	for (uint32_t n = 1 + draw(4); n; n--) {
		static const long steps[] = { 1, 4096, 100000, 1 << 24, -4096, 1l << 45 };
		char *now = (char *)raw(SYS_brk, 0), *asked = now + PICK(steps), *got;

		if (asked < base)
			continue;
		got = (char *)raw(SYS_brk, asked);
		say("brk: %s", got == asked ? "done" : got == now ? "refused" : "strange");
		if (got > now)
			got[-1] = 1;
	}
	say("brk back: %d", (char *)raw(SYS_brk, base) == base);
}

#endif
