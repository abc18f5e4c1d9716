/*
 * Doing things to a traced process that is stopped right after its execve.
 *
 * The new image has run nothing yet. System calls are made in it with a `syscall` instruction of its vDSO: mostly one, which
 * attaches the bundle's shared memory; otherwise those that make memory for a copy.
 *
 * ctx: entry | helper, for all here.
 */
#include "inject/remote.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/ptrace.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "abi/kernel.h"
#include "abi/transfer.h"
#include "core/page.h"
#include "core/string.h"


long inj_resume(int pid, long request, int stop, int *held)
{
	for (;;) {
		int status = 0;
		long r = sys(ptrace, request, pid, 0, 0);

		if (failed(r))
			return r;
		do
			r = sys(wait4, pid, &status, __WALL, 0);
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

static long peek(int pid, void *to, uint64_t from, size_t size)
{
	return abi_transfer(__NR_process_vm_readv, pid, to, from, size);
}

static long poke(int pid, uint64_t to, const void *from, size_t size)
{
	return abi_transfer(__NR_process_vm_writev, pid, from, to, size);
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
		size_t size = CORE_PAGE - (reader->next & (CORE_PAGE - 1));
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

/* A stopped process whose image has run nothing. */
struct image {
	int pid;
	int *held; /* as for inj_resume */
	struct core_user_regs start; /* its registers */
	uint64_t instruction;  /* a `syscall` of its vDSO */
	uint64_t gate; /* where filters of the program let calls pass; 0: it has none */
};

/* A word, in less time than a block takes. */
static long peek_word(int pid, uint64_t from, uint64_t *word)
{
	return sys(ptrace, PTRACE_PEEKDATA, pid, from, word);
}

static bool is_syscall(const uint8_t *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

/* The address of a `syscall` instruction in the vDSO, which is the same in all processes, or 0. */
static uint64_t find_syscall(int pid, uint64_t vdso, uint32_t expected)
{
	uint8_t code[CORE_PAGE];
	uint64_t word;

	if (vdso && expected && !failed(peek_word(pid, vdso + expected, &word)) && is_syscall((const uint8_t *)&word))
		return vdso + expected;
	for (unsigned page = 0; vdso && page < 4; page++) {
		if (failed(peek(pid, code, vdso + page * CORE_PAGE, CORE_PAGE)))
			return 0;
		for (size_t i = page ? 0 : sizeof(Elf64_Ehdr); i + 2 <= CORE_PAGE; i++)
			if (is_syscall(code + i))
				return vdso + page * CORE_PAGE + i;
	}
	return 0;
}

/* Lets the process make the call that it is about to make, from the entry stop to the exit stop. A single step would need
 * one stop less, but it raises a SIGTRAP, which a program may ignore or block, and would not do so any more. A filter,
 * which is asked after the tracer, finds the call in the gate, from where it lets calls pass: it knows no other call of
 * k23's. */
static long make_call(const struct image *image)
{
	long r = inj_resume(image->pid, PTRACE_SYSCALL, INJ_SYSCALL_STOP, image->held);

	if (!failed(r) && image->gate)
		r = sys(ptrace, PTRACE_POKEUSR, image->pid, offsetof(struct core_user_regs, rip), image->gate);
	return failed(r) ? r : inj_resume(image->pid, PTRACE_SYSCALL, INJ_SYSCALL_STOP, image->held);
}

/* One system call in the process. */
static long remote_syscall(const struct image *image, long nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
	struct core_user_regs regs = image->start;
	long r;

	regs.rax = (uint64_t)nr;
	regs.orig_rax = ~0ul;
	regs.rdi = a1;
	regs.rsi = a2;
	regs.rdx = a3;
	regs.r10 = a4;
	regs.r8 = ~0ul; /* mmap's descriptor */
	regs.r9 = 0;
	regs.rip = image->instruction;
	r = sys(ptrace, PTRACE_SETREGS, image->pid, 0, &regs);
	if (failed(r))
		return r;
	r = make_call(image);
	if (failed(r))
		return r;
	r = sys(ptrace, PTRACE_GETREGS, image->pid, 0, &regs);
	return failed(r) ? r : (long)regs.rax;
}

/* Where the bundle is to lie: a filter of the program lets the gate pass at the address that it had when the filter was installed.
 * 0: anywhere. */
static uint64_t place(const struct image *image, const struct bundle *bundle)
{
	return image->gate ? (uint64_t)bundle : 0;
}

/* Attaches the bundle's shared memory. Its address or -errno: the process may be in another IPC namespace, where the id is
 * nobody's or somebody else's, or have become another user's. */
static long attach(const struct image *image, const struct bundle *bundle)
{
	uint64_t unique = 0;
	long base, r;

	if (bundle->shared_id < 0)
		return -ENOENT;
	base = remote_syscall(image, __NR_shmat, (uint32_t)bundle->shared_id, place(image, bundle),
			      KERNEL_SHM_RDONLY | KERNEL_SHM_EXEC, 0);
	if (failed(base))
		return base;
	r = peek_word(image->pid, (uint64_t)base + offsetof(struct bundle, unique), &unique);
	if (!failed(r) && unique == bundle->unique)
		return base;
	r = remote_syscall(image, __NR_shmdt, (uint64_t)base, 0, 0, 0);
	return failed(r) ? r : -ENOENT;
}

/* Writes to memory that is not writable, as a debugger does. */
static long poke_text(int pid, uint64_t to, const void *from, size_t size)
{
	const uint64_t *words = from;
	long r = 0;

	/* What follows in the bundle up to a whole word does no harm. */
	for (size_t i = 0; i * sizeof(*words) < size && !failed(r); i++)
		r = sys(ptrace, PTRACE_POKEDATA, pid, to + i * sizeof(*words), words[i]);
	return r;
}

/* A part of the bundle that is executed. */
struct text {
	uint64_t to, size;
	int prot;
	const char *from;
	size_t filled; /* the rest is zero */
};

/* Where memory that was writable may not become executable, the text is written word by word, which takes a few milliseconds.
 * frozen: that is known, and the attempt may be death. */
static long copy_text(const struct image *image, const struct text *text, bool frozen)
{
	long r;

	if (!frozen) {
		r = poke(image->pid, text->to, text->from, text->filled);
		if (failed(r))
			return r;
		r = remote_syscall(image, __NR_mprotect, text->to, text->size, (uint64_t)text->prot, 0);
		if (r != -EACCES && r != -EPERM)
			return r;
	}
	r = remote_syscall(image, __NR_mmap, text->to, text->size, (uint64_t)text->prot,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	return failed(r) ? r : poke_text(image->pid, text->to, text->from, text->filled);
}

/* The runtime's text, and the hooks'. */
static long copy_texts(const struct image *image, const struct bundle *bundle, uint64_t base, bool frozen)
{
	struct text text = {
		.to = base + bundle->runtime_text,
		.size = bundle->runtime_text_size,
		.prot = PROT_READ | PROT_EXEC,
		.from = (const char *)bundle + bundle->runtime_text,
		.filled = bundle->runtime_text_size,
	};
	long r = copy_text(image, &text, frozen);

	for (uint32_t i = 0; i < bundle->segment_count && !failed(r); i++) {
		const struct bundle_segment *segment = &bundle->segments[i];

		if (!(segment->prot & PROT_EXEC))
			continue;
		text = (struct text){ base + segment->offset, segment->size, (int)segment->prot,
				      (const char *)bundle + segment->initial, segment->initial_size };
		r = copy_text(image, &text, frozen);
	}
	return r;
}

/* A copy of the bundle, in memory of the process's own. Its address or -errno. */
static long copy(const struct image *image, const struct bundle *bundle, bool frozen)
{
	static const int32_t no_segment = -1;
	long base = remote_syscall(image, __NR_mmap, place(image, bundle), bundle->size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS);
	long r;

	if (failed(base))
		return base;
	r = poke(image->pid, (uint64_t)base, bundle, bundle->runtime_text);
	if (!failed(r) && bundle->store_size)
		r = poke(image->pid, (uint64_t)base + bundle->store, (const char *)bundle + bundle->store, bundle->store_size);
	if (!failed(r))
		r = poke(image->pid, (uint64_t)base + offsetof(struct bundle, shared_id), &no_segment, sizeof(no_segment));
	if (!failed(r))
		r = copy_texts(image, bundle, (uint64_t)base, frozen);
	return failed(r) ? r : base;
}

/* Lets the process begin with rt_start, when it goes on. */
static long start(const struct image *image, const struct bundle *bundle, const struct start_block *block, uint64_t base)
{
	struct core_user_regs regs = image->start;
	uint64_t words[sizeof(*block) / 8];

	memcpy(words, block, sizeof(words));
	regs.orig_rax = ~0ul;
	regs.rip = base + bundle->start;
	regs.rdi = base;
	regs.rsi = image->start.rip;
	regs.rdx = image->start.eflags;
	regs.r10 = block->sigmask;
	regs.r8 = words[offsetof(struct start_block, helper) / 8];
	regs.r9 = words[offsetof(struct start_block, sigsys_blocked) / 8];
	return sys(ptrace, PTRACE_SETREGS, image->pid, 0, &regs);
}

long inj_plant(int pid, const struct bundle *bundle, const struct start_block *block, int *held)
{
	struct image image = { .pid = pid, .held = held };
	long base = -ENOENT, r = sys(ptrace, PTRACE_GETREGS, pid, 0, &image.start);

	if (failed(r))
		return r;
	if (image.start.cs != KERNEL_USER_CS)
		return -ENOEXEC;
	image.instruction = find_syscall(pid, auxiliary(pid, image.start.rsp, AT_SYSINFO_EHDR), bundle->vdso_syscall);
	if (!image.instruction)
		return -ENOSYS;
	if (block->seccomp)
		image.gate = (uint64_t)bundle + bundle->gate;
	/* Hooks that lie beside an attached segment are written by the new image itself. */
	if (!(block->frozen && bundle->hook_count))
		base = attach(&image, bundle);
	if (failed(base) && base != -ESRCH)
		base = copy(&image, bundle, block->frozen);
	r = failed(base) ? base : start(&image, bundle, block, (uint64_t)base);
	return failed(r) ? r : base;
}
