/*
 * seccomp: a filter of the program decides over the program's calls. The runtime's own must pass, so the filter
 * that is installed begins with a test for the runtime's half of the gate.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/entry_points.h"
#include "rt/base/filters.h"
#include "rt/base/lock.h"
#include "rt/special/seccomp.h"
#include "rt/signal/heard.h"
#include "rt/signal/sigsys.h"
#include "rt/special/special.h"
#include "rt/x86_64/base/gs.h"

#define FIELD(member) ((uint32_t)offsetof(struct seccomp_data, member))
/* What SECCOMP_FILTER_FLAG_TSYNC gives other threads. */
struct sharing {
	const struct rt_thread *thread; /* which calls */
	struct rt_filters *filters;
	struct rt_filters *before; /* to those that have this */
	bool all;                  /* or to all */
};

static uint64_t share_lock;

/* What all threads of a process have been given last. */
static struct {
	struct rt_filters *filters;
	int32_t pid;
} shared;

#define PROLOGUE (7u + 2 * (RT_VERDICTS + 2) + 3) /* at most */

/* Whether a filter does not care what is in the accumulator at first. A filter may rely on zero. */
static bool sets_accumulator(const struct sock_filter *filter)
{
	return BPF_CLASS(filter->code) == BPF_LD || filter->code == (BPF_RET | BPF_K);
}

static uint64_t jump_target(const struct sock_filter *filter, uint32_t at, uint32_t offset)
{
	return filter[at].code == (BPF_JMP | BPF_JA) ? (uint64_t)at + 1 + filter[at].k : (uint64_t)at + 1 + offset;
}

/* Lets all jumps to `from` go to `to`, if they reach so far. */
static bool move_jumps(struct sock_filter *filter, uint32_t from, uint32_t to)
{
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < from; i++) {
			struct sock_filter *jump = &filter[i];
			bool jt = jump_target(filter, i, jump->jt) == from,
			     jf = jump_target(filter, i, jump->jf) == from;

			if (BPF_CLASS(jump->code) != BPF_JMP || !(jt || jf))
				continue;
			if (jump->code != (BPF_JMP | BPF_JA) && to - i - 1 > UINT8_MAX)
				return false;
			if (!pass)
				continue;
			if (jump->code == (BPF_JMP | BPF_JA))
				jump->k = to - i - 1;
			else
				*jump = (struct sock_filter){ jump->code, jt ? (uint8_t)(to - i - 1) : jump->jt,
							      jf ? (uint8_t)(to - i - 1) : jump->jf, jump->k };
		}
	return true;
}

/* Removes an instruction to which nothing leads. */
static void remove_instruction(struct sock_filter *filter, uint32_t length, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		struct sock_filter *jump = &filter[i];

		if (BPF_CLASS(jump->code) != BPF_JMP)
			continue;
		if (jump->code == (BPF_JMP | BPF_JA)) {
			jump->k -= jump_target(filter, i, 0) > at;
			continue;
		}
		jump->jt = (uint8_t)(jump->jt - (jump_target(filter, i, jump->jt) > at));
		jump->jf = (uint8_t)(jump->jf - (jump_target(filter, i, jump->jf) > at));
	}
	for (uint32_t i = at; i + 1 < length; i++)
		filter[i] = filter[i + 1];
}

/* Makes a filter shorter by an instruction that returns what a later one returns. Returns whether there is one. */
static bool shorten(struct sock_filter *filter, uint32_t length)
{
	for (uint32_t i = 1; i < length; i++) {
		uint32_t before = BPF_CLASS(filter[i - 1].code);

		if (filter[i].code != (BPF_RET | BPF_K) || (before != BPF_JMP && before != BPF_RET))
			continue;
		for (uint32_t to = i + 1; to < length && to - i <= UINT8_MAX; to++)
			if (filter[to].code == filter[i].code && filter[to].k == filter[i].k &&
			    move_jumps(filter, i, to)) {
				remove_instruction(filter, length, i);
				return true;
			}
	}
	return false;
}

/* Makes a filter return a verdict for calls from an address in the gate page, of which the accumulator has the lower
 * half. ip: behind the `syscall`. Returns the end of the code. */
static struct sock_filter *put_verdict(struct sock_filter *end, uint64_t ip, uint32_t verdict)
{
	*end++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ip, 0, 1);
	*end++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict);
	return end;
}

