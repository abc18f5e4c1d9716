/* Every register, flag and the red zone around every form of call, with random values. */
#include "guest.h"
#include <stddef.h>

struct regs_frame {
	uint64_t gpr[16], flags, red_zone[16];
	uint32_t mxcsr, fcw;
	uint64_t x87[8], unused[6];
	uint64_t vector[16][4];
};

_Static_assert(offsetof(struct regs_frame, flags) == 128, "FLAGS");
_Static_assert(offsetof(struct regs_frame, red_zone) == 136, "RED_ZONE");
_Static_assert(offsetof(struct regs_frame, mxcsr) == 264, "MXCSR");
_Static_assert(offsetof(struct regs_frame, x87) == 272, "X87");
_Static_assert(offsetof(struct regs_frame, vector) == 384, "VECTOR");

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15 };

extern struct regs_frame call_out;
extern uint64_t call_next;
void regs_syscall_avx(const struct regs_frame *in);
void regs_syscall_sse(const struct regs_frame *in);
void regs_vfork_sse(const struct regs_frame *in);
void regs_int80_avx(const struct regs_frame *in);
void regs_int80_sse(const struct regs_frame *in);

static uint64_t seed = 88172645463325252;

static uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* CF PF AF ZF SF DF OF, ID; AC too unless the C code around would trap */
#define FREE_FLAGS 0x200cd5UL
#define FLAG_AC 0x40000UL

static void randomize(struct regs_frame *in)
{
	unsigned int i, j;

	for (i = 0; i < 16; i++) {
		in->gpr[i] = any();
		in->red_zone[i] = any();
		for (j = 0; j < 4; j++)
			in->vector[i][j] = any();
	}
	for (i = 0; i < 8; i++) {
		/* not a NaN, which a load would change */
		double d = (double)(int64_t)any() / 3;

		memcpy(&in->x87[i], &d, sizeof(d));
	}
	in->flags = 0x202 | (any() & FREE_FLAGS);
	/* all masked; any rounding, flush and status bits */
	in->mxcsr = 0x1f80 | (any() & 0xe07f);
	in->fcw = 0x27f | (any() & 0xd00);
	if ((in->fcw & 0x300) == 0x100)
		in->fcw |= 0x200;
}

static void compare(const struct regs_frame *in, bool avx, bool int80)
{
	static const char *const names[16] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};
	int i;

	for (i = 0; i < 16; i++) {
		uint64_t want = in->gpr[i], got = call_out.gpr[i];

		if (i == RAX || i == RSP)
			continue;
		if (!int80 && i == RCX)
			want = call_next;
		if (!int80 && i == R11)
			want = in->flags;
		if (got != want) {
			guest_fail("registers", __LINE__, names[i], (long)got);
			return;
		}
		EXPECT(call_out.red_zone[i], in->red_zone[i]);
		CHECK(!memcmp(call_out.vector[i], in->vector[i], avx ? 32 : 16));
	}
	EXPECT(call_out.flags, in->flags);
	EXPECT(call_out.mxcsr, in->mxcsr);
	EXPECT(call_out.fcw & 0xffff, in->fcw);
	for (i = 0; i < 8; i++)
		EXPECT(call_out.x87[i], in->x87[i]);
}

static bool have_avx(void)
{
	return __builtin_cpu_supports("avx");
}

static void run(uint64_t nr, uint64_t rdi, long want, void (*call)(const struct regs_frame *), bool avx,
		bool int80, uint64_t extra_flags)
{
	struct regs_frame in;

	randomize(&in);
	in.gpr[RAX] = nr;
	if (int80)
		in.gpr[RBX] = rdi;
	else
		in.gpr[RDI] = rdi;
	in.flags |= extra_flags;
	call(&in);
	EXPECT(call_out.gpr[RAX], want);
	compare(&in, avx, int80);
}

static void run_many(int times, uint64_t flags)
{
	int i;

	for (i = 0; i < times && !guest_failures; i++) {
		if (have_avx()) {
			run(SYS_getppid, any(), getppid(), regs_syscall_avx, true, false, flags);
			run(500 + (any() & 0xff), any(), -ENOSYS, regs_syscall_avx, true, false, flags);
			run(SYS_close, 0xffffffff, -EBADF, regs_syscall_avx, true, false, flags);
			run(64, any(), getppid(), regs_int80_avx, true, true, flags);
			run(6, 0xffffffff, -EBADF, regs_int80_avx, true, true, flags);
		}
		run(SYS_getppid, any(), getppid(), regs_syscall_sse, false, false, flags);
		run(SYS_close, 0xffffffff, -EBADF, regs_syscall_sse, false, false, flags);
		run(64, any(), getppid(), regs_int80_sse, false, true, flags);
	}
}

STRESS(preserved)
{
	/* while flags are loaded the stack pointer is elsewhere: no room for a signal's frame */
	static char alternate[65536];
	stack_t ss = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	NEED(sigaltstack(&ss, NULL) == 0);
	run_many(500, 0);
}

/* With AC set every misaligned access in user space would fault: the kernel side has none. */
CASE(alignment_check)
{
	run_many(50, FLAG_AC);
}

/* A call that does something with memory, and one that blocks, keep everything as well. */
CASE(blocking)
{
	static struct timespec ts = { 0, 200000 };
	struct regs_frame in;
	int i;

	for (i = 0; i < 50; i++) {
		randomize(&in);
		in.gpr[RAX] = SYS_nanosleep;
		in.gpr[RDI] = (uint64_t)&ts;
		in.gpr[RSI] = 0;
		regs_syscall_sse(&in);
		if (call_out.gpr[RAX] != (uint64_t)-EINTR)
			EXPECT(call_out.gpr[RAX], 0);
		compare(&in, false, false);
	}
}

/* fork, vfork and clone: parent and child both keep everything. */
CASE(forks)
{
	static const uint64_t numbers[] = { SYS_fork, SYS_vfork, SYS_clone };
	struct regs_frame in;
	size_t i;

	for (i = 0; i < 30; i++) {
		uint64_t nr = numbers[i % 3];

		randomize(&in);
		in.gpr[RAX] = nr;
		if (nr == SYS_clone) {
			in.gpr[RDI] = SIGCHLD;
			in.gpr[RSI] = 0;
		}
		if (nr == SYS_vfork)
			regs_vfork_sse(&in);
		else
			regs_syscall_sse(&in);
		compare(&in, false, false);
		if (call_out.gpr[RAX] == 0)
			_exit(guest_failures ? 1 : 0);
		CHECK((int64_t)call_out.gpr[RAX] > 0);
		EXPECT(wait_for((pid_t)call_out.gpr[RAX]), 0);
	}
}
