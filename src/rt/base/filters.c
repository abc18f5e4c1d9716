#include "rt/base/filters.h"

#include <linux/audit.h>
#include <linux/mman.h>
#include <linux/seccomp.h>

#include "core/page.h"
#include "core/string.h"

/* Where they are mapped: where there is no hole that the program has made, in order to map something there later. */
#define AREA 0x740000000000ul
#define STRIDE (1ul << 20)
static uint64_t placed;

static struct rt_filters *all;

/* The state of a filter that runs. */
struct machine {
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
};

/* ctx: entry */
static uint32_t compute(uint32_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default: /* BPF_NEG */
		return -a;
	}
}

/* ctx: entry */
static bool compare(uint32_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default: /* BPF_JSET */
		return a & b;
	}
}

/* What BPF_LD and BPF_LDX load. The kernel has seen to it that the offset is that of a word. ctx: entry */
static uint32_t load(const struct machine *machine, const struct sock_filter *op, const struct seccomp_data *data)
{
	switch (BPF_MODE(op->code)) {
	case BPF_ABS:
		return ((const uint32_t *)data)[op->k / sizeof(uint32_t)];
	case BPF_MEM:
		return machine->memory[op->k % BPF_MEMWORDS];
	case BPF_LEN:
		return sizeof(*data);
	default: /* BPF_IMM */
		return op->k;
	}
}

/* Runs a filter that the kernel has accepted: it ends, and leads nowhere outside. ctx: entry */
static uint32_t run(const struct sock_filter *op, const struct seccomp_data *data)
{
	struct machine machine = { 0 };

	for (;; op++) {
		uint32_t operand = BPF_SRC(op->code) == BPF_X ? machine.x : op->k;

		switch (BPF_CLASS(op->code)) {
		case BPF_LD:
			machine.a = load(&machine, op, data);
			break;
		case BPF_LDX:
			machine.x = load(&machine, op, data);
			break;
		case BPF_ST:
			machine.memory[op->k % BPF_MEMWORDS] = machine.a;
			break;
		case BPF_STX:
			machine.memory[op->k % BPF_MEMWORDS] = machine.x;
			break;
		case BPF_ALU:
			if (BPF_OP(op->code) == BPF_DIV && !operand)
				return SECCOMP_RET_KILL_THREAD; /* the kernel's answer is 0 */
			machine.a = compute(BPF_OP(op->code), machine.a, operand);
			break;
		case BPF_JMP:
			if (BPF_OP(op->code) == BPF_JA)
				op += op->k;
			else
				op += compare(BPF_OP(op->code), machine.a, operand) ? op->jt : op->jf;
			break;
		case BPF_RET:
			return BPF_RVAL(op->code) == BPF_A ? machine.a : op->k;
		default: /* BPF_MISC */
			if (BPF_MISCOP(op->code) == BPF_TAX)
				machine.x = machine.a;
			else
				machine.a = machine.x;
		}
	}
}

/* ctx: entry */
bool rt_filters_wants(const struct sock_filter *filter, uint32_t length)
{
	const uint32_t address = offsetof(struct seccomp_data, instruction_pointer);

	for (uint32_t i = 0; i < length; i++)
		if (filter[i].code == (BPF_LD | BPF_W | BPF_ABS) && (filter[i].k & ~4u) == address)
			return true;
	return false;
}

/* Has a gate of the newest filter's for a verdict, if there is one left. ctx: entry */
static void add_verdict(struct rt_filters *filters, uint32_t verdict)
{
	struct rt_filter *newest = &filters->newest;

	for (uint32_t i = newest->first; i < newest->end; i++)
		if (filters->verdicts[i] == verdict)
			return;
	if (verdict != SECCOMP_RET_ALLOW && newest->end < RT_VERDICTS)
		filters->verdicts[newest->end++] = verdict;
}

/* ctx: entry */
static size_t size_of(uint32_t length)
{
	return sizeof(struct rt_filter) + length * sizeof(struct sock_filter);
}

