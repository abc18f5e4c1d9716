/* Time through the C library, through the vDSO when there is one, and through the call: all agree. */
#include "guest.h"
#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>
#include <time.h>

typedef int clock_fn(clockid_t, struct timespec *);
typedef int getcpu_fn(unsigned int *, unsigned int *, void *);

/* Look a function up in the vDSO's symbol table. */
static void *vdso_symbol(const char *name)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *phdr;
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *symbols = NULL;
	const char *strings = NULL;
	const unsigned int *hash = NULL;
	unsigned long bias = 0, count = 0, i;

	if (!base)
		return NULL;
	phdr = (const Elf64_Phdr *)(base + ehdr->e_phoff);
	for (i = 0; i < ehdr->e_phnum; i++) {
		if (phdr[i].p_type == PT_LOAD)
			bias = (unsigned long)base + phdr[i].p_offset - phdr[i].p_vaddr;
		if (phdr[i].p_type == PT_DYNAMIC)
			dyn = (const Elf64_Dyn *)(base + phdr[i].p_offset);
	}
	for (; dyn && dyn->d_tag; dyn++) {
		const char *p = (const char *)(bias + dyn->d_un.d_ptr);

		if (dyn->d_tag == DT_SYMTAB)
			symbols = (const Elf64_Sym *)p;
		if (dyn->d_tag == DT_STRTAB)
			strings = p;
		if (dyn->d_tag == DT_HASH)
			hash = (const unsigned int *)p;
	}
	if (hash)
		count = hash[1];
	else
		count = 16;
	for (i = 0; symbols && strings && i < count; i++)
		if (symbols[i].st_shndx && !strcmp(strings + symbols[i].st_name, name))
			return (void *)(bias + symbols[i].st_value);
	return NULL;
}

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

CASE(present)
{
	say("vDSO %s", getauxval(AT_SYSINFO_EHDR) ? "there" : "missing");
	say("clock_gettime %s", vdso_symbol("__vdso_clock_gettime") ? "there" : "missing");
}

CASE(agree)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
	clock_fn *fast = (clock_fn *)vdso_symbol("__vdso_clock_gettime");
	struct timespec a, b, c;
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(clocks); i++) {
		for (j = 0; j < 100; j++) {
			EXPECT(raw(SYS_clock_gettime, clocks[i], &a), 0);
			EXPECT(clock_gettime(clocks[i], &b), 0);
			if (fast)
				EXPECT(fast(clocks[i], &c), 0);
			else
				c = b;
			CHECK(ns(&a) <= ns(&b) && ns(&b) <= ns(&c) && ns(&c) - ns(&a) < 1000000000LL);
		}
	}
	EXPECT(clock_gettime(12345, &a), -1);
	EXPECT(raw(SYS_clock_gettime, 12345, &a), -EINVAL);
	EXPECT(raw(SYS_clock_gettime, CLOCK_MONOTONIC, 16), -EFAULT);
}

CASE(others)
{
	struct timeval tv;
	struct timespec ts;
	unsigned int cpu = 99, node = 99;
	getcpu_fn *fast_cpu = (getcpu_fn *)vdso_symbol("__vdso_getcpu");

	EXPECT(gettimeofday(&tv, NULL), 0);
	EXPECT(raw(SYS_clock_gettime, CLOCK_REALTIME, &ts), 0);
	CHECK(ts.tv_sec - tv.tv_sec <= 1);
	CHECK(ts.tv_sec - time(NULL) <= 1);
	CHECK(raw(SYS_time, 0) - ts.tv_sec <= 1);
	EXPECT(clock_getres(CLOCK_MONOTONIC, &ts), 0);
	say("resolution %ld", ts.tv_nsec);
	if (fast_cpu) {
		EXPECT(fast_cpu(&cpu, &node, NULL), 0);
		CHECK(cpu < 99 && node < 99);
	}
	EXPECT(raw(SYS_getcpu, &cpu, &node, 0), 0);
	CHECK(sched_getcpu() >= 0);
}
