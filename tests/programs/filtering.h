/*
 * What guests share whose seccomp filters judge by the address of the call.
 */
#ifndef FILTERING_H
#define FILTERING_H

#include "report.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define LOAD_HIGH(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member) + 4)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

/* Code that is the same wherever it is copied to: a call as by syscall(3), and what a handler returns to. */
extern const char page_call[], page_restorer[], page_end[];
__asm__(".pushsection .rodata\n"
	"page_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov %r9, %r8\n"
	"	mov 8(%rsp), %r9\n"
	"	syscall\n"
	"	ret\n"
	"page_restorer:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	"page_end:\n"
	".popsection");

/* The page whose calls the filters let pass. It is at the same place in each image, above where the heap of a static
 * program can be. */
#define TRUSTED 0x70000000UL
static long (*const trusted)(long nr, ...) = (long (*)(long, ...))TRUSTED;

static inline void map_trusted(void)
{
	char *page = mmap((void *)TRUSTED, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	NEED(page == (char *)TRUSTED);
	memcpy(page, page_call, (size_t)(page_end - page_call));
	NEED(mprotect(page, PAGE, PROT_READ | PROT_EXEC) == 0);
}

static inline long install(struct sock_filter *code, size_t length, unsigned flags)
{
	struct sock_fprog prog = { (unsigned short)length, code };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	return raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* The action for one call from anywhere but the trusted page. result: what the installation returned. */
static inline void judge_with(int nr, unsigned action, unsigned flags, int *result)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 5),
		LOAD_HIGH(instruction_pointer),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
		LOAD(instruction_pointer),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TRUSTED, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TRUSTED + PAGE, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		RETURN(action),
	};

	*result = (int)install(code, ARRAY_SIZE(code), flags);
}

static inline void judge(int nr, unsigned action, unsigned flags)
{
	int result;

	judge_with(nr, action, flags, &result);
	EXPECT(result, 0);
}

/* The action for one call from anywhere. */
static inline void judge_all(int nr, unsigned action, unsigned flags)
{
	struct sock_filter code[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		RETURN(action),
		RETURN(SECCOMP_RET_ALLOW),
	};

	EXPECT(install(code, ARRAY_SIZE(code), flags), 0);
}

static inline void expect_errno(int error)
{
	EXPECT(raw(SYS_getppid), -error);
	EXPECT(trusted(SYS_getppid), trusted(SYS_getppid));
	CHECK(trusted(SYS_getppid) > 0);
	errno = 0;
	EXPECT(syscall(SYS_getppid), -1);
	EXPECT(errno, error);
	CHECK(raw(SYS_getpid) > 0);
}

#endif
