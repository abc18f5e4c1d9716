/* Functions that call nobody keep data below the stack pointer, over their system calls as well. */
#include "guest.h"
#include <pthread.h>

/* in: @nr in rax as its register form, @load the instruction that sets it.   The 128 bytes below rsp are
 * filled, the call is made, and what differs is or-ed together. */
#define RED_ZONE_CALL(load, ...)                                                                   \
	__asm__ volatile("mov %[seed], %%r8\n\t"                                                   \
			 ".set slot, 0\n\t"                                                        \
			 ".rept 16\n\t"                                                            \
			 ".set slot, slot + 8\n\t"                                                 \
			 "mov %%r8, -slot(%%rsp)\n\t"                                              \
			 "add $0x11, %%r8\n\t"                                                     \
			 ".endr\n\t" load "\n\t"                                                   \
			 "syscall\n\t"                                                             \
			 "mov %[seed], %%r8\n\t"                                                   \
			 "xor %%r9d, %%r9d\n\t"                                                    \
			 ".set slot, 0\n\t"                                                        \
			 ".rept 16\n\t"                                                            \
			 ".set slot, slot + 8\n\t"                                                 \
			 "mov -slot(%%rsp), %%r10\n\t"                                             \
			 "xor %%r8, %%r10\n\t"                                                     \
			 "or %%r10, %%r9\n\t"                                                      \
			 "add $0x11, %%r8\n\t"                                                     \
			 ".endr\n\t"                                                               \
			 "mov %%r9, %[changed]"                                                    \
			 : "=a"(ret), [changed] "=r"(changed)                                      \
			 : [seed] "r"(seed), "D"(-1L), "S"(0L), "d"(0L), __VA_ARGS__               \
			 : "rcx", "r8", "r9", "r10", "r11", "memory")

static __attribute__((noinline)) long leaf_getppid(unsigned long seed, unsigned long *out)
{
	unsigned long changed;
	long ret;

	RED_ZONE_CALL("mov $110, %%eax", "0"(0L));
	*out |= changed;
	return ret;
}

static __attribute__((noinline)) long leaf_close(unsigned long seed, unsigned long *out)
{
	unsigned long changed;
	long ret;

	RED_ZONE_CALL("push $3\n\tpop %%rax\n\tmov %[seed], -8(%%rsp)", "0"(0L));
	*out |= changed;
	return ret;
}

static __attribute__((noinline)) long leaf_any(unsigned long seed, unsigned long *out, long nr)
{
	unsigned long changed;
	long ret;

	RED_ZONE_CALL("mov %[nr], %%rax", "0"(0L), [nr] "b"(nr));
	*out |= changed;
	return ret;
}

/* As the compiler does it: local variables of a leaf function with calls in it. */
static __attribute__((noinline)) unsigned long leaf_compiled(unsigned long seed)
{
	volatile unsigned long kept[12];
	unsigned long sum = 0;
	long ret;
	int i;

	for (i = 0; i < 12; i++)
		kept[i] = seed * (unsigned long)(i + 1);
	__asm__ volatile("mov $110, %%eax\n\tsyscall" : "=a"(ret) : : "rcx", "r11", "memory");
	for (i = 0; i < 12; i++)
		sum += kept[i];
	__asm__ volatile("mov $500, %%eax\n\tsyscall" : "=a"(ret) : : "rcx", "r11", "memory");
	for (i = 0; i < 12; i++)
		sum ^= kept[i];
	return sum;
}

static unsigned long leaf_expected(unsigned long seed)
{
	unsigned long sum = 78 * seed;
	int i;

	for (i = 0; i < 12; i++)
		sum ^= seed * (unsigned long)(i + 1);
	return sum;
}

static void leaves(unsigned long times)
{
	static const long numbers[] = { 500, 600, 5000, 0x7fffffff, -1 };
	unsigned long changed = 0, seed, i;

	for (seed = 1; seed <= times; seed++) {
		EXPECT(leaf_getppid(seed, &changed), getppid());
		EXPECT(leaf_close(seed, &changed), -EBADF);
		EXPECT(leaf_any(seed, &changed, SYS_getuid), getuid());
		for (i = 0; i < ARRAY_SIZE(numbers); i++)
			EXPECT(leaf_any(seed, &changed, numbers[i]), -ENOSYS);
		EXPECT(leaf_compiled(seed * 0x123456789), leaf_expected(seed * 0x123456789));
		EXPECT(changed, 0);
		changed = 0;
	}
}

CASE(kept)
{
	leaves(50);
}

STRESS(interrupted)
{
	leaves(2000);
}

static void *thread(void *arg)
{
	leaves(200);
	return arg;
}

CASE(threads)
{
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, thread, NULL) == 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}
