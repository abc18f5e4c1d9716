/*
 * What the program sees of a stopped tracee: the registers of the tracee's program, not of its runtime.
 */
#ifndef RT_TRACER_VIEW_H
#define RT_TRACER_VIEW_H

#include <linux/ptrace.h>

#include "inject/remote.h"
#include "rt/base/thread.h"
#include "rt/tracer/tracee.h"

/* Where on the fast path it is, outside the dispatcher. `shown` is then where the program would be natively. */
enum tracee_fast {
	TRACEE_NOT_FAST,
	TRACEE_STUB,      /* among the displaced instructions, shown at the first of them */
	TRACEE_STUB_DONE, /* behind them, at the site's `syscall` */
	TRACEE_ENTRY,     /* the same, in the entry */
	TRACEE_DIRECT,    /* in a call that was made without the dispatcher */
};

/* The thread of the tracee whose call a stop is in, and where in the runtime the stop is. */
struct tracee_view {
	struct core_user_regs real, shown;
	uint64_t ip;              /* the real one */
	uint64_t nr, shown_nr;    /* of the call that the stop is in, ~0: in none; and as it is shown */
	uint64_t argument;        /* of the real one, the first */
	int64_t result;           /* of it, or an error that only tracers see */
	struct rt_thread *thread; /* in the tracee; NULL: `shown` are its registers */
	uint32_t kind;            /* enum rt_stop, or 0 */
	uint32_t arch;            /* of the call */
	enum tracee_fast fast;
	bool in_call;             /* whose result is still to come */
	bool in_gate;             /* in the program's half of the gate, the call made */
	bool restarts;            /* there, and a signal interrupted it: it ends with an error that only tracers see */
	bool returns;             /* the call is over, and nothing but the program's registers is still to be loaded */
};

/* The registers of a stopped tracee. ctx: entry */
long tracee_view(const struct tracee *tracee, struct tracee_view *view) must_check;
/* Fills in what PTRACE_GET_SYSCALL_INFO says of the program, in a stop of the kind info->op. ctx: entry */
void tracee_describe_stop(const struct tracee_view *view, struct ptrace_syscall_info *info);
/* What PTRACE_SET_SYSCALL_INFO asks for, as registers that are shown. 0 or -errno. ctx: entry */
long tracee_call_registers(const struct tracee_view *view, const struct ptrace_syscall_info *info,
			   struct core_user_regs *regs) must_check;
/* Registers as the program gives them, with the %gs that it was not shown. ctx: entry */
struct core_user_regs tracee_registers(const struct tracee_view *view, const struct core_user_regs *from);
/* Makes what is shown so. ctx: entry */
long tracee_load_shown(const struct tracee *tracee, const struct tracee_view *view);
/* The program sets the registers that it is shown. ctx: entry */
long tracee_set_registers(const struct tracee *tracee, const struct tracee_view *view, const struct core_user_regs *regs);
/* Fills in what is to be shown of a stop on the fast path, and hides our %gs. Returns whether it was one. ctx: entry */
bool tracee_view_fast(const struct tracee *tracee, struct tracee_view *view);

#endif
