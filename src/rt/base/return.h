/*
 * Back to the program. All of it is assembly.
 */
#ifndef RT_BASE_RETURN_H
#define RT_BASE_RETURN_H

#include "rt/base/thread.h"

/* With the registers in thread->regs. ctx: entry */
void rt_return(struct rt_thread *thread) __attribute__((noreturn));
/* Between these the call is over, and a signal finds the program with thread->regs. */
extern const char rt_return_begin[], rt_return_end[];
/* Behind the system call outside the gate by which rt_return asks for the delivery of a signal that waits. */
extern const char rt_selftrap_done[];

/* ctx: any */
static inline bool rt_returning(uint64_t ip)
{
	return ip - (uint64_t)rt_return_begin < (uint64_t)(rt_return_end - rt_return_begin);
}

#endif
