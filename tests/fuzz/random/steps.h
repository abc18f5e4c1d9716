/*
 * A program that steps through itself by the trap flag, over instructions and system calls of all kinds.
 */
#ifndef FUZZ_RANDOM_STEPS_H
#define FUZZ_RANDOM_STEPS_H

static volatile uint32_t own_steps, step_codes, step_places;
static volatile uint32_t steps_left;

static void on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	own_steps++;
	step_codes |= 1u << (info->si_code & 31);
	step_places += (greg_t)info->si_addr == uc->uc_mcontext.gregs[REG_RIP];
	if (steps_left && !--steps_left)
		uc->uc_mcontext.gregs[REG_EFL] &= ~0x100l;
}

static void on_other(int sig)
{
	(void)sig;
	own_steps += 1000;
}

#define STEPPED(text, ...)                                                                                   \
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t" text "\n\t"                             \
			 "pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq"                                           \
			 : "=a"(r)                                                                            \
			 : __VA_ARGS__                                                                        \
			 : "rcx", "r11", "rbx", "memory", "cc")

static void step_over(uint32_t kind, int sig)
{
	long r = 0, pid = getpid(), tid = gettid();

	switch (kind) {
	case 0: STEPPED("nop\n\tnop\n\tnop", "a"(0)); break;
	case 1: STEPPED("syscall\n\tnop", "a"((long)SYS_getpid)); break;
	case 2: STEPPED("mov $102, %%eax\n\tsyscall\n\tmov $500, %%eax\n\tsyscall", "a"(0)); break;
	case 3: STEPPED("syscall\n\tnop\n\tnop", "a"((long)SYS_tgkill), "D"(pid), "S"(tid), "d"((long)sig)); break;
	case 4: STEPPED("int3\n\tnop", "a"(0)); break;
	case 5: STEPPED("pushfq\n\tpop %%rbx\n\tnop", "a"(0)); break;
	case 6: STEPPED("push %%rbx\n\tpop %%rbx\n\tlahf", "a"(0)); break;
	case 7: STEPPED("mov %%ss, %%ebx\n\tmov %%ebx, %%ss\n\tnop\n\tnop", "a"(0)); break;
	case 8: STEPPED("syscall\n\tnop", "a"((long)SYS_rt_sigprocmask), "D"(9l), "S"(0l), "d"(0l)); break;
	case 9: STEPPED("mov $20, %%eax\n\tint $0x80\n\tnop", "a"(0)); break;
	default: STEPPED("mov $3, %%ecx\n\t1: loop 1b\n\tnop", "a"(0)); break;
	}
	say("stepped over %u: %s, %u steps, codes %x, places %u", kind, r == pid ? "id" : r < 0 ? "error" : "other",
	    own_steps, step_codes, step_places);
	if (r < 0 && r > -4096)
		say("error %ld", r);
}

static void do_steps(void)
{
	static const int sent[] = { SIGUSR1, SIGTRAP, SIGSYS, SIGWINCH };
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO }, before;
	struct sigaction other = { .sa_handler = on_other }, before_sys, before_usr1;
	sigset_t set = sigset_of(SIGTRAP), old;

	if (nested)
		return;
	if (draw(2))
		action.sa_flags |= SA_NODEFER;
	sigaction(SIGTRAP, &action, &before);
	sigaction(SIGSYS, &other, &before_sys);
	sigaction(SIGUSR1, &other, &before_usr1);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	for (uint32_t n = 1 + draw(3); n; n--) {
		own_steps = step_codes = step_places = 0;
		steps_left = draw(3) ? 0 : 1 + draw(5);
		step_over(draw(11), PICK(sent));
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(SIGTRAP, &before, NULL);
	sigaction(SIGSYS, &before_sys, NULL);
	sigaction(SIGUSR1, &before_usr1, NULL);
}

#endif
