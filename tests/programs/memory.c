/* Mappings: usual results, usual errors, and an address space that is the program's. */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/uio.h>

CASE(mappings)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

	NEED(p != MAP_FAILED);
	EXPECT(raw(SYS_mmap, p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
	EXPECT(raw(SYS_munmap, p + PAGE, PAGE), 0);
	EXPECT(raw(SYS_mmap, p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		   -1, 0), p + PAGE);
	EXPECT(raw(SYS_mprotect, p, PAGE, PROT_NONE), 0);
	EXPECT(raw(SYS_mprotect, p + 1, PAGE, PROT_READ), -EINVAL);
	EXPECT(raw(SYS_munmap, p + 1, PAGE), -EINVAL);
	EXPECT(raw(SYS_munmap, p, 0), -EINVAL);
	EXPECT(raw(SYS_munmap, p, 4 * PAGE), 0);
	EXPECT(raw(SYS_munmap, p, 4 * PAGE), 0);
	EXPECT(raw(SYS_mprotect, p, PAGE, PROT_READ), -ENOMEM);
	EXPECT(raw(SYS_mmap, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), -EINVAL);
	EXPECT(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), -EBADF);
	EXPECT(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1), -EINVAL);
	EXPECT(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), -EINVAL);
	EXPECT(raw(SYS_mmap, 0, 1UL << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), -ENOMEM);
	/* above what five levels of page tables reach */
	EXPECT(raw(SYS_mmap, 1UL << 56, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), -ENOMEM);
	EXPECT(raw(SYS_munmap, -PAGE, PAGE), -EINVAL);
	EXPECT(raw(SYS_mprotect, -PAGE, PAGE, PROT_READ), -ENOMEM);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(p, "moved");
	q = (char *)raw(SYS_mremap, p, 2 * PAGE, 64 * PAGE, 1 /* MREMAP_MAYMOVE */, 0);
	CHECK(!strcmp(q, "moved"));
	EXPECT(raw(SYS_mremap, p + 3, PAGE, PAGE, 1, 0), -EINVAL);
	EXPECT(raw(SYS_mremap, 0x10000, PAGE, PAGE, 1, 0), -EFAULT);
	EXPECT(raw(SYS_munmap, q, 64 * PAGE), 0);
}

/* A range with everything in it, and something else wrong. */
CASE(errors_first)
{
	const unsigned long low = 0x10000, all = 0x7ffffffff000 - low, beyond = 1UL << 48;

	EXPECT(raw(SYS_munmap, low + 1, all - PAGE), -EINVAL);
	EXPECT(raw(SYS_munmap, low, beyond), -EINVAL);
	EXPECT(raw(SYS_mprotect, low + 1, all, PROT_READ), -EINVAL);
	EXPECT(raw(SYS_mprotect, low, all, 0x100), -EINVAL);
	EXPECT(raw(SYS_mprotect, low, all, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), -EINVAL);
	EXPECT(raw(SYS_mprotect, low, all, PROT_READ), -ENOMEM);
	EXPECT(raw(SYS_madvise, low, all, 12345), -EINVAL);
	EXPECT(raw(SYS_madvise, low + 1, all, MADV_NORMAL), -EINVAL);
	EXPECT(raw(SYS_madvise, low, all, MADV_NORMAL), -ENOMEM);
	EXPECT(raw(SYS_mremap, low, all, 0, 1), -EINVAL);
	EXPECT(raw(SYS_mremap, low, all, PAGE, 8), -EINVAL);
	EXPECT(raw(SYS_mremap, low + 1, all, PAGE, 1), -EINVAL);
	EXPECT(raw(SYS_mremap, low, all, PAGE, 2, low), -EINVAL); /* MREMAP_FIXED alone */
	EXPECT(raw(SYS_mremap, low, all, PAGE, 4), -EINVAL);      /* MREMAP_DONTUNMAP alone */
	EXPECT(raw(SYS_mremap, low, all, PAGE, 3, low + PAGE), -EINVAL);
	EXPECT(raw(SYS_mremap, low, all, 2 * PAGE, 1), -EFAULT);
	EXPECT(raw(SYS_mmap, low + 1, all - PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), -EINVAL);
	EXPECT(raw(SYS_mmap, low, all, PROT_READ, MAP_PRIVATE | MAP_FIXED, -1, 0), -EBADF);
	EXPECT(raw(SYS_mmap, low, beyond, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), -ENOMEM);
	/* Nothing at all, anywhere. */
	for (unsigned long at = low; at < low + all && at >= low; at += all / 4096 & ~(PAGE - 1)) {
		EXPECT(raw(SYS_madvise, at, 0, 12345), -EINVAL);
		EXPECT(raw(SYS_mprotect, at, 0, PROT_READ), 0);
		EXPECT(raw(SYS_munmap, at, 0), -EINVAL);
	}
}

