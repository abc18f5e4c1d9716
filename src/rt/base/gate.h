/*
 * The gate page: the system call instructions that reach the kernel. All code in it is assembly. Its first half makes
 * the runtime's own calls (raw_syscall of abi/syscall.h among them), its second half makes the program's calls.
 */
#ifndef RT_BASE_GATE_H
#define RT_BASE_GATE_H

#include "rt/base/thread.h"

/* The argument of rt_gate_stop. It makes a system call that does not exist, only so that a tracer sees a stop there
 * (tracer/ptraced.h). */
enum rt_stop {
	RT_STOP_ENTRY = 1,
	RT_STOP_EXIT = 2,
};

/* Set by the linker script: the page, and the end of its first half. */
extern const char rt_gate_page[], rt_gate_page_end[], rt_gate_own_end[];

/* What a tracer makes of the call at whose begin the stop is. */
struct rt_stopped {
	long result; /* what the tracer has set as the result; -ENOSYS otherwise */
	uint64_t skipped; /* not 0: the call is not to be made */
};

/* x86_64/base/own_calls.S. ctx: entry */
/* A call of a hook's own, which a signal for the program ends. The result, or -K23_ERESTART: the call was not made, or
 * the kernel is to make it again. */
long rt_gate_wait(const struct k23_call *call, struct rt_thread *thread);
extern const char rt_gate_wait_begin[], rt_gate_wait_done[], rt_gate_wait_abort[];
struct rt_stopped rt_gate_stop(long kind);
void rt_sigreturn_to(uint64_t frame, uint64_t eflags) __attribute__((noreturn));
/* Goes on behind the call, by a frame of which the caller fills what is not a register. */
void rt_sigreturn_here(struct ucontext *frame);
void rt_thread_end(uint32_t *slot_state, long nr, long status) __attribute__((noreturn));
extern const char rt_gate_stop_ip[], rt_gate_sigreturn_ip[];

/* x86_64/base/gate.S: make a call of the program. The result, or -K23_ERESTART: a signal came before the call was made.
 * ctx: entry */
long rt_gate_program(const struct k23_call *call, struct rt_thread *thread);
long rt_gate_i386(const struct k23_call *call, struct rt_thread *thread);
extern const char rt_gate_begin[], rt_gate_done[], rt_gate_abort[];
extern const char rt_gate_judged_begin[]; /* the end is base/filters.h's */
/* An rt_sigreturn that a filter judges as the program's, and that changes nothing: its frame leads to
 * rt_gate_sigreturn_made, and needs from the caller all that is not a register. The result is RT_SIGRETURN_MADE, or
 * what the filter makes of the call. ctx: entry */
#define RT_SIGRETURN_MADE (1l << 62)
long rt_gate_sigreturn(const struct k23_call *call, struct ucontext *frame);
extern const char rt_gate_sigreturn_done[], rt_gate_sigreturn_made[];
extern const char rt_gate_i386_begin[], rt_gate_i386_done[], rt_gate_i386_abort[];

/* Makes a call of the program with a number and arguments of the runtime's choice. ctx: entry */
static inline long rt_gate_forward(struct rt_thread *thread, long nr, uint64_t a1, uint64_t a2, uint64_t a3,
				   uint64_t a4, uint64_t a5, uint64_t a6)
{
	struct k23_call call = { .nr = nr, .args = { a1, a2, a3, a4, a5, a6 } };

	return rt_gate_program(&call, thread);
}

/* Makes a call of the program as it is, by `syscall` or int $0x80. ctx: entry */
static inline long rt_gate_any(const struct k23_call *call, struct rt_thread *thread)
{
	return call->arch == K23_ARCH_X86_64 ? rt_gate_program(call, thread) : rt_gate_i386(call, thread);
}

/* No process has memory there: for a call that reads it the kernel's answer is EFAULT. */
#define RT_NO_ADDRESS UINT64_MAX

/* The result of a call that the runtime does not make: a filter of the program has its say before. asked: a call with
 * the same number that has no effect, and for which the kernel's own answer is `answer`. ctx: entry */
static inline long rt_gate_ask(struct rt_thread *thread, const struct k23_call *asked, long answer, long result)
{
	long r;

	if (!thread->sighand->seccomp)
		return result;
	r = rt_gate_any(asked, thread);
	return r == answer ? result : r;
}

#endif
