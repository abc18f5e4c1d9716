/* Call instructions in unusual places: straddling pages, written at run time, far away. */
#include "guest.h"
#include <ucontext.h>

/* mov %rdi,%rax; mov %rsi,%rdi; mov %rdx,%rsi; mov %rcx,%rdx; syscall; ret */
static const unsigned char code[] = {
	0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x0f, 0x05, 0xc3,
};
#define SYSCALL_AT 12

typedef long call_fn(long nr, long a, long b, long c);

static void try_code(void *p)
{
	static const char text[] = "from there\n";
	call_fn *f = (call_fn *)p;
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT(f(SYS_getppid, 0, 0, 0), getppid());
		EXPECT(f(SYS_close, -1, 0, 0), -EBADF);
		EXPECT(f(500, 0, 0, 0), -ENOSYS);
	}
	EXPECT(f(SYS_write, 1, (long)text, sizeof(text) - 1), sizeof(text) - 1);
}

static unsigned char *pages(void *at, size_t len, int prot, int flags)
{
	unsigned char *p = mmap(at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	NEED(p != MAP_FAILED);
	return p;
}

CASE(straddling)
{
	unsigned char *p = pages(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
	unsigned char *start = p + PAGE - SYSCALL_AT - 1;

	memcpy(start, code, sizeof(code));
	NEED(mprotect(p, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
	EXPECT(p[PAGE - 1], 0x0f);
	EXPECT(p[PAGE], 0x05);
	try_code(start);
}

/* The instruction is the last thing before unmapped memory; the return goes elsewhere. */
CASE(at_the_end)
{
	unsigned char *p = pages(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, 0);
	long ret;

	memcpy(p + PAGE - 2, "\x0f\x05", 2);
	NEED(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	memset(p + PAGE, 0xc3, 16);
	NEED(mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC) == 0);
	__asm__ volatile("call *%[site]"
			 : "=a"(ret)
			 : "a"(SYS_getppid), [site] "r"(p + PAGE - 2)
			 : "rcx", "r11", "memory");
	EXPECT(ret, getppid());
}

CASE(jit)
{
	unsigned char *p = pages(NULL, PAGE, PROT_READ | PROT_WRITE, 0);
	int i;

	for (i = 0; i < 10; i++) {
		NEED(mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0);
		memset(p, 0xcc, PAGE);
		memcpy(p + 37 * i, code, sizeof(code));
		NEED(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
		try_code(p + 37 * i);
	}
	NEED(munmap(p, PAGE) == 0);
	p = pages(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
	for (i = 0; i < 10; i++) {
		memset(p, 0xcc, PAGE);
		memcpy(p + i, code, sizeof(code));
		try_code(p + i);
	}
}

/* The program rewrites code while it is mapped executable: the new bytes count. */
CASE(rewritten)
{
	unsigned char *p = pages(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
	call_fn *f = (call_fn *)p;

	memcpy(p, code, sizeof(code));
	EXPECT(f(SYS_getppid, 0, 0, 0), getppid());
	p[SYSCALL_AT] = p[SYSCALL_AT + 1] = 0x90;
	EXPECT(f(SYS_getppid, 0, 0, 0), SYS_getppid);
	memcpy(p, code, sizeof(code));
	EXPECT(f(SYS_getppid, 0, 0, 0), getppid());
}

CASE(far_away)
{
	static const unsigned long places[] = {
		0x10000, 0x7fff0000, 0x100000000, 0x100000000000, 0x3fff00000000, 0x7fff00000000 - PAGE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		unsigned char *p = pages((void *)places[i], PAGE, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);

		EXPECT(p, places[i]);
		memcpy(p, code, sizeof(code));
		NEED(mprotect(p, PAGE, PROT_EXEC) == 0);
		try_code(p);
		NEED(munmap(p, PAGE) == 0);
	}
}

CASE(shared_file)
{
	int fd = (int)raw(SYS_memfd_create, "code", 0);
	unsigned char *w, *x;

	NEED(ftruncate(fd, (long)PAGE) == 0);
	w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	NEED(w != MAP_FAILED && x != MAP_FAILED);
	memcpy(w + 100, code, sizeof(code));
	try_code(x + 100);
	memset(w + 100, 0xcc, sizeof(code));
	memcpy(w + 300, code, sizeof(code));
	try_code(x + 300);
}

CASE(prefixed)
{
	/* prefixes that the instruction ignores */
	static const unsigned char prefixes[] = { 0x66, 0x2e, 0x3e, 0x64, 0x65, 0x48, 0xf2, 0xf3 };
	unsigned char *p = pages(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		memcpy(p, code, SYSCALL_AT);
		p[SYSCALL_AT] = prefixes[i];
		memcpy(p + SYSCALL_AT + 1, code + SYSCALL_AT, 3);
		try_code(p);
	}
}

static struct {
	int traps;
	unsigned long rip[64];
} stepped;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	if (stepped.traps < 64)
		stepped.rip[stepped.traps] = (unsigned long)uc->uc_mcontext.gregs[REG_RIP];
	stepped.traps++;
	EXPECT(info->si_code, TRAP_TRACE);
}

/* named by the assembly below */
unsigned long step_start, step_end, step_result;

static __attribute__((noinline)) void step_over(long nr)
{
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "lea 1f(%%rip), %%rdx\n\t"
			 "mov %%rdx, step_start(%%rip)\n\t"
			 "lea 2f(%%rip), %%rdx\n\t"
			 "mov %%rdx, step_end(%%rip)\n\t"
			 "pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq\n"
			 "1:\n\t"
			 "nop\n\t"
			 "mov %[nr], %%rax\n\t"
			 "syscall\n\t"
			 "nop\n\t"
			 "mov %%rax, step_result(%%rip)\n\t"
			 "nop\n\t"
			 "pushfq\n\t"
			 "andq $~0x100, (%%rsp)\n\t"
			 "popfq\n"
			 "2:\n\t"
			 "nop\n\t"
			 "add $128, %%rsp"
			 :
			 : [nr] "r"(nr), "D"(-1L)
			 : "rax", "rcx", "rdx", "r11", "memory");
}

static void step(long nr)
{
	int i;

	memset(&stepped, 0, sizeof(stepped));
	set_handler(SIGTRAP, on_trap, 0);
	step_over(nr);
	say("%ld: result %ld, %d traps", nr, nr == SYS_getppid ? (long)step_result - getppid() : (long)step_result,
	    stepped.traps);
	for (i = 0; i < stepped.traps && i < 64; i++)
		say("trap at %ld", (long)(stepped.rip[i] - step_start));
}

/* The program single-steps itself over a call: as many traps, at the same places. */
CASE(single_step)
{
	step(SYS_getppid);
	step(SYS_close);
	step(500);
}
