/* P4b: memory. Each process needs little more than natively, and nothing grows with what it does. */
#include "library.h"
#include <sys/resource.h>

/* A line of /proc/self/status, in KB. */
static long status_kb(const char *name)
{
	char line[256];
	long value = -1;
	FILE *f = fopen("/proc/self/status", "r");

	NEED(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			value = atol(line + strlen(name));
	fclose(f);
	NEED(value >= 0);
	return value;
}

static int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int c, lines = 0;

	NEED(f);
	while ((c = fgetc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines;
}

/* What this program has by itself is less than 8 MB of address space and 4 MB of memory. */
static void small(void)
{
	CHECK(status_kb("VmPeak:") < (8 + 64) * 1024);
	CHECK(status_kb("VmHWM:") < (4 + 4) * 1024);
	CHECK(status_kb("VmPTE:") < 256);
	CHECK(status_kb("VmLck:") == 0);
	CHECK(mappings() < 50);
}

HELPER(child)
{
	small();
}

CASE(small)
{
	small();
	say("-> %d", in_child(small));
}

/* The address space may be limited to what a bitmap over all of it would never fit in. */
static void limited(void)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };

	NEED(setrlimit(RLIMIT_AS, &limit) == 0);
	execl(self_path(), "zero", "child", NULL);
}

CASE(limited)
{
	say("-> %d", in_child(limited));
}

/* Many processes that live at the same time. */
CASE(at_once)
{
	pid_t pids[60];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		NEED(pids[i] >= 0);
		if (pids[i] == 0) {
			execl(self_path(), "zero", "child", NULL);
			_exit(127);
		}
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		EXPECT(wait_for(pids[i]), 0);
}

/* One after the other: neither the processes nor the one that starts them grow. */
STRESS(processes)
{
	long size = 0;
	int i, times = turns(300, 1000);

	for (i = 0; i < times; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (i % 10)
				raw(SYS_exit_group, 0);
			execl(self_path(), "zero", "child", NULL);
			_exit(127);
		}
		EXPECT(wait_for(pid), 0);
		if (i == 20)
			size = status_kb("VmSize:");
	}
	EXPECT(status_kb("VmSize:"), size);
}

/* Loading and unloading over and over: as many mappings and as much memory as at the start. */
static void load_and_unload(int times)
{
	int i;

	for (i = 0; i < times; i++) {
		void *handle = load(beside("libsites.so"), RTLD_NOW);

		EXPECT(((long (*)(void))symbol(handle, "site_getppid"))(), getppid());
		EXPECT(dlclose(handle), 0);
	}
}

static void load_rounds(int rounds, int times)
{
	long maps, size, pte, data;
	int i;

	load_and_unload(100);
	maps = mappings(), size = status_kb("VmSize:"), pte = status_kb("VmPTE:"), data = status_kb("RssAnon:");
	for (i = 0; i < rounds && !guest_failures; i++) {
		load_and_unload(times);
		CHECK(mappings() <= maps);
		CHECK(status_kb("VmSize:") <= size);
		CHECK(status_kb("VmPTE:") <= pte + 8);
		CHECK(status_kb("RssAnon:") <= data + 64);
	}
}

CASE(unloaded)
{
	load_rounds(4, 50);
}

STRESS(unloaded_often)
{
	load_rounds(4, 1100);
}

/* The same with different files each time, so that nothing can be found again. */
CASE(unloaded_copies)
{
	long maps = 0, size = 0;
	int i;

	for (i = 0; i < 120; i++) {
		char name[32];
		void *handle;

		snprintf(name, sizeof(name), "./copy%d.so", i);
		copy_to(beside("libsites.so"), name);
		handle = load(name, RTLD_NOW);
		unlink(name);
		EXPECT(((long (*)(void))symbol(handle, "site_getppid"))(), getppid());
		EXPECT(dlclose(handle), 0);
		if (i == 60)
			maps = mappings(), size = status_kb("VmSize:");
	}
	CHECK(mappings() <= maps);
	CHECK(status_kb("VmSize:") <= size);
}

/* Text that is mapped far from everything, and far from each other piece: room near it is not for free. */
CASE(far_apart)
{
	const char *path = beside("libsites.so");
	void *handle = load(path, RTLD_NOW);
	struct text_place place = place_of(path, handle, "site_getppid");
	int fd = open(path, O_RDONLY | O_CLOEXEC), maps = 0;
	unsigned long i;

	for (i = 0; i < 60; i++) {
		char *at = (char *)(0x100000000000 + i * 0x4000000000);
		char *p = mmap(at, place.size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd,
			       place.segment);

		EXPECT(p, at);
		EXPECT(((long (*)(void))(p + place.offset - place.segment))(), getppid());
		EXPECT(munmap(p, place.size), 0);
		if (i == 5)
			maps = mappings();
	}
	CHECK(mappings() <= maps);
}
