/*
 * Nanoseconds for system call 500, which does not exist. usage: call native|sigsys
 *
 * sigsys: Syscall User Dispatch catches it, and the least possible SIGSYS handler makes it: what any interposer by this
 * mechanism has to pay.
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
#define COUNT 100000

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

/* Past the C library, which would set its own restorer, outside the gate. */
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

int main(int argc, char **argv)
{
	struct timespec start, end;

	if (argc > 1 && strcmp(argv[1], "sigsys") == 0)
		catch_calls();
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < COUNT; i++) {
		long result;

		__asm__ volatile("syscall" : "=a"(result) : "a"(500) : "rcx", "r11", "memory");
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.3f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / COUNT);
	return EXIT_SUCCESS;
}
