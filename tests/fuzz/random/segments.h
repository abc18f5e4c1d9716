/*
 * Segment registers and their bases, which are the program's own, between calls, signals, threads and forks.
 */
#ifndef FUZZ_RANDOM_SEGMENTS_H
#define FUZZ_RANDOM_SEGMENTS_H

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sys/auxv.h>

#define HAS_FSGSBASE 2ul /* of AT_HWCAP2 */

/* Pages whose first words are numbers of their own. */
static unsigned long *const based = (unsigned long *)0x38000000;

static void map_based(void)
{
	if (mmap(based, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
	    based)
		return;
	for (unsigned i = 0; i < 4 * PAGE / sizeof(*based); i++)
		based[i] = 100 + i;
}

static unsigned long selector_of_gs(void)
{
	unsigned long selector;

	__asm__ volatile("mov %%gs, %0" : "=r"(selector));
	return selector & 0xffff;
}

static void load_gs(unsigned long selector)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(selector));
}

static unsigned long base_of_gs(void)
{
	unsigned long base = 1;

	NEED(raw(SYS_arch_prctl, ARCH_GET_GS, &base) == 0);
	return base;
}

static unsigned long first_of_gs(void)
{
	unsigned long word;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(word));
	return word;
}

static void say_gs(const char *where)
{
	unsigned long base = base_of_gs();

	say("%s: gs %lx, base %lx, word %lu", where, selector_of_gs(), base,
	    base >= (unsigned long)based && base < (unsigned long)based + 4 * PAGE ? first_of_gs() : 0);
}

static void on_segments(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	say("context's gs %lx", (unsigned long)uc->uc_mcontext.gregs[REG_CSGSFS] >> 16 & 0xffff);
	say_gs("in a handler");
	if (draw(3) == 0)
		raw(SYS_arch_prctl, ARCH_SET_GS, based + draw(4 * 512));
	if (draw(4) == 0)
		load_gs(draw(2) ? 0 : 0x2b);
}

static void *segments_of_thread(void *arg)
{
	(void)arg;
	say_gs("in a thread");
	raw(SYS_arch_prctl, ARCH_SET_GS, based + 7);
	say_gs("in a thread, its own");
	return NULL;
}

static void set_descriptor(void)
{
	struct user_desc descriptor = {
		.entry_number = draw(4),
		.base_addr = (unsigned)(uintptr_t)(based + draw(512)),
		.limit = 0xfffff,
		.seg_32bit = 1,
		.limit_in_pages = 1,
		.useable = 1,
		.contents = draw(6) ? 0 : 3,
		.read_exec_only = draw(2),
		.seg_not_present = draw(8) == 0,
	};

	say("descriptor: %ld", raw(SYS_modify_ldt, draw(2) ? 1 : 0x11, &descriptor, sizeof(descriptor)));
}

static void one_segment_step(void)
{
	struct { uint64_t words[8]; } entries = { { 0 } };
	struct sigaction action = { .sa_sigaction = on_segments, .sa_flags = SA_SIGINFO }, before;
	sigset_t set = sigset_of(SIGUSR1), old;
	pthread_t thread;
	unsigned long descriptor;
	long r;

	switch (draw(12)) {
	case 0: say("set: %ld", raw(SYS_arch_prctl, ARCH_SET_GS, based + draw(4 * 512))); break;
	case 1: say("cleared: %ld", raw(SYS_arch_prctl, ARCH_SET_GS, 0)); break;
	case 2:
		say("not set: %ld", raw(SYS_arch_prctl, ARCH_SET_GS, draw(2) ? -1l : 1l << 47));
		break;
	case 3:
		if (getauxval(AT_HWCAP2) & HAS_FSGSBASE)
			__asm__ volatile("wrgsbase %0" : : "r"(based + draw(512)));
		break;
	case 4: set_descriptor(); break;
	case 5: /* a descriptor of the table, if it is there, and a data segment */
		r = raw(SYS_modify_ldt, 0, &entries, sizeof(entries));
		descriptor = draw(4);
		if (r > (long)descriptor * 8 && entries.words[descriptor] >> 47 & 1 &&
		    !(entries.words[descriptor] >> 43 & 1))
			load_gs(descriptor << 3 | 7);
		say("table: %ld, %lx", r, (long)entries.words[descriptor]);
		break;
	/* Not 1 to 3: each interrupt makes 0 of those. */
	case 6: load_gs(0); break;
	case 7: load_gs(0x2b); break;
	case 8:
		sigaction(SIGUSR1, &action, &before);
		sigprocmask(SIG_UNBLOCK, &set, &old);
		raise(SIGUSR1);
		sigprocmask(SIG_SETMASK, &old, NULL);
		sigaction(SIGUSR1, &before, NULL);
		break;
	case 9:
		NEED(pthread_create(&thread, NULL, segments_of_thread, NULL) == 0);
		pthread_join(thread, NULL);
		break;
	case 10: sched_yield(); break;
	default:
		if (fork() == 0) {
			say_gs("in a child");
			raw(SYS_exit_group, 3);
		}
		await(-1);
		break;
	}
	say_gs("then");
}

static void in_segments(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	map_based();
	for (uint32_t n = 2 + draw(8); n; n--)
		one_segment_step();
	if (draw(3) == 0)
		some((int)draw(3));
	leave();
}

static void do_segments(void)
{
	in_own_process(in_segments);
}

#endif