CASE(break_)
{
	long start = raw(SYS_brk, 0);

	CHECK(start > 0);
	EXPECT(raw(SYS_brk, start + 16 * (long)PAGE), start + 16 * (long)PAGE);
	memset((void *)start, 1, 16 * PAGE);
	EXPECT(raw(SYS_brk, start), start);
	EXPECT(raw(SYS_brk, 16), start);
	EXPECT(raw(SYS_brk, -1L), start);
}

/* Page 0 is nobody's: not mapped, and not mappable here. */
CASE(page_zero)
{
	unsigned char vec;

	EXPECT(raw(SYS_mincore, 0, PAGE, &vec), -ENOMEM);
	EXPECT(raw(SYS_write, 1, 0, 1), -EFAULT);
	EXPECT(raw(SYS_mprotect, 0, PAGE, PROT_READ), -ENOMEM);
	EXPECT(raw(SYS_munmap, 0, PAGE), 0);
	say("low: %ld", raw(SYS_mincore, 0x1000, 0xf000, &vec));
}

static void call_null(void)
{
	void (*volatile f)(void) = NULL;

	f();
}

static void read_null(void)
{
	volatile char *volatile p = NULL;

	(void)*p;
}

static void write_null(void)
{
	volatile char *volatile p = NULL;

	*p = 1;
}

CASE(null_faults)
{
	say("call %d, read %d, write %d", in_child(call_null), in_child(read_null), in_child(write_null));
}

/* The names of the files mapped, in order: only what the program itself has mapped. */
CASE(mapped_files)
{
	char line[4200], last[4200] = "";
	FILE *f = fopen("/proc/self/maps", "r");

	NEED(f);
	while (fgets(line, sizeof(line), f)) {
		char *name = strchr(line, '/');

		/* a System V segment is no file */
		if (!name || !strcmp(name, last) || !strncmp(name, "/SYSV", 5))
			continue;
		strcpy(last, name);
		name[strcspn(name, "\n")] = 0;
		say("%s", name);
	}
	fclose(f);
}

/* No mapping is writable and executable at once. */
CASE(no_wx)
{
	char line[4200];
	FILE *f = fopen("/proc/self/maps", "r");
	int wx = 0;

	NEED(f);
	while (fgets(line, sizeof(line), f)) {
		char *perms = strchr(line, ' ');

		wx += perms && perms[2] == 'w' && perms[3] == 'x';
	}
	fclose(f);
	say("writable and executable: %d", wx);
}

/* Every EFAULT there is: a bad pointer in any of a call's arguments. */
CASE(efault)
{
	char *edge = guarded(4);
	char big[64];
	struct iovec iov[2] = { { big, 4 }, { (void *)16, 4 } };
	int fds[2];

	NEED(pipe(fds) == 0);
	EXPECT(raw(SYS_pipe2, 16, 0), -EFAULT);
	EXPECT(raw(SYS_write, fds[1], 16, 1), -EFAULT);
	EXPECT(raw(SYS_write, fds[1], edge, 4), 4);
	EXPECT(raw(SYS_read, fds[0], 16, 1), -EFAULT);
	EXPECT(raw(SYS_read, fds[0], edge, 4), 4);
	EXPECT(raw(SYS_open, 16, 0), -EFAULT);
	memcpy(edge, "/tmp", 4);
	EXPECT(raw(SYS_open, edge, 0), -EFAULT);
	EXPECT(raw(SYS_stat, "/", 16), -EFAULT);
	EXPECT(raw(SYS_uname, 16), -EFAULT);
	EXPECT(raw(SYS_getcwd, 16, 4096), -EFAULT);
	EXPECT(raw(SYS_writev, fds[1], iov, 1), 4);
	EXPECT(raw(SYS_writev, fds[1], 16, 1), -EFAULT);
	EXPECT(raw(SYS_nanosleep, 16, 0), -EFAULT);
	EXPECT(raw(SYS_gettimeofday, 16, 0), -EFAULT);
	EXPECT(raw(SYS_write, fds[1], -4096L, 1), -EFAULT);
	EXPECT(raw(SYS_write, fds[1], 0x8000000000000000, 1), -EFAULT);
	EXPECT(raw(SYS_wait4, -1, 16, WNOHANG, 0), -ECHILD);
	EXPECT(raw(SYS_futex, 16, 0, 0, 0, 0, 0), -EFAULT);
	EXPECT(raw(SYS_process_vm_readv, getpid(), iov, 1, iov + 1, 1, 0), -EFAULT);
}

