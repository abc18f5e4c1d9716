/*
 * Signals that the kernel raises against the thread that makes a call: SIGPIPE and SIGXFSZ, of what writes. One that a
 * call of a hook or the runtime raises is not the program's: they have the error, EPIPE or EFBIG.
 */
#ifndef RT_BASE_RAISED_H
#define RT_BASE_RAISED_H

#include "rt/base/thread.h"

#define RT_RAISED (SIGBIT(SIGPIPE) | SIGBIT(SIGXFSZ))

struct rt_raised {
	uint64_t blocked; /* now, but not before */
	uint64_t pending; /* already before */
};

/* Whether a call may raise one. ctx: any */
bool rt_raises(long nr);
/* Before such a call: blocks them. ctx: boot | entry | sigsys */
struct rt_raised rt_raised_hold(struct rt_thread *thread);
/* After it: drops those that the call, whose third argument was `size`, has raised. Returns its result. ctx: boot |
 * entry | sigsys */
long rt_raised_drop(struct rt_thread *thread, struct rt_raised raised, long nr, uint64_t size, long result);

#endif
