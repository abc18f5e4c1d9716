/* P4a: page 0 is not mapped. Whatever touches it dies as it must, unless the program maps it itself. */
#include "guest.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t seen_info;
static ucontext_t seen;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	seen_info = *info;
	seen = *(ucontext_t *)context;
	siglongjmp(back, 1);
}

static void report(const char *how)
{
	greg_t *g = seen.uc_mcontext.gregs;

	say("%s: signal %d, code %d, address %#lx, err %#lx, trap %ld, cr2 %#lx, rip %s", how, seen_info.si_signo,
	    seen_info.si_code, (unsigned long)seen_info.si_addr, (long)g[REG_ERR], (long)g[REG_TRAPNO],
	    (long)g[REG_CR2], g[REG_RIP] < 65536 ? "low" : "in the program");
}

/* Addresses where a trampoline would be entered by a call's number, and around its end. */
static const unsigned long addresses[] = {
	0, 1, SYS_getppid, 336, 451, 500, 511, 512, 600, 1023, 1024, 4094, 4095, 4096, 65535,
};

static void enter(unsigned long address, long rax, bool jump)
{
	if (sigsetjmp(back, 1)) {
		if (seen.uc_mcontext.gregs[REG_RIP] != (long)address)
			guest_fail(__FILE_NAME__, __LINE__, "rip", (long)seen.uc_mcontext.gregs[REG_RIP]);
		EXPECT(seen.uc_mcontext.gregs[REG_RAX], rax);
		return;
	}
	if (jump)
		__asm__ volatile("jmp *%[to]" : : [to] "r"(address), "a"(rax) : "memory");
	else
		__asm__ volatile("call *%[to]" : : [to] "r"(address), "a"(rax) : "memory", "rcx", "r11");
	CHECK(!"a fault");
}

CASE(calls_and_jumps)
{
	size_t i;

	set_handler(SIGSEGV, on_fault, 0);
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		enter(addresses[i], SYS_getppid, false);
		report("call");
		enter(addresses[i], (long)addresses[i], true);
		report("jump");
	}
}

/* call *%rax, as a rewriter would put it in the place of a call instruction. */
CASE(call_by_number)
{
	size_t i;

	set_handler(SIGSEGV, on_fault, 0);
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		if (!sigsetjmp(back, 1)) {
			__asm__ volatile("call *%%rax" : : "a"(addresses[i]) : "memory", "rcx", "r11");
			CHECK(!"a fault");
		}
		report("call *%rax");
	}
}

CASE(reads_and_writes)
{
	volatile char *volatile p;
	size_t i;

	set_handler(SIGSEGV, on_fault, 0);
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		p = (volatile char *)addresses[i];
		if (!sigsetjmp(back, 1)) {
			(void)*p;
			CHECK(!"a fault");
		}
		report("read");
		if (!sigsetjmp(back, 1)) {
			*p = 1;
			CHECK(!"a fault");
		}
		report("write");
	}
}

/* The same pointers given to the kernel. */
CASE(arguments)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		EXPECT(raw(SYS_write, 1, addresses[i], 1), -EFAULT);
		EXPECT(raw(SYS_uname, addresses[i]), -EFAULT);
		EXPECT(raw(SYS_open, addresses[i], 0), -EFAULT);
	}
}

static void call_null(void)
{
	((void (*volatile)(void))NULL)();
}

static void jump_null(void)
{
	__asm__ volatile("jmp *%0" : : "r"(0UL), "a"(SYS_exit_group), "D"(0L) : "memory");
	__builtin_unreachable();
}

static void read_null(void)
{
	(void)*(volatile char *volatile)NULL;
}

static void write_null(void)
{
	*(volatile char *volatile)NULL = 1;
}

static void call_default(void)
{
	signal(SIGSEGV, SIG_IGN);
	call_null();
}

CASE(deadly)
{
	EXPECT(in_child(call_null), 1000 + SIGSEGV);
	EXPECT(in_child(jump_null), 1000 + SIGSEGV);
	EXPECT(in_child(read_null), 1000 + SIGSEGV);
	EXPECT(in_child(write_null), 1000 + SIGSEGV);
	EXPECT(in_child(call_default), 1000 + SIGSEGV);
}

/* A program that may maps page 0, runs what it puts there, and unmaps it again. */
CASE(mapped_by_the_program)
{
	unsigned char *volatile zero = NULL;
	long at = raw(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	say("mmap: %ld", at);
	if (at == 0) {
		/* mov $110,%eax; syscall; ret */
		__asm__ volatile("rep movsb"
				 :
				 : "S"("\xb8\x6e\x00\x00\x00\x0f\x05\xc3"), "D"(zero), "c"(8L)
				 : "memory");
		EXPECT(raw(SYS_mprotect, 0, PAGE, PROT_READ | PROT_EXEC), 0);
		EXPECT(((long (*volatile)(void))NULL)(), getppid());
		EXPECT(raw(SYS_munmap, 0, PAGE), 0);
	}
	set_handler(SIGSEGV, on_fault, 0);
	enter(0, 0, false);
	report("call");
}