/* Ranges that begin in a mapping that the call is not for: what comes after that does not matter. */
CASE(beyond_a_mapping)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *shared = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	size_t size;

	NEED(fd >= 0 && shared != MAP_FAILED && file != MAP_FAILED);
	for (size = 2 * PAGE; size < 1UL << 30; size *= 2) {
		EXPECT(raw(SYS_madvise, shared, size, MADV_WIPEONFORK), -EINVAL);
		EXPECT(raw(SYS_madvise, shared, size, 12345), -EINVAL);
		EXPECT(raw(SYS_madvise, shared + 1, size, MADV_NORMAL), -EINVAL);
		EXPECT(raw(SYS_mprotect, file, size, PROT_READ | PROT_WRITE), -EACCES);
		EXPECT(raw(SYS_mprotect, file + 1, size, PROT_READ), -EINVAL);
		EXPECT(raw(SYS_mremap, shared, size, 2 * size, MREMAP_MAYMOVE, 0), -EFAULT);
	}
}

/* No more address space: ENOMEM, and the program goes on. */
static void exhausted(void)
{
	struct rlimit lim = { 0, 0 };
	pid_t pid;
	int i;

	NEED(raw(SYS_prlimit64, 0, RLIMIT_AS, &lim, 0) == 0);
	EXPECT(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), -ENOMEM);
	for (i = 0; i < 100; i++)
		EXPECT(raw(SYS_close, -1), -EBADF);
	pid = (pid_t)raw(SYS_fork);
	if (pid == 0)
		raw(SYS_exit_group, 3);
	EXPECT(wait_for(pid), 3);
	signal(SIGUSR1, SIG_IGN);
	EXPECT(raw(SYS_kill, getpid(), SIGUSR1), 0);
}

CASE(no_address_space)
{
	EXPECT(in_child(exhausted), 0);
}

