/*
 * The alternate signal stack: the program's is kept in its thread, by the kernel's rules; the kernel knows the
 * runtime's.
 */
#ifndef RT_SIGNAL_ALTSTACK_H
#define RT_SIGNAL_ALTSTACK_H

#include "abi/syscall.h"
#include "rt/base/thread.h"

/* Tells the kernel of a stack behind the runtime's own. 0 or -errno. ctx: boot | entry, signals blocked */
static inline must_check long rt_altstack_tell(const struct rt_thread *thread, uint64_t size)
{
	struct rt_sigstack stack = { .base = thread->stack_top, .size = size };

	return sys(sigaltstack, &stack, 0);
}

/* Tells the kernel of the runtime's. ctx: boot | entry, signals blocked */
static inline must_check long rt_altstack_install(const struct rt_thread *thread)
{
	return rt_altstack_tell(thread, RT_SIGNAL_STACK_SIZE);
}

/* Tells the kernel of a stack where the runtime's is, of another size: what it makes of a size depends on which
 * registers the process may use. Blocks all signals, and sets *mask to what rt_altstack_stop needs. 0 or -errno.
 * ctx: entry */
long rt_altstack_pretend(const struct rt_thread *thread, uint64_t size, uint64_t *mask) must_check;
/* After rt_altstack_pretend. ctx: entry */
void rt_altstack_stop(const struct rt_thread *thread, uint64_t mask);
/* The size of the smallest that a thread of the process has, if that is smaller than the runtime's; 0: none is.
 * ctx: entry */
uint64_t rt_altstack_smallest(const struct rt_thread *thread);
/* In the handler of a signal that is being delivered: tells hooks of it, by rt.tell, on the runtime stack, where
 * nothing is then. Hosted hooks are on stacks of their own, and their system calls raise SIGSYS. The kernel makes the
 * frames of signals that come there at the top of the signal stack: meanwhile that ends below the handler's. SIGSYS is
 * let through, and one that a process sends may be noted. ctx: sigsys, signals blocked */
void rt_altstack_tell_apart(struct rt_thread *thread, int sig, const siginfo_t *info, bool handled);
/* What sigaltstack shows a program whose stack pointer is `sp`. ctx: entry */
struct rt_sigstack rt_altstack_shown(const struct rt_thread *thread, uint64_t sp);
/* 0 or -errno. ctx: entry */
long rt_altstack_set(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp);
/* What rt_sigreturn makes of the alternate stack of a frame. sp, next_sp: the stack pointer at the call, and that of
 * the frame. No signal may come, not even one of a fault. ctx: entry, signals blocked */
void rt_altstack_return(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp, uint64_t next_sp);

#endif
