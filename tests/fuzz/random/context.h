/*
 * What a handler finds of the program's registers, and what it makes of them.
 */
#ifndef FUZZ_RANDOM_CONTEXT_H
#define FUZZ_RANDOM_CONTEXT_H

struct registers {
	uint64_t general[16]; /* as the kernel's REG_ numbers have them, where known */
	uint64_t flags;
	uint64_t vector[4];
};

static volatile uint32_t context_kind;
static volatile uint64_t context_seed;
static stack_t stack_seen;

static uint64_t hash(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * 0x9e3779b97f4a7c15ul;
}

static void on_context(int sig, siginfo_t *info, void *context)
{
	static const int kept[] = { REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15, REG_R8, REG_R9, REG_R10 };
	ucontext_t *uc = context;
	uint64_t sum = 0, vector[2];
	stack_t now;

	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		sum = hash(sum, (uint64_t)uc->uc_mcontext.gregs[kept[i]] & 0xffff);
	memcpy(vector, &uc->uc_mcontext.fpregs->_xmm[7], sizeof(vector));
	NEED(sigaltstack(NULL, &now) == 0);
	say("context of %d: code %d, registers %lx, xmm7 %lx %lx, flags %lx, mxcsr %x, link %d, uc_flags %lx, on %d, "
	    "seen %d %lx",
	    sig, info->si_code, (long)sum, (long)vector[0], (long)vector[1],
	    (long)uc->uc_mcontext.gregs[REG_EFL] & 0x44cd5, uc->uc_mcontext.fpregs->mxcsr, uc->uc_link != NULL,
	    uc->uc_flags, now.ss_flags, uc->uc_stack.ss_flags, (long)uc->uc_stack.ss_size);
	switch (context_kind) {
	case 0: break;
	case 1: uc->uc_mcontext.gregs[REG_RBX] = 0x1234; break;
	case 2: uc->uc_mcontext.fpregs->_xmm[7].element[0] = 0xabcd; break;
	case 3: uc->uc_mcontext.gregs[REG_EFL] ^= 0x401; break;
	case 4: uc->uc_mcontext.fpregs->mxcsr = 0x1f00; break;
	case 5: sigaddset(&uc->uc_sigmask, SIGUSR2); break;
	case 6: uc->uc_mcontext.gregs[REG_R12] = 0x4321; break;
	case 7: uc->uc_mcontext.gregs[REG_RAX] = 99; break;
	case 8: uc->uc_mcontext.gregs[REG_R11] = 98; break;
	default: break;
	}
}

/* A call that sends a signal to the thread, with known values in all registers. */
static void call_with_registers(long nr, long a, long b, long c, struct registers *after)
{
	uint64_t fill = context_seed;

	__asm__ volatile("push %%rbx\n\t"
			 "push %%rbp\n\t"
			 "push %%r15\n\t"
			 "mov %%rcx, %%r15\n\t"
			 "movq %[fill], %%xmm7\n\t"
			 "punpcklqdq %%xmm7, %%xmm7\n\t"
			 "mov %[fill], %%rbx\n\t"
			 "lea 1(%%rbx), %%rbp\n\t"
			 "lea 2(%%rbx), %%r12\n\t"
			 "lea 3(%%rbx), %%r13\n\t"
			 "lea 4(%%rbx), %%r14\n\t"
			 "lea 5(%%rbx), %%r8\n\t"
			 "lea 6(%%rbx), %%r9\n\t"
			 "lea 7(%%rbx), %%r10\n\t"
			 "push %%r15\n\t"
			 "lea 8(%%rbx), %%r15\n\t"
			 "stc\n\t"
			 "syscall\n\t"
			 "mov (%%rsp), %%rcx\n\t"
			 "mov %%rax, 0(%%rcx)\n\t"
			 "mov %%rbx, 8(%%rcx)\n\t"
			 "mov %%rbp, 16(%%rcx)\n\t"
			 "mov %%r12, 24(%%rcx)\n\t"
			 "mov %%r13, 32(%%rcx)\n\t"
			 "mov %%r14, 40(%%rcx)\n\t"
			 "mov %%r15, 48(%%rcx)\n\t"
			 "mov %%r8, 56(%%rcx)\n\t"
			 "mov %%r9, 64(%%rcx)\n\t"
			 "mov %%r10, 72(%%rcx)\n\t"
			 "mov %%rdx, 80(%%rcx)\n\t"
			 "mov %%rsi, 88(%%rcx)\n\t"
			 "mov %%rdi, 96(%%rcx)\n\t"
			 "mov %%r11, 104(%%rcx)\n\t"
			 "movdqu %%xmm7, 136(%%rcx)\n\t"
			 "stmxcsr 152(%%rcx)\n\t"
			 "pushfq\n\t"
			 "pop %%rax\n\t"
			 "cld\n\t"
			 "mov %%rax, 128(%%rcx)\n\t"
			 "pop %%r15\n\t"
			 "pop %%r15\n\t"
			 "pop %%rbp\n\t"
			 "pop %%rbx\n\t"
			 : "+a"(nr), "+D"(a), "+S"(b), "+d"(c)
			 : "c"(after), [fill] "r"(fill)
			 : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "xmm7", "memory", "cc");
}

