/*
 * Doing things to a traced process that is stopped right after its execve.
 *
 * The new image has run nothing yet. Two system calls are made in it, with a `syscall` instruction of its vDSO:
 * a mapping for the bundle, and execute permission for the runtime's text when that has been written.
 */
#include "inject/remote.h"

#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

#include "core/string.h"

#define SIGTRAP 5
#define USER_CS 0x33 /* 64-bit code */
#define WALL 0x40000000
#define PAGE 4096ul

long inj_resume(int pid, long request, int stop, int *held)
{
	for (;;) {
		int status = 0;
		long r = sys(ptrace, request, pid, 0, 0);

		if (failed(r))
			return r;
		do
			r = sys(wait4, pid, &status, WALL, 0);
		while (r == -EINTR);
		if (failed(r))
			return r;
		if ((status & 0xff) != 0x7f)
			return -ESRCH;
		if (status >> 8 == stop)
			return 0;
		if (status >> 16 == 0)
			*held = status >> 8;
	}
}

static long transfer(long nr, int pid, const void *here, uint64_t there, size_t size)
{
	struct iovec local = { (void *)(uintptr_t)here, size }, remote = { (void *)there, size };
	long r = raw_syscall(nr, (unsigned long)pid, (unsigned long)&local, 1, (unsigned long)&remote, 1, 0);

	if (failed(r))
		return r;
	return (size_t)r == size ? 0 : -EFAULT;
}

static long peek(int pid, void *to, uint64_t from, size_t size)
{
	return transfer(__NR_process_vm_readv, pid, to, from, size);
}

static long poke(int pid, uint64_t to, const void *from, size_t size)
{
	return transfer(__NR_process_vm_writev, pid, from, to, size);
}

/* Reads the words of the initial stack one after the other, a block at a time. */
struct stack_reader {
	int pid;
	uint64_t next;
	size_t at, count;
	uint64_t words[64];
};

static long next_word(struct stack_reader *reader, uint64_t *word)
{
	if (reader->at == reader->count) {
		size_t size = PAGE - (reader->next & (PAGE - 1));
		long r;

		if (size > sizeof(reader->words))
			size = sizeof(reader->words);
		r = peek(reader->pid, reader->words, reader->next, size);
		if (failed(r))
			return r;
		reader->next += size;
		reader->count = size / 8;
		reader->at = 0;
	}
	*word = reader->words[reader->at++];
	return 0;
}

/* The value of an auxiliary vector entry, or 0. */
static uint64_t auxiliary(int pid, uint64_t stack, uint64_t type)
{
	struct stack_reader reader = { .pid = pid, .next = stack + 8 };
	uint64_t word = 0, value = 0;

	/* argv and envp, each ended by a zero. */
	for (int vectors = 2; vectors; vectors--)
		do
			if (failed(next_word(&reader, &word)))
				return 0;
		while (word);
	do
		if (failed(next_word(&reader, &word)) || failed(next_word(&reader, &value)))
			return 0;
	while (word != type && word != AT_NULL);
	return word == type ? value : 0;
}

/* The address of a `syscall` instruction in the vDSO, or 0. */
static uint64_t find_syscall(int pid, uint64_t vdso)
{
	uint8_t code[PAGE];

	for (unsigned page = 0; vdso && page < 4; page++) {
		if (failed(peek(pid, code, vdso + page * PAGE, PAGE)))
			return 0;
		for (size_t i = page ? 0 : sizeof(Elf64_Ehdr); i + 2 <= PAGE; i++)
			if (code[i] == 0x0f && code[i + 1] == 0x05)
				return vdso + page * PAGE + i;
	}
	return 0;
}

/* One system call in the process. */
static long remote_syscall(int pid, const struct inj_regs *start, uint64_t instruction, long nr,
			   const uint64_t args[6], int *held)
{
	struct inj_regs regs = *start;
	long r;

	regs.rax = (uint64_t)nr;
	regs.orig_rax = ~0ul;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	regs.rip = instruction;
	r = sys(ptrace, PTRACE_SETREGS, pid, 0, &regs);
	if (failed(r))
		return r;
	r = inj_resume(pid, PTRACE_SINGLESTEP, SIGTRAP, held);
	if (failed(r))
		return r;
	r = sys(ptrace, PTRACE_GETREGS, pid, 0, &regs);
	return failed(r) ? r : (long)regs.rax;
}

static long write_bundle(int pid, const struct bundle *bundle, uint64_t base, const struct start_block *block)
{
	for (uint32_t i = 0; i < bundle->segment_count; i++) {
		const struct bundle_segment *segment = &bundle->segments[i];
		long r;

		if (segment->prot & PROT_WRITE)
			continue;
		r = poke(pid, base + segment->offset, (const char *)bundle + segment->offset, segment->size);
		if (failed(r))
			return r;
	}
	return poke(pid, base + bundle->start_block, block, sizeof(*block));
}

long inj_plant(int pid, const struct bundle *bundle, const struct start_block *block, int *held)
{
	struct inj_regs regs;
	struct start_block filled = *block;
	uint64_t instruction, base;
	long r = sys(ptrace, PTRACE_GETREGS, pid, 0, &regs);

	if (failed(r))
		return r;
	if (regs.cs != USER_CS)
		return -ENOEXEC;
	instruction = find_syscall(pid, auxiliary(pid, regs.rsp, AT_SYSINFO_EHDR));
	if (!instruction)
		return -ENOSYS;
	/* A seccomp filter of the program lets the gate pass, at the address that it had when the filter was
	 * installed: stay there if possible. */
	r = remote_syscall(pid, &regs, instruction, __NR_mmap,
			   (const uint64_t[6]){ block->seccomp ? (uint64_t)bundle : 0, bundle->size,
						PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0ul, 0 },
			   held);
	if (failed(r))
		return r;
	base = (uint64_t)r;
	filled.entry = regs.rip;
	filled.stack = regs.rsp;
	filled.eflags = regs.eflags;
	r = write_bundle(pid, bundle, base, &filled);
	if (failed(r))
		return r;
	r = remote_syscall(pid, &regs, instruction, __NR_mprotect,
			   (const uint64_t[6]){ base + bundle->runtime_text, bundle->runtime_text_size,
						PROT_READ | PROT_EXEC },
			   held);
	if (failed(r))
		return r;
	regs.orig_rax = ~0ul;
	regs.rip = base + bundle->start;
	regs.rsp = base + bundle->boot_stack;
	regs.rdi = base;
	return sys(ptrace, PTRACE_SETREGS, pid, 0, &regs);
}
