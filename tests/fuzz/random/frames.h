/*
 * Signal frames that a handler changes, or that a program makes: what the kernel takes of them, and what it ends with.
 */
#ifndef FUZZ_RANDOM_FRAMES_H
#define FUZZ_RANDOM_FRAMES_H

#include <cpuid.h>

static sigjmp_buf past_frame;
static volatile uint32_t frame_changes;
static volatile int frame_returns;
static uint8_t frame_copy[1 << 14] __attribute__((aligned(64)));

/* The kernel's frame, without the address of the restorer before it, is the ucontext and the siginfo; the vector state
 * is elsewhere. */
struct frame {
	ucontext_t *uc;
	struct _libc_fpstate *vectors;
};

static uint32_t *words_of_vectors(struct frame *frame, unsigned at)
{
	return (uint32_t *)((char *)frame->vectors + at);
}

static void change_vectors(struct frame *frame)
{
	/* In the bytes that the processor leaves to software: magic1, extended_size, xfeatures, xstate_size. */
	const unsigned software = 464, header = 512;

	switch (draw(10)) {
	case 0: frame->uc->uc_mcontext.fpregs = NULL; break;
	case 1: *words_of_vectors(frame, software) = 0; break;
	case 2: *words_of_vectors(frame, header) &= ~4u; break; /* the upper halves of AVX are as at first */
	case 3: *words_of_vectors(frame, header) &= ~2u; break;
	case 4: *words_of_vectors(frame, header + 4) |= 1u << 31; break; /* a feature that is none */
	case 5: *words_of_vectors(frame, header + 16) = 1; break;	 /* reserved */
	case 6: frame->vectors->mxcsr = 0xffffffff; break;
	case 7: frame->uc->uc_mcontext.fpregs = (void *)((char *)frame->vectors + 8); break;
	case 8: frame->uc->uc_mcontext.fpregs = (void *)(draw(2) ? scratch + 2 * PAGE : (char *)(1ul << 47)); break;
	default:
		*words_of_vectors(frame, software + 4) = 0; /* extended_size */
		break;
	}
}

static void change_general(struct frame *frame)
{
	static const greg_t flags[] = { 0x100, 0x4000, 0x40000, 0x10000, 0x3000, 0x200, 0x400, 0x200000, 0x800 };
	static const greg_t segments[] = { 0, 0x33, 0x2b, 0x10, 0xffff, 3, 0x30 };
	static const greg_t nowhere[] = { 0, 8, 1l << 47, (greg_t)(1ul << 63), -4096, 0x7fffffffe000 };
	greg_t *regs = frame->uc->uc_mcontext.gregs;

	switch (draw(8)) {
	case 0:
	case 1: regs[REG_EFL] ^= PICK(flags); break;
	case 2: regs[REG_RIP] = PICK(nowhere); break;
	case 3: regs[REG_RSP] = PICK(nowhere); break;
	case 4: regs[REG_CSGSFS] = (regs[REG_CSGSFS] & ~0xffff) | PICK(segments); break;
	case 5: regs[REG_CSGSFS] = (regs[REG_CSGSFS] & 0xffffffffffff) | PICK(segments) << 48; break; /* ss */
	case 6: regs[REG_ERR] = regs[REG_TRAPNO] = 7; break;
	default: regs[REG_R13] = 0x5678; break;
	}
}

static void change_rest(struct frame *frame)
{
	static const int stack_flags[] = { 0, SS_ONSTACK, SS_DISABLE, 99, (int)(1u << 31) };
	static const unsigned long frame_flags[] = { 0, 1, 2, 3, 4, 7, -1ul };

	switch (draw(6)) {
	case 0: frame->uc->uc_stack.ss_flags = PICK(stack_flags); break;
	case 1: frame->uc->uc_stack.ss_size = draw(2) ? 100 : 1 << 15; break;
	case 2: frame->uc->uc_stack.ss_sp = scratch; break;
	case 3: frame->uc->uc_flags = PICK(frame_flags); break;
	case 4: sigfillset(&frame->uc->uc_sigmask); break;
	default: frame->uc->uc_link = (void *)8; break;
	}
}

/* Returns from a copy of the frame that lies elsewhere, with its vector state, or without. */
static void return_elsewhere(struct frame *frame)
{
	ucontext_t *copy = (ucontext_t *)(frame_copy + 64);
	char *vectors = (char *)frame_copy + 4096;

	memcpy(copy, frame->uc, sizeof(*copy));
	memcpy(vectors, frame->vectors, 4096);
	if (draw(2))
		copy->uc_mcontext.fpregs = (void *)vectors;
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\thlt" : : "r"(copy) : "memory");
}

