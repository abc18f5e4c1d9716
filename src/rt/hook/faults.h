/*
 * Reading and writing memory of the program by the processor.
 */
#ifndef RT_HOOK_FAULTS_H
#define RT_HOOK_FAULTS_H

#include <asm/signal.h>

#include "rt/base/thread.h"

/* Whether a fault in rt_peek makes it fail, and does nothing else: the signal enters the runtime, and the program, or a
 * tracer of it, does not see it. Then the kernel need not be asked before whether memory can be read, which takes
 * longer than a small copy. ctx: boot | entry */
static inline bool rt_catches_faults(const struct rt_thread *thread)
{
	const struct rt_sighand *sighand = thread->sighand;

	return !(thread->blocked & RT_MEMORY_FAULTS) && !thread->callback && !thread->signals && !rt.faults_ignored &&
	       !(rt.ptraced & RT_PTRACED) && sighand->actions[SIGSEGV].handler != (uint64_t)SIG_IGN &&
	       sighand->actions[SIGBUS].handler != (uint64_t)SIG_IGN;
}

#endif
