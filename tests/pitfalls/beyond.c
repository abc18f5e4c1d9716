/* Numbers that are in no table, set by the instructions that a compiler uses to set them. */
#include "guest.h"

#define CALL(load)                                                                                 \
	({                                                                                         \
		long ret_;                                                                         \
		__asm__ volatile(load "\n\tsyscall"                                                \
				 : "=a"(ret_)                                                      \
				 : "D"(-1L), "S"(POISON), "d"(POISON)                              \
				 : "rcx", "r11", "memory");                                        \
		ret_;                                                                              \
	})

CASE(numbers)
{
	int i;

	for (i = 0; i < 5; i++) {
		EXPECT(CALL("mov $480, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $500, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $511, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $512, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $600, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $1024, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $4096, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $5000, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $65536, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $0x3fffffff, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $0x7fffffff, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $0x80000000, %%eax"), -ENOSYS);
		EXPECT(CALL("mov $0xfffffffe, %%eax"), -ENOSYS);
	}
}

/* Minus one is the number that a tracer gives to skip a call: the result is what rax had, or ENOSYS. */
CASE(minus_one)
{
	say("%ld", CALL("mov $-1, %%rax"));
	say("%ld", CALL("mov $0xffffffff, %%eax"));
	say("%ld", CALL("or $-1, %%rax"));
}

/* The kernel looks at the lower half. */
CASE(upper_half)
{
	EXPECT(CALL("movabs $0x10000006e, %%rax"), getppid());
	EXPECT(CALL("movabs $0xffffffff0000006e, %%rax"), getppid());
	EXPECT(CALL("movabs $0x8000000000000003, %%rax"), -EBADF);
	EXPECT(CALL("movabs $0xdeadbeef000001f4, %%rax"), -ENOSYS);
	say("%ld", CALL("movabs $0x12345678ffffffff, %%rax"));
	EXPECT(CALL("mov $0x6e, %%rax"), getppid());
}

/* x32 calls: as this kernel has them. */
CASE(x32)
{
	long parent = CALL("mov $0x4000006e, %%eax");

	say("getppid %s", parent == getppid() ? "right" : parent == -ENOSYS ? "ENOSYS" : "wrong");
	say("close %ld", CALL("mov $0x40000003, %%eax"));
	say("%ld", CALL("mov $0x40000200, %%eax"));
	say("%ld", CALL("mov $0x400001f4, %%eax"));
	EXPECT(CALL("movabs $0xffffffff4000006e, %%rax"), parent);
}

/* A number that is the result of the call before. */
CASE(chained)
{
	long ret;

	__asm__ volatile("mov $500, %%eax\n\t"
			 "syscall\n\t"
			 "syscall\n\t"
			 "neg %%eax\n\t"
			 "syscall\n\t"
			 : "=a"(ret)
			 : "D"(0L), "S"(0L), "d"(0L)
			 : "rcx", "r11", "memory");
	/* 38 is setitimer: of ITIMER_REAL, to nothing */
	EXPECT(ret, 0);
}
