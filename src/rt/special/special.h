/*
 * The special calls' functions, as tables/special.def names them. Each is the end of the hooks' chain for its call:
 * it returns the result, or -K23_ERESTART with thread->signal set when a signal came before the call had an effect.
 */
#ifndef RT_SPECIAL_H
#define RT_SPECIAL_H

#include "rt/rt.h"

#define SPECIAL(name, function, why) rt_special_fn function;
#include "special.def"
#undef SPECIAL

/* clone.c: for i386 calls too. */
long special_create(struct rt_thread *thread, uint64_t flags, uint64_t stack, uint64_t parent_tid,
		    uint64_t child_tid, uint64_t tls);

/* exec.c: in the child of a fork, whose parent's other threads may have been in an execve. */
void special_exec_forked(void);

/* i386.c */
rt_special_fn *rt_i386_special(long nr);

/* sigaction.c: sets an action and gives the old one; either may be NULL. */
long special_set_action(struct rt_thread *thread, int sig, const struct rt_sigaction *wanted,
			struct rt_sigaction *old);
/* SA_RESETHAND: a signal's handler is about to run. ctx: sigsys, action_lock held */
void special_reset_action(struct rt_thread *thread, int sig);
void rt_restore_sigstack(struct rt_thread *thread, const struct rt_sigstack *wanted, uint64_t sp);

/* seccomp.c */
long special_seccomp_strict(struct rt_thread *thread, struct k23_call *call);
long special_seccomp_filter(struct rt_thread *thread, struct k23_call *call, int program_argument);

/* The call with other arguments, made through the program's gate. */
static inline long special_forward(struct rt_thread *thread, long nr, uint64_t a1, uint64_t a2, uint64_t a3,
				   uint64_t a4, uint64_t a5, uint64_t a6)
{
	struct k23_call call = { .nr = nr, .args = { a1, a2, a3, a4, a5, a6 } };

	return rt_gate_program(&call, thread);
}

#endif
