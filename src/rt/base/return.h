/*
 * The return to the program, which is assembly: x86_64/base/return.S.
 */
#ifndef RT_BASE_RETURN_H
#define RT_BASE_RETURN_H

#include "rt/base/thread.h"

/* Goes on in the program, with the registers in thread->regs. ctx: entry */
void rt_return(struct rt_thread *thread) __attribute__((noreturn));
/* Between these labels the call is over: a signal that arrives finds the program, with thread->regs. */
extern const char rt_return_begin[], rt_return_end[];
/* The address after the system call outside the gate by which rt_return has deferred signals delivered. */
extern const char rt_selftrap_done[];

/* ctx: any */
static inline bool rt_returning(uint64_t ip)
{
	return ip - (uint64_t)rt_return_begin < (uint64_t)(rt_return_end - rt_return_begin);
}

#endif
