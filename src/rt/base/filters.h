/*
 * Filters of the program (seccomp) that judge by the address of a call. The kernel sees the address of the gate. So the
 * runtime runs these filters itself, with the address of the program's call, and makes the call at the gate that stands
 * for the verdict. What is installed in place of such a filter (special/seccomp.c) returns its own verdicts at its
 * gates, and allows calls at those of others, so that the kernel finds who has returned what: its filters may stand
 * between two such.
 */
#ifndef RT_BASE_FILTERS_H
#define RT_BASE_FILTERS_H

#include <linux/filter.h>

#include "rt/base/thread.h"
#include "rt/x86_64/arch.h"

/* How many verdicts there are gates for. That of the first one, SECCOMP_RET_ALLOW, is for all filters. */
#define RT_VERDICTS 64u

/* One of them. Its gates are those from `first` on, before `end`. */
struct rt_filter {
	uint32_t length;
	uint16_t first, end;
	struct sock_filter code[];
};

/* What a thread has of such filters, in a mapping of its own, which never changes. */
struct rt_filters {
	uint32_t size; /* of it all, in bytes */
	uint32_t reserved;
	uint32_t verdicts[RT_VERDICTS]; /* what the gates stand for */
	struct rt_filters *next;        /* of the process */
	struct rt_filter newest;        /* and behind it the others, down to the oldest */
};

/* What SIGSYS says for a call that has to be judged first, in si_errno. */
#define RT_FILTERS_NOT_JUDGED 0x6b23u

/* The gates (x86_64/base/gate.S): each is a `syscall`, and a jump to rt_gate_done. There is one more than verdicts. */
#define RT_VERDICT_GATE 8u
extern const char rt_gate_verdicts[], rt_gate_verdicts_end[];

/* The address behind the `syscall` of a gate. ctx: any */
static inline uint64_t rt_filters_gate_done(uint32_t verdict)
{
	return (uint64_t)rt_gate_verdicts + verdict * RT_VERDICT_GATE + RT_SYSCALL_SIZE;
}

/* The verdict of the gate that an address is in. ctx: any */
static inline uint32_t rt_filters_gate_of(uint64_t ip)
{
	return (uint32_t)(ip - (uint64_t)rt_gate_verdicts) / RT_VERDICT_GATE;
}

/* Whether a filter asks for the address of the call. ctx: entry */
bool rt_filters_wants(const struct sock_filter *filter, uint32_t length);
/* What the thread is to have after such a filter was installed. Returns NULL if there is no memory. ctx: entry; no
 * locks */
struct rt_filters *rt_filters_with(const struct rt_thread *thread, const struct sock_filter *filter, uint32_t length);
/* Undoes rt_filters_with. ctx: entry; no locks */
void rt_filters_discard(struct rt_filters *filters);
/* Makes the thread have these. ctx: boot | entry; no locks */
void rt_filters_set(struct rt_thread *thread, struct rt_filters *filters);
/* What the thread's filters, of which there is one, say of a call where the program makes one now. ctx: entry */
uint32_t rt_filters_judge(const struct rt_thread *thread, const struct k23_call *call);
/* The gate at which to make the call, for x86_64/base/gate.S; RT_VERDICTS: a filter has returned what it computed, or
 * something besides so many other things, and judges the last gate itself. ctx: entry */
uint32_t rt_filters_gate(const struct k23_call *call, const struct rt_thread *thread);
/* Whether any byte of a range belongs to these. ctx: entry; no locks */
bool rt_filters_own(uintptr_t start, uintptr_t end);

#endif
