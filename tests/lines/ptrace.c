#include "calls.h"

#include <elf.h>
#include <linux/ptrace.h>
#include <stddef.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

/* Requests to a process that is not traced: what the kernel would read is shown. */
static void refused(void)
{
	static const unsigned long offsets[] = { 0, 8, 120, 125, 160, 200, 216, 224, 232, 736, 808, 848, 904, 911, 912,
						 920 };
	unsigned long number = 0;
	char buffer[4096] = "";
	struct iovec all = { buffer, sizeof(struct user_regs_struct) }, fp = { buffer, 512 }, small = { buffer, 20 };
	struct { uint64_t off; uint32_t flags; int nr; } peek = { 1, 1, 2 };
	siginfo_t info = { .si_signo = SIGTRAP, .si_code = -1 };
	pid_t self = getpid();

	for (unsigned request = 1; request < 34; request++)
		if (request != PTRACE_SETREGS && request != PTRACE_SETFPREGS)
			CALL(ptrace, request, self, 8, BAD);
	for (unsigned request = 0x4200; request < 0x4211; request++)
		CALL(ptrace, request, self, 8, BAD);
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
		CALL(ptrace, PTRACE_POKEUSR, self, offsets[i], 1);
	CALL(ptrace, 0x7777, self, NULL, 9);
	CALL(ptrace, PTRACE_SEIZE, self, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | 0x8000);
	CALL(ptrace, PTRACE_SETOPTIONS, self, NULL, 0x7f);
	CALL(ptrace, PTRACE_SETREGS, self, NULL, buffer);
	CALL(ptrace, PTRACE_SETFPREGS, self, NULL, buffer);
	CALL(ptrace, PTRACE_SETREGSET, self, NT_PRSTATUS, &all);
	CALL(ptrace, PTRACE_SETREGSET, self, NT_PRSTATUS, &small);
	CALL(ptrace, PTRACE_SETREGSET, self, NT_FPREGSET, &fp);
	CALL(ptrace, PTRACE_SETREGSET, self, NT_X86_XSTATE, &fp);
	CALL(ptrace, PTRACE_GETREGSET, self, 0x7777, &fp);
	CALL(ptrace, PTRACE_SETSIGMASK, self, 8, &number);
	CALL(ptrace, PTRACE_SETSIGINFO, self, NULL, &info);
	for (int code = 3; code < 6; code++) {
		info.si_signo = SIGSEGV;
		info.si_code = code;
		info.si_errno = -2;
		CALL(ptrace, PTRACE_SETSIGINFO, self, NULL, &info);
		info.si_signo = SIGBUS;
		CALL(ptrace, PTRACE_SETSIGINFO, self, NULL, &info);
	}
	info.si_signo = SIGIO;
	info.si_code = POLL_IN;
	CALL(ptrace, PTRACE_SETSIGINFO, self, NULL, &info);
	CALL(ptrace, 0xdeadbeeffffffeedul, self, NULL, NULL);
	CALL(ptrace, PTRACE_SECCOMP_GET_METADATA, self, 7, buffer);
	CALL(ptrace, PTRACE_PEEKSIGINFO, self, &peek, buffer);
	CALL(ptrace, PTRACE_CONT, self, NULL, SIGTRAP);
	CALL(ptrace, PTRACE_DETACH, self, 1, 64);
}

static int traced(void)
{
	if (CALL(ptrace, PTRACE_TRACEME, POISON, POISON, POISON))
		return 1;
	raise(SIGSTOP);
	syscall(SYS_getppid, 1, 2, 3, 4, 5, 6l);
	close(-1);
	return 3;
}

/* Goes on to where the child begins or ends a call. */
static void next_call(pid_t child)
{
	char info[88];
	int status;

	CALL(ptrace, PTRACE_SYSCALL, child, NULL, 0);
	waitpid(child, &status, 0);
	for (size_t size = 0; size <= sizeof(info); size += 4)
		CALL(ptrace, PTRACE_GET_SYSCALL_INFO, child, size, info);
}

/* What the kernel writes. */
static void granted(void)
{
	struct { uint64_t off; uint32_t flags; int nr; } peek = { 0, PTRACE_PEEKSIGINFO_SHARED, 2 };
	char buffer[4096];
	struct iovec all = { buffer, sizeof(buffer) }, small = { buffer, 20 };
	unsigned long number = 0;
	int status;
	pid_t child = fork();

	if (!child)
		_exit(traced());
	waitpid(child, &status, 0);
	CALL(ptrace, PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT);
	CALL(ptrace, PTRACE_GETSIGINFO, child, NULL, buffer);
	CALL(ptrace, PTRACE_GETEVENTMSG, child, NULL, &number);
	CALL(ptrace, PTRACE_POKEDATA, child, &number, 77);
	CALL(ptrace, PTRACE_PEEKDATA, child, &number, &number);
	CALL(ptrace, PTRACE_POKEDATA, child, &peek, 0);
	CALL(ptrace, PTRACE_PEEKTEXT, child, &peek, &number);
	CALL(ptrace, PTRACE_PEEKUSR, child, offsetof(struct user, regs.cs), &number);
	CALL(ptrace, PTRACE_GETREGS, child, NULL, buffer);
	CALL(ptrace, PTRACE_SETREGS, child, NULL, buffer);
	CALL(ptrace, PTRACE_GETFPREGS, child, NULL, buffer);
	CALL(ptrace, PTRACE_GETREGSET, child, NT_PRSTATUS, &all);
	CALL(ptrace, PTRACE_GETREGSET, child, NT_PRSTATUS, &small);
	for (size_t size = 0; size <= 224; size += 28) {
		small.iov_len = size;
		CALL(ptrace, PTRACE_GETREGSET, child, NT_PRSTATUS, &small);
		CALL(ptrace, PTRACE_SETREGSET, child, NT_PRSTATUS, &small);
	}
	for (size_t size = 0; size <= 520; size += 40) {
		small.iov_len = size;
		CALL(ptrace, PTRACE_GETREGSET, child, NT_FPREGSET, &small);
	}
	CALL(ptrace, PTRACE_SETREGSET, child, NT_FPREGSET, &small);
	all.iov_len = sizeof(buffer);
	CALL(ptrace, PTRACE_GETREGSET, child, NT_FPREGSET, &all);
	all.iov_len = 100;
	CALL(ptrace, PTRACE_GETREGSET, child, NT_X86_XSTATE, &all);
	CALL(ptrace, PTRACE_GETSIGMASK, child, 8, &number);
	number = 6;
	CALL(ptrace, PTRACE_SETSIGMASK, child, 8, &number);
	CALL(ptrace, PTRACE_GET_SYSCALL_INFO, child, 88, buffer);
	CALL(ptrace, PTRACE_PEEKSIGINFO, child, &peek, buffer);
	CALL(ptrace, PTRACE_SECCOMP_GET_METADATA, child, 16, buffer);
	for (int i = 0; i < 4; i++)
		next_call(child);
	CALL(ptrace, PTRACE_CONT, child, NULL, 0);
	waitpid(child, &status, 0);
	CALL(ptrace, PTRACE_GETEVENTMSG, child, NULL, &number);
	CALL(ptrace, PTRACE_DETACH, child, NULL, 0);
	waitpid(child, &status, 0);
}

int main(void)
{
	refused();
	granted();
	return 0;
}