/* What the newest filter, which judges by the address of the call, is to return for calls of the program. At gates of
 * others it allows them, also of those that come later. A call by the direct entry has not been judged: the handler
 * makes it once more, by the guard. That of rt_sigreturn is only made if it may be. */
static struct sock_filter *put_verdicts(struct sock_filter *end, const struct rt_filters *filters)
{
	for (uint32_t i = filters->newest.first; i < filters->newest.end; i++)
		end = put_verdict(end, rt_filters_gate_done(i), filters->verdicts[i]);
	*end++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)rt_filters_gate_done(0), 0, 2);
	*end++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)rt_filters_gate_done(RT_VERDICTS),
					      1, 0);
	*end++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	end = put_verdict(end, (uint64_t)rt_gate_direct_done, SECCOMP_RET_TRAP | RT_FILTERS_NOT_JUDGED);
	return put_verdict(end, (uint64_t)rt_gate_sigreturn_done, SECCOMP_RET_ALLOW);
}

/* Puts a prologue in front of the program's filter: it allows calls from [rt_gate_page, rt_gate_own_end), which lies
 * in one page. filters: NULL unless the filter judges by the address. Returns how long the prologue is. */
static uint32_t put_prologue(struct sock_filter *filter, uint32_t length, const struct rt_filters *filters)
{
	uint64_t start = (uint64_t)rt_gate_page;
	uint32_t size = (uint32_t)(rt_gate_own_end - rt_gate_page);
	struct sock_filter code[PROLOGUE] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(start >> 32), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)start, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)start + size, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	uint32_t begin = 0, end = 6;

	if (filters) {
		uint32_t verdicts = (uint32_t)(put_verdicts(code + end, filters) - (code + end));

		end += verdicts;
		code[1].jf = (uint8_t)(code[1].jf + verdicts);
		code[3].jf = (uint8_t)(code[3].jf + verdicts);
	}
	if (!sets_accumulator(filter))
		code[end++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 0);
	/* Under k23 all calls come from the gate page, but for the helper's: the lower half of the address tells the
	 * program's from the runtime's. Only programs that --foreign=allow lets run without k23 may have others with
	 * that half. */
	if (end + length > BPF_MAXINSNS)
		begin = 2;
	memcpy(filter - (end - begin), code + begin, (end - begin) * sizeof(*code));
	return end - begin;
}

/* ctx: any */
static bool share_with(const struct rt_thread *other, const void *key)
{
	const struct sharing *sharing = key;
	struct rt_thread *thread = (struct rt_thread *)other;

	if (thread->pid == sharing->thread->pid && thread != sharing->thread &&
	    (sharing->all || thread->filters == sharing->before))
		thread->filters = sharing->filters;
	return false;
}

/* For SECCOMP_FILTER_FLAG_TSYNC: makes the other threads of the process have what it says, those included that are
 * being created: either they are found here, or they find what is shared. */
static void share(const struct sharing *sharing)
{
	shared.pid = sharing->thread->pid;
	__atomic_store_n(&shared.filters, sharing->filters, __ATOMIC_SEQ_CST);
	rt_thread_find(share_with, sharing);
}

/* A thread that was being created has what its creator had then, or what it shares now: one list is the end of the
 * other. */
void rt_seccomp_join(struct rt_thread *thread)
{
	struct rt_filters *filters = __atomic_load_n(&shared.filters, __ATOMIC_SEQ_CST);

	if (filters && shared.pid == thread->pid && (!thread->filters || thread->filters->size < filters->size))
		thread->filters = filters;
}

