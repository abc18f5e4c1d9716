/*
 * Nanoseconds for a system call: the best of many blocks. usage:
 * call 500|getppid|any|depth4|depth12|depth24 [native|floor|sigsys]
 *
 * 500: a call that does not exist, by a `syscall` in the loop. getppid: by the C library's function. any: 500 by
 * syscall(3). depthN: getppid, which the loop calls by way of N functions, each of which then returns.
 *
 * native: as it is. floor: Syscall User Dispatch is on and lets every call pass; it is on in every program under k23,
 * so this is the least that a call can take there. sigsys: Syscall User Dispatch catches each call, and the smallest
 * possible SIGSYS handler makes it; an interposer that uses nothing else cannot be quicker.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ucontext.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define BLOCK 4000
#define LONG_ENOUGH 60e6 /* nanoseconds */

long gate_call(long nr, long a, long b, long c, long d, long e, long f);
void gate_restorer(void);
extern const char gate_start[], gate_end[];

__asm__(".text\n"
	".globl gate_start\ngate_start:\n"
	".globl gate_call\ngate_call:\n"
	"	mov %rdi, %rax\n	mov %rsi, %rdi\n	mov %rdx, %rsi\n	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n	mov %r9, %r8\n	mov 8(%rsp), %r9\n	syscall\n	ret\n"
	".globl gate_restorer\ngate_restorer:\n	mov $15, %eax\n	syscall\n	hlt\n"
	".globl gate_end\ngate_end:\n");

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)sig;
	(void)info;
	regs[REG_RAX] = gate_call(regs[REG_RAX], regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], regs[REG_R10],
				  regs[REG_R8], regs[REG_R9]);
}

/* By the system call: the C library would set a restorer of its own, which is outside of the gate. */
static void catch_calls(void)
{
	struct {
		void (*handler)(int, siginfo_t *, void *);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} action = { on_sigsys, SA_SIGINFO | 0x04000000, gate_restorer, 0 };

	if (gate_call(13, SIGSYS, (long)&action, 0, 8, 0, 0) != 0 ||
	    prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, gate_start, gate_end - gate_start, 0) != 0)
		exit(EXIT_FAILURE);
}

/* Lets every call pass. */
static void pass_calls(void)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0x1000, 0x7ffffffff000 - 0x2000, 0) != 0)
		exit(EXIT_FAILURE);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void call_500(void)
{
	for (int i = 0; i < BLOCK; i++) {
		long result;

		__asm__ volatile("mov $500, %%eax\n\tsyscall" : "=a"(result) : : "rcx", "r11", "memory");
	}
}

/* The `syscall` of syscall(3) makes calls of any number. */
static void call_any(void)
{
	for (int i = 0; i < BLOCK; i++)
		syscall(500);
}

static void call_getppid(void)
{
	for (int i = 0; i < BLOCK; i++)
		getppid();
}

/* deep_N calls deep_N-1, and so on: each at an address of its own, as in real programs. */
__asm__(".text\n"
	".altmacro\n"
	".macro level number, below\n"
	".globl deep_\\number\n"
	"deep_\\number: sub $8, %rsp\n	call deep_\\below\n	add $8, %rsp\n	ret\n"
	".endm\n"
	"deep_0:	jmp getppid@PLT\n"
	".set depth, 0\n"
	".rept 24\n"
	"level %(depth + 1), %depth\n"
	".set depth, depth + 1\n"
	".endr\n"
	".noaltmacro\n");
void deep_4(void);
void deep_12(void);
void deep_24(void);

static void call_deep_4(void)
{
	for (int i = 0; i < BLOCK; i++)
		deep_4();
}

static void call_deep_12(void)
{
	for (int i = 0; i < BLOCK; i++)
		deep_12();
}

static void call_deep_24(void)
{
	for (int i = 0; i < BLOCK; i++)
		deep_24();
}

static const struct {
	const char *name;
	void (*block)(void);
} kinds[] = {
	{ "500", call_500 }, { "any", call_any }, { "getppid", call_getppid },
	{ "depth4", call_deep_4 }, { "depth12", call_deep_12 }, { "depth24", call_deep_24 },
};

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "500";
	void (*block)(void) = call_500;
	const char *how = argc > 2 ? argv[2] : "native";
	double begin, start, end, best = 1e18;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, what) == 0)
			block = kinds[i].block;
	if (strcmp(how, "floor") == 0)
		pass_calls();
	else if (strcmp(how, "sigsys") == 0)
		catch_calls();
	begin = now();
	do {
		start = now();
		block();
		end = now();
		if (end - start < best)
			best = end - start;
	} while (end - begin < LONG_ENOUGH);
	printf("%.3f\n", best / BLOCK);
	return EXIT_SUCCESS;
}
