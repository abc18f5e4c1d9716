/* P3b: control flow that enters a call's surroundings elsewhere than where they begin. */
#include "guest.h"

long to_call(long elsewhere, long nr), to_last(long elsewhere, long nr), to_second(long elsewhere, long fd);
long loop_head(long times), loop_call(long times), by_table(long entry, long nr), by_address(long elsewhere, long nr);
long called(long nr), immediate(void), displacement(long at), long_immediate(void), split(void), hidden_code(void);
long hidden_number(void), overlapping(void), second_byte(void);

/* Enter @function at @offset, with @nr in rax and @a in rdi and rsi. */
static long enter(long function(void), long offset, long nr, long a)
{
	long ret;

	__asm__ volatile("call *%[at]"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(a), [at] "r"((char *)(uintptr_t)function + offset)
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	return ret;
}

CASE(to_the_call)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(to_call(0, 0), getppid());
		EXPECT(to_call(1, SYS_getuid), getuid());
		EXPECT(to_call(1, 600), -ENOSYS);
	}
}

CASE(into_the_window)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(to_last(0, 0), getppid());
		EXPECT(to_last(1, SYS_getuid), getuid());
		EXPECT(to_second(0, -1), -EBADF);
		EXPECT(to_second(1, -1), getppid());
		EXPECT(to_second(2, -1), getppid());
	}
}

CASE(loops)
{
	EXPECT(loop_head(10), 10L * getppid());
	EXPECT(loop_call(10), 10L * getppid());
	EXPECT(loop_head(1), getppid());
	EXPECT(loop_call(1), getppid());
}

CASE(tables)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(by_table(0, -1), -EBADF);
		EXPECT(by_table(1, SYS_getppid), getppid());
		EXPECT(by_table(2, SYS_getuid), getuid());
	}
}

CASE(addresses)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(by_address(0, 0), getppid());
		EXPECT(by_address(1, SYS_getuid), getuid());
	}
}

/* The call is called, returns into its own window, and is fallen into. */
CASE(returns)
{
	EXPECT(called(SYS_getuid), getppid());
	EXPECT(called(600), getppid());
}

/* Bytes within instructions are jumped to: they are calls then, and the instructions stay what they are. */
CASE(immediates)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(immediate(), 0x90c3050f);
		EXPECT(enter(immediate, 1, SYS_getppid, 0), getppid());
		EXPECT(enter(immediate, 1, SYS_close, -1), -EBADF);
		EXPECT(displacement(7), 0x10c3050f + 7);
		EXPECT(enter((long (*)(void))(void *)displacement, 3, SYS_getppid, 0), getppid());
		EXPECT(displacement(-1), 0x10c3050f - 1);
		EXPECT(long_immediate(), (long)0x90909090c3050f90);
		EXPECT(enter(long_immediate, 3, SYS_getuid, 0), getuid());
		EXPECT(enter(long_immediate, 2, SYS_getppid, 0), getppid());
		EXPECT(enter(split, 0, 7, 0), 7 + 0xc3);
		EXPECT(enter(split, 4, SYS_getppid, 0), getppid());
		EXPECT(long_immediate(), (long)0x90909090c3050f90);
		EXPECT(immediate(), 0x90c3050f);
	}
}

/* The call itself, by an address that nothing in the program shows. */
CASE(computed_to_the_call)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(enter(hidden_number, 5, SYS_getuid, 0), getuid());
		EXPECT(enter(overlapping, 5, SYS_getppid, 0), getppid());
		EXPECT(enter(second_byte, 5, SYS_close, -1), -EBADF);
		EXPECT(second_byte(), getppid());
	}
}

/* The second byte of the call: with what follows it is another instruction, add $0xc3,%eax. */
CASE(second_byte)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(second_byte(), getppid());
		EXPECT(enter(second_byte, 6, 1, 0), 1 + 0xc3);
	}
}

/* The middle of the instruction before the call, by such an address: a call hidden in its operand, and
 * operands that are code and run into the call. */
CASE(computed_into_the_window)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(hidden_number(), -ENOSYS);
		EXPECT(enter(hidden_number, 1, 0, 600), -ENOSYS);
		EXPECT(enter(hidden_number, 1, 0, SYS_getuid), getuid());
		EXPECT(overlapping(), -ENOSYS);
		EXPECT(enter(overlapping, 1, SYS_getppid, 0), getppid());
		EXPECT(enter(hidden_code, 1, SYS_getppid, 0), getppid());
		EXPECT(hidden_code(), -ENOSYS);
	}
}