/* Installs a filter. filters: what the thread has then of those that judge by the address of a call. */
static long install(struct rt_thread *thread, const struct k23_call *call, struct rt_filters *filters)
{
	uint64_t flags = call->nr == __NR_seccomp ? call->args[1] : 0;
	bool shares = (flags & SECCOMP_FILTER_FLAG_TSYNC) && filters;
	struct rt_filters *before = thread->filters;
	bool refused;
	long r;

	if (shares)
		rt_lock(&share_lock);
	/* The first is known to all before the kernel has it: then it does not matter at which gate a call is made.
	 * Others are known afterwards: those that the kernel has allow calls at the gates of one that it does not. */
	if (shares && !before)
		share(&(struct sharing){ thread, filters, NULL, false });
	r = rt_gate_program(call, thread);
	/* Without TSYNC_ESRCH a positive result is the id of a thread that has other filters. */
	refused = failed(r) || rt_trapped(thread) || (r > 0 && shares && !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
	if (shares && !before && refused)
		share(&(struct sharing){ thread, NULL, filters, false });
	else if (shares && !refused)
		share(&(struct sharing){ thread, filters, NULL, true });
	if (shares)
		rt_unlock(&share_lock);
	if (!refused)
		thread->sighand->seccomp = 1;
	if (filters && filters != thread->filters) {
		if (!refused) {
			rt_filters_set(thread, filters);
			rt_gs_give_up();
		} else if (!shares) { /* else another thread may be judging by them */
			rt_filters_discard(filters);
		}
	}
	return r;
}

/* Reads the program's filter, and installs it with a prologue. memory: room for the longest prologue and the filter. */
static long put_filter(struct rt_thread *thread, const struct k23_call *call, int program_argument,
		       struct sock_fprog program, struct sock_filter *memory)
{
	struct rt_filters *filters = thread->filters, *judging = NULL;
	struct sock_filter *filter = memory + PROLOGUE;
	struct k23_call own = *call;
	uint32_t prologue;
	long r = rt_copy_from(filter, (uint64_t)program.filter, program.len * sizeof(*filter));

	if (failed(r)) {
		/* The kernel may have another objection before that, and is to find no filter either. */
		program.filter = (struct sock_filter *)RT_NO_ADDRESS;
		own.args[program_argument] = (uint64_t)&program;
		return rt_gate_program(&own, thread);
	}
	if (rt_filters_wants(filter, program.len)) {
		filters = judging = rt_filters_with(thread, filter, program.len);
		if (!judging)
			return -ENOMEM;
	}
	prologue = put_prologue(filter, program.len, judging);
	while (prologue + program.len > BPF_MAXINSNS && shorten(filter, program.len))
		program.len--;
	if (prologue + program.len > BPF_MAXINSNS) {
		if (judging)
			rt_filters_discard(judging);
		return -ENOMEM; /* as where a thread's filters are longer together than the kernel allows */
	}
	program.len = (uint16_t)(program.len + prologue);
	program.filter = filter - prologue;
	own.args[program_argument] = (uint64_t)&program;
	return install(thread, &own, filters);
}

/* program_argument: which argument points to the struct sock_fprog. */
long rt_seccomp_filter(struct rt_thread *thread, struct k23_call *call, int program_argument)
{
	struct sock_fprog program;
	long memory, r;
	size_t size;

	if (failed(rt_copy_from(&program, call->args[program_argument], sizeof(program))) || !program.len ||
	    program.len > BPF_MAXINSNS)
		return rt_gate_program(call, thread); /* the kernel's own error */
	size = (PROLOGUE + program.len) * sizeof(struct sock_filter);
	memory = sys(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (failed(memory))
		return -ENOMEM;
	r = put_filter(thread, call, program_argument, program, (struct sock_filter *)memory);
	sys(munmap, memory, size);
	return r;
}

/* From here on the runtime can make no call of its own but rt_sigreturn. So SIGSYS cannot stay blocked until the end of
 * this call. */
long rt_seccomp_strict(struct rt_thread *thread, struct k23_call *call)
{
	long r;

	/* The kernel refuses a thread that has a filter, and then everything is to stay as it is. */
	if (sys(prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
		return rt_gate_program(call, thread);
	/* A system call is needed to enter a hosted hook (x86_64/world/state.c), which would then kill. */
	if (rt.bundle->world_count && !rt.fsgsbase)
		return -EINVAL;
	rt_sigsys_take_back(thread);
	rt_signals_unhear();
	thread->strict_cycles = rt_cycles();
	r = rt_gate_any(call, thread);
	if (r == 0) {
		thread->strict = true;
		rt_gs_give_up();
	}
	return r;
}

long special_seccomp(struct rt_thread *thread, struct k23_call *call)
{
	uint32_t operation = (uint32_t)call->args[0];

	if (operation == SECCOMP_SET_MODE_FILTER)
		return rt_seccomp_filter(thread, call, 2);
	/* The kernel refuses flags and arguments of strict mode. */
	if (operation == SECCOMP_SET_MODE_STRICT && !(uint32_t)call->args[1] && !call->args[2])
		return rt_seccomp_strict(thread, call);
	return rt_gate_program(call, thread);
}
