/* System call numbers that no table has, and results and registers right after a call. */
#include "guest.h"

static long rcx_after, r11_after, next_address;

/* @nr goes to rax with all its 64 bits. */
static long call_nr(unsigned long nr)
{
	register long r10 __asm__("r10") = (long)POISON;
	register long r8 __asm__("r8") = (long)POISON;
	register long r9 __asm__("r9") = (long)POISON;
	long ret, rcx, r11, next;

	__asm__ volatile("lea 1f(%%rip), %[next]\n\t"
			 "syscall\n"
			 "1:\n\t"
			 "mov %%rcx, %[rcx]\n\t"
			 "mov %%r11, %[r11]\n\t"
			 : "=a"(ret), [rcx] "=&r"(rcx), [r11] "=&r"(r11), [next] "=&r"(next)
			 : "a"(nr), "D"(POISON), "S"(POISON), "d"(POISON), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	rcx_after = rcx;
	r11_after = r11;
	next_address = next;
	return ret;
}

CASE(unknown)
{
	static const unsigned long numbers[] = {
		337, 380, 423, 470, 480, 499, 500, 511, 512, 520, 547, 548, 600, 999, 1024, 4095, 4096, 5000,
		65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, (unsigned long)-1, (unsigned long)-2,
		(unsigned long)-4096, 0x8000000000000000,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		say("%#lx: %ld", numbers[i], call_nr(numbers[i]));
		EXPECT(rcx_after, next_address);
	}
	EXPECT(call_nr(5000), -ENOSYS);
	EXPECT(call_nr((unsigned long)-1), -ENOSYS);
}

/* The kernel looks at the low 32 bits of rax only, as a signed number. */
CASE(upper_half)
{
	static const unsigned long junk[] = {
		0x100000000, 0xdeadbeef00000000, 0x8000000000000000, 0xffffffff00000000,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(junk); i++) {
		EXPECT(call_nr(junk[i] | SYS_getpid), getpid());
		EXPECT(call_nr(junk[i] | SYS_getppid), getppid());
		say("%#lx: %ld", junk[i] | 500, call_nr(junk[i] | 500));
		say("%#lx: %ld", junk[i] | SYS_close, call_nr(junk[i] | SYS_close));
		say("%#lx: %ld", junk[i] | SYS_dup, call_nr(junk[i] | SYS_dup));
	}
}

/* x32 calls: whatever this kernel makes of them. */
CASE(x32)
{
	static const unsigned long numbers[] = {
		SYS_getpid, SYS_close, SYS_dup, 512, 513, 520, 545, 547, 548, 600, 5000,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		long r = call_nr(0x40000000 | numbers[i]);

		say("x32 %lu: %ld", numbers[i], numbers[i] == SYS_getpid && r > 0 ? 1 : r);
		EXPECT(rcx_after, next_address);
	}
	say("x32 and junk: %ld", call_nr(0x1200000040000000 | SYS_dup));
}

static unsigned long flags_now(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq\n\tpop %0" : "=r"(flags));
	return flags;
}

/* rcx: the address after the instruction; r11: the flags. */
CASE(result_registers)
{
	int i;

	for (i = 0; i < 100; i++) {
		call_nr(SYS_getpid);
		EXPECT(rcx_after, next_address);
		/* arithmetic flags may change between the two looks */
		EXPECT(r11_after & ~0x8d5L, flags_now() & ~0x8d5L);
	}
	say("flags %lx", r11_after & ~0x8d5L);
}

/* Every number once with arguments that make it fail: the same errno, nothing crashes. */
CASE(every_number)
{
	/* calls which would end, block, restrict or leak into the result */
	static const short skipped[] = {
		SYS_pause, SYS_fork, SYS_vfork, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_setsid,
		SYS_vhangup, SYS_munlockall, SYS_sync, SYS_sched_yield, SYS_getpid, SYS_getppid, SYS_gettid,
		SYS_getpgrp, SYS_umask, SYS_alarm, SYS_brk, SYS_personality, SYS_inotify_init,
		SYS_eventfd, SYS_restart_syscall, SYS_kill, SYS_tkill, SYS_tgkill, SYS_set_tid_address,
		SYS_time, SYS_times, SYS_close_range, SYS_setfsuid, SYS_setfsgid, SYS_reboot,
		SYS_iopl, SYS_ioperm, SYS_mlockall, SYS_getuid, SYS_unshare, SYS_setuid, SYS_setgid,
		SYS_msgget /* the queue that it makes stays */, 335 /* uretprobe */, 336 /* uprobe */,
	};
	long nr, r;
	size_t i;

	for (nr = 0; nr < 470; nr++) {
		for (i = 0; i < ARRAY_SIZE(skipped); i++)
			if (skipped[i] == nr)
				break;
		if (i < ARRAY_SIZE(skipped))
			continue;
		/* -1, not POISON: as a descriptor, pointer, pid, flag word or size it fits nowhere */
		r = raw6(nr, -1, -1, -1, -1, -1, -1);
		say("%ld: %ld", nr, r < 0 ? r : 1);
	}
}

static void uprobe_calls(void)
{
	say("336: %ld", call_nr(336));
	say("335: %ld", call_nr(335));
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("signal %d, code %d", sig, info->si_code);
}

/* What the kernel returns within itself for a call that a signal has interrupted is no number of a call. */
CASE(restarts)
{
	for (int i = 0; i < 2; i++) {
		for (unsigned long nr = 511; nr < 518; nr++)
			say("-%lu: %ld", nr, call_nr(-nr));
		say("%#lx: %ld", 0xfffffe00ul, call_nr(0xfffffe00));
		set_handler(SIGSYS, on_sigsys, 0);
	}
}

/* Calls meant for the kernel's own trampolines: newer kernels answer them with SIGILL. */
CASE(uprobes)
{
	say("-> %d", in_child(uprobe_calls));
}
