/* Tiles (AMX): the largest registers, which a process asks for, and with which a signal's frame is 11 KB. */
#include "guest.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>

#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif
#define USES_TILES __attribute__((target("amx-tile")))
#define TILE_DATA 18
#define ROUNDS 300

struct tile {
	uint32_t rows[16][16];
};

static volatile int handled;

/* Until then, the first instruction that needs tiles is SIGILL. Returns whether there are any. */
static bool ask(void)
{
	long r = raw(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA);

	if (r)
		say("no tiles: %ld", r);
	return !r;
}

/* 8 tiles of 16 rows with 64 bytes. */
USES_TILES static void configure(void)
{
	static const struct {
		uint8_t palette, start, reserved[14];
		uint16_t columns[16];
		uint8_t rows[16];
	} all = { 1, 0, { 0 }, { 64, 64, 64, 64, 64, 64, 64, 64 }, { 16, 16, 16, 16, 16, 16, 16, 16 } };

	__asm__ volatile("ldtilecfg %0" : : "m"(all));
}

static void fill(struct tile *tile, uint32_t seed)
{
	for (size_t i = 0; i < 256; i++)
		tile->rows[i / 16][i % 16] = seed = seed * 1103515245 + 12345;
}

/* Loads two tiles. */
USES_TILES static void load(const struct tile tiles[2])
{
	__asm__ volatile("tileloadd (%0, %2), %%tmm0\n\ttileloadd (%1, %2), %%tmm7"
			 : : "r"(&tiles[0]), "r"(&tiles[1]), "r"(64l) : "memory");
}

USES_TILES static int differ(const struct tile tiles[2])
{
	struct tile now[2];

	__asm__ volatile("tilestored %%tmm0, (%0, %2)\n\ttilestored %%tmm7, (%1, %2)"
			 : : "r"(&now[0]), "r"(&now[1]), "r"(64l) : "memory");
	return memcmp(now, tiles, sizeof(now)) != 0;
}

/* Calls at a new place each time: the first at each has another way than those that follow. */
static long call_anywhere(unsigned which)
{
	switch (which % 4) {
	case 0:
		return raw(SYS_close, -1);
	case 1:
		return syscall(SYS_close, -1) == -1 ? -errno : 0;
	case 2:
		return close(-1) == -1 ? -errno : 0;
	default:
		return raw(SYS_futex, &handled, 0 /* FUTEX_WAIT */, -1, NULL) == -EAGAIN ? -EBADF : 0;
	}
}

USES_TILES static void keep(uint32_t seed, int rounds)
{
	struct tile tiles[2];

	configure();
	for (int i = 0; i < rounds; i++) {
		fill(&tiles[0], seed + (uint32_t)i);
		fill(&tiles[1], ~seed + (uint32_t)i);
		load(tiles);
		for (unsigned j = 0; j < 8; j++)
			EXPECT(call_anywhere(j), -EBADF);
		CHECK(!differ(tiles));
	}
	__asm__ volatile("tilerelease");
}

CASE(kept)
{
	if (!ask())
		return;
	keep(1, ROUNDS);
	say("%ld", raw(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA));
}

/* A handler has tiles of its own. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct tile tiles[2];

	(void)sig, (void)info, (void)context;
	configure();
	fill(&tiles[0], 1234);
	fill(&tiles[1], 4321);
	load(tiles);
	EXPECT(call_anywhere((unsigned)handled), -EBADF);
	CHECK(!differ(tiles));
	handled++;
}

static void tick(int on)
{
	struct itimerval often = { { 0, on * 300 }, { 0, on * 300 } };

	NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

CASE(kept_under_signals)
{
	if (!ask())
		return;
	set_handler(SIGALRM, on_signal, SA_RESTART);
	tick(1);
	keep(2, 10 * ROUNDS);
	tick(0);
	CHECK(handled > 0);
}

/* On a stack that has room for one frame, and some more. */
CASE(kept_on_another_stack)
{
	static char stack[1 << 15];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	int before;

	if (!ask())
		return;
	EXPECT(sigaltstack(&ss, NULL), 0);
	set_handler(SIGUSR1, on_signal, SA_ONSTACK);
	set_handler(SIGALRM, on_signal, SA_RESTART | SA_ONSTACK);
	for (int i = 0; i < ROUNDS; i++) {
		before = handled;
		keep(3, 1);
		raise(SIGUSR1);
		EXPECT(handled, before + 1);
	}
	tick(1);
	keep(4, 10 * ROUNDS);
	tick(0);
}

static void *in_thread(void *argument)
{
	keep((uint32_t)(uintptr_t)argument, 5 * ROUNDS);
	return NULL;
}

CASE(threads)
{
	pthread_t threads[4];

	if (!ask())
		return;
	set_handler(SIGALRM, on_signal, SA_RESTART);
	tick(1);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(pthread_create(&threads[i], NULL, in_thread, (void *)(100 + i)) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		NEED(pthread_join(threads[i], NULL) == 0);
	tick(0);
}

/* A child has the permission, but the kernel does not give it what is in the tiles; what is executed has neither. */
static const struct tile *inherited;

static void has_tiles(void)
{
	unsigned long permitted = 0;

	EXPECT(raw(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &permitted), 0);
	say("child: %lx, the same tiles: %d", permitted, !differ(inherited));
	keep(5, 10);
}

HELPER(executed)
{
	unsigned long permitted = 0;

	EXPECT(raw(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &permitted), 0);
	say("executed: %lx", permitted);
}

static void *look_at_tiles(void *argument)
{
	say("thread: the same tiles: %d", !differ(inherited));
	return argument;
}

static void execute(void)
{
	execl(self_path(), "tiles", "executed", (char *)NULL);
}

CASE(children)
{
	struct tile tiles[2];

	if (!ask())
		return;
	configure();
	fill(&tiles[0], 6);
	fill(&tiles[1], 7);
	inherited = tiles;
	load(tiles);
	for (int i = 0; i < 20; i++) {
		EXPECT(in_child(has_tiles), 0);
		CHECK(!differ(tiles));
	}
	EXPECT(in_child(execute), 0);
	CHECK(!differ(tiles));
	for (int i = 0; i < 20; i++) {
		static volatile int same;
		pthread_t thread;
		pid_t pid;

		pid = vfork();
		if (pid == 0) {
			same = !differ(tiles);
			load((struct tile[2]){ tiles[1], tiles[0] });
			_exit(same);
		}
		say("vfork: the same tiles: %d", wait_for(pid));
		CHECK(!differ(tiles));
		NEED(pthread_create(&thread, NULL, look_at_tiles, NULL) == 0);
		NEED(pthread_join(thread, NULL) == 0);
		CHECK(!differ(tiles));
	}
}

static volatile int refused;

static void on_refused(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	refused = 1;
	_exit(7);
}

static void use_without_asking(void)
{
	struct tile tiles[2] = { { { { 0 } } }, { { { 0 } } } };

	set_handler(SIGILL, on_refused, 0);
	configure();
	load(tiles);
}

/* Without the permission. */
CASE(not_asked)
{
	unsigned eax, ebx, ecx, edx;

	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx & 1u << 24))
		return;
	EXPECT(in_child(use_without_asking), 7);
}
