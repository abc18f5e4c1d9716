/*
 * Putting the bundle into a new image: see remote.h. The process is made to execute system calls by a `syscall`
 * instruction of its vDSO. Mostly there is one call, which attaches the bundle's shared memory. Otherwise the calls
 * make memory for a copy.
 *
 * ctx: entry | helper, for all here.
 */
#include "inject/remote.h"

#include <asm/errno.h>
#include <asm/sigcontext.h>
#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/ptrace.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "abi/kernel.h"
#include "core/page.h"
#include "core/string.h"
#include "inject/memory.h"

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
		r = inj_read_memory(reader->pid, reader->words, reader->next, size);
		if (failed(r))
			return r;
		reader->next += size;
		reader->count = size / 8;
		reader->at = 0;
	}
	*word = reader->words[reader->at++];
	return 0;
}

/* The value of an entry of the auxiliary vector, or 0. */
static uint64_t find_auxiliary(int pid, uint64_t stack, uint64_t type)
{
	struct stack_reader reader = { .pid = pid, .next = stack + 8 };
	uint64_t word = 0, value = 0;

	/* Over argv and envp, each of which ends with a zero. */
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

/* A stopped process whose new image has run nothing. */
struct image {
	int pid;
	int *held; /* as for inj_resume */
	struct core_user_regs start; /* the registers that the program is to start with */
	uint64_t instruction; /* the address of a `syscall` in the vDSO */
	uint64_t wanted;      /* the address that the bundle is to have, for filters of the program; 0: any */
	uint64_t gate;        /* where those filters let calls pass; 0: there are none */
	long *call;           /* the number of the call that was made last, in the process or by this one */
};

/* Reads one word, which takes less time than read_memory. */
static long read_word(int pid, uint64_t from, uint64_t *word)
{
	return sys(ptrace, PTRACE_PEEKDATA, pid, from, word);
}

static bool is_syscall(const uint8_t *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

/* The address of a `syscall` instruction in the vDSO, or 0. expected: its offset, if known: all processes have the same
 * vDSO. */
static uint64_t find_syscall(int pid, uint64_t vdso, uint32_t expected)
{
	uint8_t code[CORE_PAGE];
	uint64_t word;

	if (vdso && expected && !failed(read_word(pid, vdso + expected, &word)) && is_syscall((const uint8_t *)&word))
		return vdso + expected;
	for (unsigned page = 0; vdso && page < 4; page++) {
		if (failed(inj_read_memory(pid, code, vdso + page * CORE_PAGE, CORE_PAGE)))
			return 0;
		for (size_t i = page ? 0 : sizeof(Elf64_Ehdr); i + 2 <= CORE_PAGE; i++)
			if (is_syscall(code + i))
				return vdso + page * CORE_PAGE + i;
	}
	return 0;
}

/* Lets the process make the call that it is about to make, from the entry stop to the exit stop. A single step would
 * take one stop less, but it raises a SIGTRAP, by which the kernel ends that the program ignores or blocks this
 * signal. A filter is asked after the tracer. The tracer moves the process into the gate, as filters let the calls
 * in there pass. */
static long make_call(const struct image *image)
{
	long r = inj_resume(image->pid, PTRACE_SYSCALL, INJ_SYSCALL_STOP, image->held);

	if (!failed(r) && image->gate)
		r = sys(ptrace, PTRACE_POKEUSR, image->pid, offsetof(struct core_user_regs, rip), image->gate);
	return failed(r) ? r : inj_resume(image->pid, PTRACE_SYSCALL, INJ_SYSCALL_STOP, image->held);
}

/* Makes the process execute a system call. Returns the result of the call, or the error of ptrace. */
static long remote_syscall(const struct image *image, long nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
			   uint64_t a5)
{
	struct core_user_regs regs = image->start;
	long r;

	*image->call = nr;
	regs.rax = (uint64_t)nr;
	regs.orig_rax = ~0ul;
	regs.rdi = a1;
	regs.rsi = a2;
	regs.rdx = a3;
	regs.r10 = a4;
	regs.r8 = a5;
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

/* Attaches the bundle's shared memory. Returns its address, or -errno: the process may have become another user's, or
 * be in another IPC namespace, where there is no segment with this id, or another one. */
static long attach_bundle(const struct image *image, const struct bundle *bundle)
{
	uint64_t unique = 0;
	long base, r;

	if (bundle->shared_id < 0)
		return -ENOENT;
	base = remote_syscall(image, __NR_shmat, (uint32_t)bundle->shared_id,
			      image->wanted ? image->wanted : bundle->ready.address,
			      KERNEL_SHM_RDONLY | KERNEL_SHM_EXEC, 0, 0);
	/* Something of the program's lies where the worlds would be ready. */
	if (base == -EINVAL && !image->wanted && bundle->ready.address)
		base = remote_syscall(image, __NR_shmat, (uint32_t)bundle->shared_id, 0,
				      KERNEL_SHM_RDONLY | KERNEL_SHM_EXEC, 0, 0);
	if (failed(base))
		return base;
	r = read_word(image->pid, (uint64_t)base + offsetof(struct bundle, unique), &unique);
	if (!failed(r) && unique == bundle->unique)
		return base;
	r = remote_syscall(image, __NR_shmdt, (uint64_t)base, 0, 0, 0, 0);
	return failed(r) ? r : -ENOENT;
}

/* A part of the bundle that is executed. */
struct text {
	uint64_t to, size;
	int prot;
	const char *from;
	size_t filled; /* the rest is zero */
};

/* Copies a text to its place in the mapping of the bundle. If the process may not make memory executable that was
 * writable, the text is written word by word, which takes a few milliseconds. frozen: that is known, and the attempt
 * may kill the process. */
static long copy_text(const struct image *image, const struct text *text, bool frozen)
{
	long r;

	if (!frozen) {
		r = inj_write_memory(image->pid, text->to, text->from, text->filled);
		if (failed(r))
			return r;
		r = remote_syscall(image, __NR_mprotect, text->to, text->size, (uint64_t)text->prot, 0, 0);
		if (r != -EACCES && r != -EPERM)
			return r;
	}
	r = remote_syscall(image, __NR_mmap, text->to, text->size, (uint64_t)text->prot,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ul);
	return failed(r) ? r : inj_write_words(image->pid, text->to, text->from, text->filled);
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

/* Copies the bundle to private memory of the process. Returns its address or -errno. */
static long copy_bundle(const struct image *image, const struct bundle *bundle, bool frozen)
{
	static const int32_t no_segment = -1;
	long base = remote_syscall(image, __NR_mmap, image->wanted, bundle->size,
				   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0ul);
	long r;

	if (failed(base))
		return base;
	r = inj_write_memory(image->pid, (uint64_t)base, bundle, bundle->runtime_text);
	if (!failed(r) && bundle->store_size)
		r = inj_write_memory(image->pid, (uint64_t)base + bundle->store, (const char *)bundle + bundle->store,
				 bundle->store_size);
	if (!failed(r))
		r = inj_write_memory(image->pid, (uint64_t)base + offsetof(struct bundle, shared_id), &no_segment,
				 sizeof(no_segment));
	if (!failed(r))
		r = copy_texts(image, bundle, (uint64_t)base, frozen);
	return failed(r) ? r : base;
}

/* Copies something that begins with its size, if it is there. Returns its address in the new image, or 0: there is
 * nothing; or -errno. */
static long copy_sized(const struct image *image, uint64_t from)
{
	uint32_t size;
	long to, r;

	if (!from)
		return 0;
	memcpy(&size, (const void *)from, sizeof(size));
	to = remote_syscall(image, __NR_mmap, core_page_down(from), size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, ~0ul);
	if (failed(to))
		return to;
	r = inj_write_memory(image->pid, (uint64_t)to, (const void *)from, size);
	return failed(r) ? r : to;
}

#define MEMORY_DESCRIPTORS 2 /* that are open at once to map a run memory */

/* Makes the process take a descriptor of the helper. The kernel asks whether it might trace the helper, which may have
 * capabilities that the new image lacks, and needs none any more. */
static long take_descriptor(const struct image *image, uint64_t owner, int32_t descriptor)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	long r = remote_syscall(image, __NR_pidfd_getfd, owner, (uint32_t)descriptor, 0, 0, 0);

	if (r != -EPERM)
		return r;
	sys(capset, &header, none);
	return remote_syscall(image, __NR_pidfd_getfd, owner, (uint32_t)descriptor, 0, 0, 0);
}

/* Makes the process map a run memory, at an address or, for 0, anywhere. Returns the address or -errno. */
static long map_memory(const struct image *image, const struct start_block *block, uint32_t i, uint64_t owner,
		       uint64_t at, uint64_t size)
{
	long descriptor = block->memories[i] - 1, r;

	if (descriptor >= 0 && block->memory_owner)
		descriptor = take_descriptor(image, owner, (int32_t)descriptor);
	if (descriptor < 0)
		return -ENOENT;
	r = remote_syscall(image, __NR_mmap, at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
			   (uint64_t)descriptor);
	if (failed(remote_syscall(image, __NR_close, (uint64_t)descriptor, 0, 0, 0, 0)))
		return -ENOENT;
	return r;
}

/* Room for several memories, of which some may be missing. 0: there is one, or none, which finds its place itself. */
static long reserve_memories(const struct image *image, const struct bundle *bundle)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < bundle->memory_count; i++)
		size += bundle->memories[i].size;
	return bundle->memory_count < 2 ? 0 : remote_syscall(image, __NR_mmap, 0, size, PROT_NONE,
							     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, ~0ul);
}

/* Makes the process map the run memories. Returns `memory` of struct start_block. What cannot be had is not there: that
 * is no reason not to start. */
static uint64_t map_memories(const struct image *image, const struct bundle *bundle, const struct start_block *block)
{
	long base = reserve_memories(image, bundle), owner = 0, r;
	uint64_t found = 0, offset = 0;

	if (failed(base))
		return 0;
	if (block->memory_owner)
		owner = remote_syscall(image, __NR_pidfd_open, (uint64_t)block->memory_owner, 0, 0, 0, 0);
	for (uint32_t i = 0; i < bundle->memory_count && owner >= 0; i++) {
		r = map_memory(image, block, i, (uint64_t)owner, base ? (uint64_t)base + offset : 0,
			       bundle->memories[i].size);
		offset += bundle->memories[i].size;
		if (failed(r)) {
			found |= block->memories[i] < 0 ? 1u << (BUNDLE_MAX_MEMORIES + i) : 0;
			continue;
		}
		found |= 1u << i;
		if (!base)
			base = r;
	}
	if (block->memory_owner && owner >= 0 &&
	    failed(remote_syscall(image, __NR_close, (uint64_t)owner, 0, 0, 0, 0)))
		return 0;
	return (uint64_t)base | found;
}

/* The same, where the program's limit leaves no descriptor. */
static uint64_t bring_memories(const struct image *image, const struct bundle *bundle, const struct start_block *block)
{
	struct rlimit64 limit, more, most;
	uint64_t memory;

	if (!bundle->memory_count)
		return 0;
	if (failed(sys(prlimit64, image->pid, RLIMIT_NOFILE, 0, &limit)))
		return map_memories(image, bundle, block);
	most = (struct rlimit64){ limit.rlim_max + MEMORY_DESCRIPTORS, limit.rlim_max + MEMORY_DESCRIPTORS };
	more = (struct rlimit64){ limit.rlim_max, limit.rlim_max };
	/* Only root may raise the hard limit. */
	if (failed(sys(prlimit64, image->pid, RLIMIT_NOFILE, &most, 0)))
		sys(prlimit64, image->pid, RLIMIT_NOFILE, &more, 0);
	memory = map_memories(image, bundle, block);
	sys(prlimit64, image->pid, RLIMIT_NOFILE, &limit, 0);
	return memory;
}

/* Makes the process begin at rt_start when it goes on. */
static long set_start(const struct image *image, const struct bundle *bundle, const struct start_block *block,
		      uint64_t base)
{
	long filters = copy_sized(image, block->filters), values;
	struct core_user_regs regs = image->start;
	uint64_t words[sizeof(*block) / 8];

	if (failed(filters))
		return filters;
	values = copy_sized(image, block->values);
	if (failed(values))
		return values;
	memcpy(words, block, sizeof(words));
	regs.orig_rax = ~0ul;
	regs.rax = block->exe;
	regs.r11 = (uint64_t)values;
	regs.rbx = bring_memories(image, bundle, block);
	regs.rip = base + bundle->start;
	regs.rdi = base;
	regs.rsi = image->start.rip;
	regs.rdx = image->start.eflags;
	regs.r10 = block->sigmask;
	regs.rcx = (uint64_t)filters;
	regs.r8 = words[offsetof(struct start_block, helper) / 8];
	regs.r9 = words[offsetof(struct start_block, sigsys_blocked) / 8];
	return sys(ptrace, PTRACE_SETREGS, image->pid, 0, &regs);
}

long inj_plant(int pid, const struct bundle *bundle, const struct start_block *block, int *held, long *call)
{
	struct image image = { .pid = pid, .held = held, .call = call };
	long base = -ENOENT, r = sys(ptrace, PTRACE_GETREGS, pid, 0, &image.start);

	*call = __NR_ptrace;
	if (failed(r))
		return r;
	if (image.start.cs != KERNEL_USER_CS)
		return -ENOEXEC;
	image.instruction = find_syscall(pid, find_auxiliary(pid, image.start.rsp, AT_SYSINFO_EHDR),
					 bundle->vdso_syscall);
	if (!image.instruction)
		return -ENOSYS;
	image.wanted = block->bundle;
	if (image.wanted)
		image.gate = image.wanted + bundle->gate;
	/* Hooks that lie beside an attached segment are written by the new image itself. */
	if (!(block->frozen && bundle->hook_count))
		base = attach_bundle(&image, bundle);
	if (failed(base) && base != -ESRCH)
		base = copy_bundle(&image, bundle, block->frozen);
	r = failed(base) ? base : set_start(&image, bundle, block, (uint64_t)base);
	return failed(r) ? r : base;
}
