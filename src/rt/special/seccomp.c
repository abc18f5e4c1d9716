/*
 * seccomp: a filter of the program decides over the program's calls. The runtime's own must pass, so the filter
 * that is installed begins with a test for the runtime's half of the gate.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/seccomp.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/special/seccomp.h"
#include "rt/special/special.h"
#include "rt/x86_64/base/gs.h"

#define PROLOGUE 7
#define FIELD(member) ((uint32_t)offsetof(struct seccomp_data, member))

/* Allows calls from [rt_gate_page, rt_gate_own_end), which lies in one page. */
static void prologue(struct sock_filter *filter)
{
	uint64_t start = (uint64_t)rt_gate_page;
	uint32_t size = (uint32_t)(rt_gate_own_end - rt_gate_page);
	const struct sock_filter code[PROLOGUE] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(start >> 32), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)start, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)start + size, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		/* A filter may rely on the accumulator being zero. */
		BPF_STMT(BPF_LD | BPF_IMM, 0),
	};

	memcpy(filter, code, sizeof(code));
}

/* program_argument: which argument points to the struct sock_fprog. */
long rt_seccomp_filter(struct rt_thread *thread, struct k23_call *call, int program_argument)
{
	struct k23_call own = *call;
	struct sock_fprog program;
	size_t size;
	long memory, r;

	if (failed(rt_copy_from(&program, call->args[program_argument], sizeof(program))) || !program.len ||
	    program.len > BPF_MAXINSNS - PROLOGUE)
		return rt_gate_program(call, thread); /* the kernel's own error */
	size = (program.len + PROLOGUE) * sizeof(struct sock_filter);
	memory = sys(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(memory))
		return -ENOMEM;
	prologue((struct sock_filter *)memory);
	r = rt_copy_from((struct sock_filter *)memory + PROLOGUE, (uint64_t)program.filter,
			 program.len * sizeof(struct sock_filter));
	if (!failed(r)) {
		program.len += PROLOGUE;
		program.filter = (struct sock_filter *)memory;
		own.args[program_argument] = (uint64_t)&program;
		r = rt_gate_program(&own, thread);
		if (!failed(r))
			thread->sighand->seccomp = 1;
	}
	sys(munmap, memory, size);
	return r;
}

/* From here on the runtime can make no call of its own but rt_sigreturn. */
long rt_seccomp_strict(struct rt_thread *thread, struct k23_call *call)
{
	long r = rt_gate_any(call, thread);

	if (r == 0) {
		thread->strict = true;
		rt_gs_give_up();
	}
	return r;
}

long special_seccomp(struct rt_thread *thread, struct k23_call *call)
{
	if (call->args[0] == SECCOMP_SET_MODE_FILTER)
		return rt_seccomp_filter(thread, call, 2);
	if (call->args[0] == SECCOMP_SET_MODE_STRICT)
		return rt_seccomp_strict(thread, call);
	return rt_gate_program(call, thread);
}