/* What the return raised. */
static void on_raised(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	const greg_t *regs = uc->uc_mcontext.gregs;

	say("raised %d: code %d, trap %ld, err %lx, flags %lx, selectors %lx, address %s, own %d", sig, info->si_code,
	    (long)regs[REG_TRAPNO], (long)regs[REG_ERR], (long)regs[REG_EFL] & 0x244500,
	    (long)regs[REG_CSGSFS] & (long)0xffff00000000ffff,
	    info->si_addr == NULL		       ? "none"
	    : (greg_t)info->si_addr == regs[REG_RIP]   ? "instruction"
	    : (unsigned long)info->si_addr < 1ul << 16 ? "low"
						       : "other",
	    info->si_code <= 0 && info->si_pid == getpid());
	siglongjmp(past_frame, 1);
}

static void on_frame(int sig, siginfo_t *info, void *context)
{
	struct frame frame = { context, ((ucontext_t *)context)->uc_mcontext.fpregs };

	/* Not over and over, by what it returns to. */
	if (info->si_code > 0)
		on_raised(sig, info, context);
	for (; frame_changes; frame_changes--)
		switch (draw(4)) {
		case 0: change_vectors(&frame); break;
		case 1: change_general(&frame); break;
		case 2: change_rest(&frame); break;
		default: break;
		}
	if (draw(4) == 0)
		return_elsewhere(&frame);
}

/* Sends a signal to the thread, with known values in registers of all kinds, and tells what is left of them. */
static void raise_with_vectors(int sig, bool avx)
{
	uint64_t upper[4] = { 0 };
	uint16_t control = 0;
	uint32_t mxcsr = 0;

	if (avx)
		__asm__ volatile("vpcmpeqd %%ymm7, %%ymm7, %%ymm7" : : : "xmm7");
	else
		__asm__ volatile("pcmpeqd %%xmm7, %%xmm7" : : : "xmm7");
	__asm__ volatile("fninit\n\tfld1\n\tsyscall"
			 : "+a"((long){ SYS_tgkill })
			 : "D"((long)getpid()), "S"((long)gettid()), "d"((long)sig)
			 : "rcx", "r11", "memory", "r12", "r13", "r14", "rbx", "r15");
	if (avx)
		__asm__ volatile("vmovdqu %%ymm7, %0\n\tvzeroupper" : "=m"(upper));
	else
		__asm__ volatile("movdqu %%xmm7, %0" : "=m"(upper));
	__asm__ volatile("fnstcw %0\n\tstmxcsr %1\n\tfninit" : "=m"(control), "=m"(mxcsr));
	say("vectors %lx %lx, control %x, mxcsr %x", (long)upper[0], (long)upper[2], control, mxcsr);
}

static void in_frames(void)
{
	static const int raised[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	static const int chosen[] = { SIGUSR1, SIGSYS, SIGSEGV, SIGTRAP, 42 };
	static char room[1 << 16], other[1 << 16];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) }, now;
	struct sigaction action = { .sa_sigaction = on_raised, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	bool avx = __builtin_cpu_supports("avx");
	volatile uint32_t turns = 1 + draw(3);
	sigset_t none, mask;

	sigemptyset(&none);
	prctl(PR_SET_DUMPABLE, 0);
	for (; turns; turns--) {
		int sig = PICK(chosen);

		sigprocmask(SIG_SETMASK, &none, NULL);
		stack.ss_sp = draw(2) ? room : other;
		NEED(sigaltstack(&stack, NULL) == 0);
		for (unsigned i = 0; i < ARRAY_SIZE(raised); i++)
			NEED(sigaction(raised[i], &action, NULL) == 0);
		frame_changes = 1 + draw(2);
		if (sigsetjmp(past_frame, 1) == 0) {
			struct sigaction on = { .sa_sigaction = on_frame, .sa_flags = SA_SIGINFO };

			on.sa_flags |= draw(2) ? SA_ONSTACK : 0;
			NEED(sigaction(sig, &on, NULL) == 0);
			raise_with_vectors(sig, avx);
			__asm__ volatile("pushfq\n\tandq $~0x44500, (%%rsp)\n\tpopfq" : : : "memory", "cc");
			say("returned");
		}
		sigprocmask(SIG_BLOCK, NULL, &mask);
		NEED(sigaltstack(NULL, &now) == 0);
		say("mask %lx, stack %d %lx %s", (long)shown_mask(&mask), now.ss_flags, (long)now.ss_size,
		    now.ss_sp == room || now.ss_sp == other ? "own" : now.ss_sp ? "other" : "none");
	}
	raw(SYS_exit_group, 8);
}

static void do_frames(void)
{
	in_own_process(in_frames);
}

#endif