/* ctx: entry; no locks */
struct rt_filters *rt_filters_with(const struct rt_thread *thread, const struct sock_filter *filter, uint32_t length)
{
	const struct rt_filters *before = thread->filters;
	size_t old = before ? before->size - offsetof(struct rt_filters, newest) : 0;
	size_t size = offsetof(struct rt_filters, newest) + size_of(length) + old;
	uint64_t at = AREA + __atomic_fetch_add(&placed, 1, __ATOMIC_RELAXED) % (1ul << 20) * STRIDE;
	long memory = sys(mmap, at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rt_filters *filters = (struct rt_filters *)memory;

	if (failed(memory))
		return NULL;
	if (before) {
		memcpy(filters->verdicts, before->verdicts, sizeof(before->verdicts));
		memcpy((char *)filters + size - old, &before->newest, old);
	}
	filters->size = (uint32_t)size;
	filters->verdicts[0] = SECCOMP_RET_ALLOW;
	filters->newest.length = length;
	filters->newest.first = filters->newest.end = before ? before->newest.end : 1;
	memcpy(filters->newest.code, filter, length * sizeof(*filter));
	for (uint32_t i = 0; i < length; i++)
		if (filter[i].code == (BPF_RET | BPF_K))
			add_verdict(filters, filter[i].k);
	return filters;
}

/* ctx: entry; no locks */
void rt_filters_discard(struct rt_filters *filters)
{
	sys(munmap, filters, filters->size);
}

/* ctx: boot | entry; no locks */
void rt_filters_set(struct rt_thread *thread, struct rt_filters *filters)
{
	filters->next = __atomic_load_n(&all, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&all, &filters->next, filters, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	sys(mprotect, filters, core_page_up(filters->size), PROT_READ);
	thread->filters = filters;
}

/* Returns the verdict, and in *by the filter that it is of; NULL: all allow. ctx: entry */
static uint32_t judge(const struct rt_thread *thread, const struct k23_call *call, const struct rt_filter **by)
{
	const struct rt_filters *filters = thread->filters;
	const struct rt_filter *filter = &filters->newest, *end = (const void *)((const char *)filters + filters->size);
	struct seccomp_data data = {
		.nr = (int)call->nr,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = thread->call.ip,
	};
	uint32_t verdict = SECCOMP_RET_ALLOW;

	*by = NULL;
	memcpy(data.args, call->args, sizeof(data.args));
	while (filter != end) {
		uint32_t one = run(filter->code, &data);

		/* As the kernel orders them: of the same kind, the newest counts. */
		if ((int32_t)(one & SECCOMP_RET_ACTION_FULL) < (int32_t)(verdict & SECCOMP_RET_ACTION_FULL)) {
			verdict = one;
			*by = filter;
		}
		filter = (const void *)((const char *)filter + size_of(filter->length));
	}
	return verdict;
}

/* ctx: entry */
uint32_t rt_filters_judge(const struct rt_thread *thread, const struct k23_call *call)
{
	const struct rt_filter *by;

	return judge(thread, call, &by);
}

/* ctx: entry */
uint32_t rt_filters_gate(const struct k23_call *call, const struct rt_thread *thread)
{
	const struct rt_filter *by;
	uint32_t verdict = judge(thread, call, &by);

	if (!by)
		return 0;
	for (uint32_t i = by->first; i < by->end; i++)
		if (thread->filters->verdicts[i] == verdict)
			return i;
	return RT_VERDICTS;
}

/* ctx: entry; no locks */
bool rt_filters_own(uintptr_t start, uintptr_t end)
{
	const struct rt_filters *filters = __atomic_load_n(&all, __ATOMIC_ACQUIRE);

	for (; filters; filters = filters->next)
		if (start < (uintptr_t)filters + core_page_up(filters->size) && end > (uintptr_t)filters)
			return true;
	return false;
}