static void do_context(void)
{
	static const int chosen[] = { SIGUSR1, SIGSYS, SIGSEGV, SIGTRAP, SIGFPE, 42, SIGBUS, SIGILL };
	static const int flags[] = { 0, SA_ONSTACK, SA_RESTART, SA_NODEFER };
	static const unsigned extra[] = { 0, 1u << 31 /* SS_AUTODISARM */ };
	static char room[1 << 16];
	int sig = PICK(chosen);
	struct sigaction action = { .sa_sigaction = on_context, .sa_flags = SA_SIGINFO | PICK(flags) }, before;
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room), .ss_flags = (int)PICK(extra) }, old_stack;
	struct registers after;
	sigset_t set = sigset_of(sig), old, usr2 = sigset_of(SIGUSR2), now;
	uint32_t mxcsr = 0x1f80;
	pid_t pid = getpid(), tid = gettid();
	uint64_t sum = 0;

	if (nested)
		return;
	NEED(sigaltstack(&stack, &old_stack) == 0);
	sigaction(sig, &action, &before);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	sigprocmask(SIG_UNBLOCK, &usr2, NULL);
	for (uint32_t n = 1 + draw(4); n; n--) {
		memset(&after, 0, sizeof(after));
		context_kind = draw(10);
		context_seed = 0x1000 * draw(1000);
		switch (draw(4)) {
		case 0: call_with_registers(SYS_tgkill, pid, tid, sig, &after); break;
		case 1: call_with_registers(SYS_kill, pid, sig, 0, &after); break;
		case 2: call_with_registers(SYS_getuid, pid, sig, 0, &after); break;
		default: call_with_registers(SYS_tkill, tid, sig, 0, &after); break;
		}
		__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
		for (unsigned i = 1; i < 10; i++)
			sum = hash(sum, after.general[i] & 0xffff);
		sigprocmask(SIG_BLOCK, NULL, &now);
		NEED(sigaltstack(NULL, &stack_seen) == 0);
		say("after %u: result %ld, registers %lx, r11 %lx, flags %lx, xmm7 %lx %lx, mxcsr %lx, mask %lx, stack "
		    "%d %lx",
		    context_kind, after.general[0] < 100 ? (long)after.general[0] : -1, (long)sum,
		    (long)after.general[13] & 0x44cd5, (long)after.flags & 0x44cd5, (long)after.vector[0],
		    (long)after.vector[1], (long)(uint32_t)after.vector[2], (long)shown_mask(&now), stack_seen.ss_flags,
		    (long)stack_seen.ss_size);
		sigprocmask(SIG_UNBLOCK, &usr2, NULL);
	}
	sigaltstack(&old_stack, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(sig, &before, NULL);
}

/* Handlers that cannot run: no room on the stack, a bad frame, a fault in the handler of the fault. */
static void on_deadly(int sig)
{
	say("deadly %d", sig);
	touch_nothing();
}

static void run_out(int sig)
{
	volatile char room[2000];

	room[0] = room[1999] = 1;
	if (sig != 12345)
		run_out(sig + room[0]);
}

static void do_deadly(void)
{
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	pid = fork();
	if (pid == 0) {
		static char room[1 << 14];
		struct sigaction action = { .sa_handler = on_deadly, .sa_flags = draw(2) ? SA_NODEFER : 0 };
		stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
		struct rlimit limit = { 1 << 17, 1 << 17 };
		int sig = draw(2) ? SIGSEGV : SIGUSR1;
		sigset_t none;

		prctl(PR_SET_DUMPABLE, 0);
		setrlimit(RLIMIT_STACK, &limit);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGSEGV, SIG_DFL);
		switch (draw(7)) {
		case 0: /* a fault in the handler */
			action.sa_flags |= draw(2) ? SA_RESETHAND : 0;
			action.sa_flags &= ~SA_NODEFER;
			sigaction(sig, &action, NULL);
			raise(sig);
			break;
		case 1: /* the alternate stack is not writable */
			stack.ss_sp = scratch + PAGE;
			stack.ss_size = 2 * PAGE;
			sigaltstack(&stack, NULL);
			action.sa_flags |= SA_ONSTACK;
			sigaction(sig, &action, NULL);
			raise(sig);
			break;
		case 2: /* the stack is used up, and there is another, or not */
			if (draw(2)) {
				action.sa_flags |= SA_ONSTACK | SA_RESETHAND;
				sigaltstack(&stack, NULL);
			}
			sigaction(SIGSEGV, &action, NULL);
			run_out(1);
			break;
		case 3: /* a return with no frame */
			__asm__ volatile("lea -1024(%%rsp), %%rsp\n\tmov $15, %%eax\n\tsyscall\n\tud2"
					 :
					 :
					 : "rax", "memory");
			break;
		case 4: /* blocked, and raised by a fault */
			none = sigset_of(SIGSEGV);
			sigaction(SIGSEGV, &action, NULL);
			sigprocmask(SIG_BLOCK, &none, NULL);
			touch_nothing();
			break;
		case 5: /* ignored, and raised by a fault */
			signal(SIGILL, SIG_IGN);
			__builtin_trap();
			break;
		default: /* no stack at all */
			sigaction(sig, &action, NULL);
			__asm__ volatile("xor %%esp, %%esp\n\tmov $39, %%eax\n\tsyscall\n\tmov %%eax, %%edi\n\tmov "
					 "$11, %%esi\n\t"
					 "mov $62, %%eax\n\tsyscall\n\tmov $231, %%eax\n\tsyscall"
					 :
					 :
					 : "rax", "memory");
			break;
		}
		raw(SYS_exit_group, 3);
	}
	(void)draw(5);
	await(pid);
}

#endif