/* Everything around our own mapping is unmapped and mapped again with exact placement. */
CASE(fixed)
{
	char *p = mmap(NULL, 256 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	NEED(p != MAP_FAILED);
	for (i = 0; i < 256; i += 2)
		EXPECT(raw(SYS_mmap, p + (size_t)i * PAGE, PAGE, PROT_READ | PROT_WRITE | (i & 2 ? PROT_EXEC : 0),
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p + (size_t)i * PAGE);
	for (i = 0; i < 256; i += 2)
		p[(size_t)i * PAGE] = 1;
	EXPECT(raw(SYS_munmap, p, 256 * PAGE), 0);
}

CASE(shared_memory)
{
	long id = raw(SYS_shmget, IPC_PRIVATE, PAGE, 0600), at, other;

	CHECK(id >= 0);
	at = raw(SYS_shmat, id, 0, 0);
	CHECK(at > 0);
	*(int *)at = 77;
	other = raw(SYS_shmat, id, 0, SHM_EXEC);
	EXPECT(*(int *)other, 77);
	EXPECT(raw(SYS_shmctl, id, IPC_RMID, 0), 0);
	EXPECT(raw(SYS_shmdt, at), 0);
	EXPECT(raw(SYS_shmdt, other), 0);
	EXPECT(raw(SYS_shmdt, 16), -EINVAL);
}

static void *end_at_once(void *arg)
{
	return arg;
}

static void start_threads(void)
{
	pthread_t threads[20];

	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(pthread_create(&threads[i], NULL, end_at_once, NULL) == 0);
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* A program that seals all that it finds goes on. */
CASE(sealed)
{
	struct { unsigned long start, end; } found[256];
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned count = 0, i;
	char line[4200];
	int status;

	if (raw(SYS_mseal, 0, 0, 0) == -ENOSYS)
		guest_skip("no mseal");
	EXPECT(raw(SYS_mseal, PAGE, 1UL << 46, 1), -EINVAL);
	EXPECT(raw(SYS_mseal, PAGE + 1, 1UL << 46, 0), -EINVAL);
	EXPECT(raw(SYS_mseal, PAGE, 1UL << 46, 0), -ENOMEM);
	EXPECT(raw(SYS_mseal, PAGE, -PAGE, 0), -EINVAL);
	NEED(maps);
	while (count < ARRAY_SIZE(found) && fgets(line, sizeof(line), maps))
		count += sscanf(line, "%lx-%lx", &found[count].start, &found[count].end) == 2;
	fclose(maps);
	for (i = 0; i < count; i++)
		raw(SYS_mseal, found[i].start, found[i].end - found[i].start, 0);
	EXPECT(raw(SYS_munmap, (unsigned long)run_sealed & ~(PAGE - 1), PAGE), -EPERM);
	start_threads();
	say("forked: %d", in_child(start_threads));
	if (vfork() == 0) {
		execl("/bin/echo", "echo", "executed", NULL);
		_exit(1);
	}
	NEED(wait(&status) > 0);
	say("status %#x", (unsigned)status);
}

/* Advice for ranges, the last of which is none of the program's memory. */
CASE(process_advice)
{
	int self = (int)raw(SYS_pidfd_open, getpid(), 0);
	char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *maps = fopen("/proc/self/maps", "r");
	struct iovec ranges[2] = { { own, PAGE }, { NULL, 0 } };
	unsigned long beside = 0;
	char line[4200];

	NEED(self >= 0 && own != MAP_FAILED && maps);
	if (raw(SYS_process_madvise, self, ranges, 1, MADV_DONTNEED, 0) != (long)PAGE)
		guest_skip("process_madvise cannot discard a process's own memory");
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;

		NEED(sscanf(line, "%lx-%lx", &start, &end) == 2);
		ranges[1] = (struct iovec){ (void *)start, end - start };
		*own = 1;
		/* what lies behind segments that the program has not attached */
		if (beside == start && !strchr(line, '/') && !strchr(line, '[')) {
			EXPECT(raw(SYS_process_madvise, self, ranges + 1, 1, MADV_DONTNEED, 1), -EINVAL);
			EXPECT(raw(SYS_process_madvise, -1, ranges + 1, 1, MADV_DONTNEED, 0), -EBADF);
			EXPECT(raw(SYS_process_madvise, self, ranges + 1, 1, MADV_DONTNEED, 0), -ENOMEM);
			EXPECT(raw(SYS_process_madvise, self, ranges, 2, MADV_DONTNEED, 0), PAGE);
			CHECK(!*own);
		}
		beside = strstr(line, "/SYSV") ? end : 0;
	}
	fclose(maps);
	EXPECT(raw(SYS_process_madvise, self, guarded(8), 1, MADV_DONTNEED, 0), -EFAULT);
	EXPECT(raw(SYS_process_madvise, self, guarded(0), 1025, MADV_DONTNEED, 0), -EINVAL);
	start_threads();
	say("still here");
}

/* Segments that the program has not attached are not its to detach. */
CASE(not_attached)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long start;

	NEED(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "/SYSV") && sscanf(line, "%lx-", &start) == 1)
			EXPECT(raw(SYS_shmdt, start), -EINVAL);
	fclose(maps);
	say("still here");
}

/* What a program unmaps within a range of its own is a hole in which it maps again. Nothing else goes there. */
CASE(hole)
{
	static char stacks[40][1 << 16] __attribute__((aligned(4096)));
	const size_t size = 64ul << 20, hole = 4ul << 20;
	int fd = open(self_path(), O_RDONLY);
	pthread_t threads[ARRAY_SIZE(stacks)];

	for (int i = 0; i < 8; i++) {
		char *range = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		struct stat st;

		NEED(range != MAP_FAILED && fstat(fd, &st) == 0);
		EXPECT(raw(SYS_munmap, range + hole, hole), 0);
		/* Threads, with stacks that are mapped already, and code. */
		for (unsigned j = 0; j < ARRAY_SIZE(stacks); j++) {
			pthread_attr_t attr;

			pthread_attr_init(&attr);
			pthread_attr_setstack(&attr, stacks[j], sizeof(stacks[j]));
			NEED(pthread_create(&threads[j], &attr, end_at_once, NULL) == 0);
		}
		for (unsigned j = 0; j < ARRAY_SIZE(stacks); j++)
			pthread_join(threads[j], NULL);
		EXPECT(raw(SYS_mmap, range, st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0), range);
		EXPECT(raw(SYS_mmap, range + hole, hole, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), range + hole);
	}
	close(fd);
}

CASE(file_mappings)
{
	int fd = open(self_path(), O_RDONLY);
	const char *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), *q;

	NEED(p != MAP_FAILED);
	CHECK(!memcmp(p, "\177ELF", 4));
	EXPECT(raw(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), -EACCES);
	EXPECT(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 123), -EINVAL);
	q = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, PAGE);
	NEED(q != MAP_FAILED);
	close(fd);
	EXPECT(raw(SYS_munmap, p, PAGE), 0);
	EXPECT(raw(SYS_munmap, q, PAGE), 0);
}
