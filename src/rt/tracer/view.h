/*
 * The registers of a stopped tracee as its tracer is shown them: those of the tracee's program, not of its runtime.
 */
#ifndef RT_TRACER_VIEW_H
#define RT_TRACER_VIEW_H

#include <linux/ptrace.h>

#include "inject/remote.h"
#include "rt/base/thread.h"
#include "rt/tracer/tracee.h"

/* Where on the fast path, before any hook, the tracee is. It is shown where the program would be natively. */
enum tracee_fast {
	TRACEE_NOT_FAST,
	TRACEE_STUB,      /* among a stub's displaced instructions; shown in the window */
	TRACEE_STUB_DONE, /* in a stub behind these; shown at the site's `syscall` */
	TRACEE_ENTRY,     /* in an entry; shown at the site's `syscall` */
	TRACEE_DIRECT,    /* in the gate of the entry `direct`; shown at the site's `syscall` or after it */
};

/* What is known of a stop: the registers, and where in the runtime the tracee is. */
struct tracee_view {
	struct core_user_regs real, shown;
	uint64_t ip;              /* of `real` */
	uint64_t nr, shown_nr;    /* of the call that the stop is in, by `real` and by `shown`; ~0: none */
	int64_t result;           /* of that call, or an error that only tracers see */
	struct rt_thread *thread; /* in the tracee; keeps the program's registers; NULL: they are in place */
	uint32_t kind;            /* enum rt_stop, or 0 */
	uint32_t arch;            /* of the call */
	enum tracee_fast fast;
	bool in_call;             /* the runtime has begun a call of the program, and not ended it */
	bool made;                /* the kernel has ended the call, and the runtime is not in it any more */
	bool in_gate;             /* the gate has made the call of the program: the stop is behind its instruction */
	bool waits;               /* the stop is behind the instruction of a call of a hook's own, which may wait */
	bool restarts;            /* either, and a signal interrupted the call: the error is for tracers only */
	bool returns;             /* the call is over; only the program's registers have still to be loaded */
};

/* Fills in the view of a stopped tracee. 0 or -errno. ctx: entry */
long tracee_view(const struct tracee *tracee, struct tracee_view *view) must_check;
/* Takes the call away that the tracee is about to make. Its result is what the tracer has set. ctx: entry */
void tracee_skip_call(const struct tracee *tracee);
/* Fills in what PTRACE_GET_SYSCALL_INFO shows of a stop of the kind info->op. ctx: entry */
void tracee_describe_stop(const struct tracee_view *view, struct ptrace_syscall_info *info);
/* Gives the shown registers as PTRACE_SET_SYSCALL_INFO changes them. 0 or -errno. ctx: entry */
long tracee_call_registers(const struct tracee_view *view, const struct ptrace_syscall_info *info,
			   struct core_user_regs *regs) must_check;
/* What the real registers become when a tracer sets `from`: the same, but for the runtime's %gs, which the tracer was
 * not shown. ctx: entry */
struct core_user_regs tracee_registers(const struct tracee_view *view, const struct core_user_regs *from);
/* Makes the shown registers the real ones. ctx: entry */
long tracee_load_shown(const struct tracee *tracee, const struct tracee_view *view);
/* Sets the registers of the tracee's program, as the tracer gives them. ctx: entry */
long tracee_set_registers(const struct tracee *tracee, const struct tracee_view *view,
			  const struct core_user_regs *regs);
/* Fills in `fast` and `shown`, if the tracee is on the fast path; hides the runtime's %gs. Returns whether it is there.
 * ctx: entry */
bool tracee_view_fast(const struct tracee *tracee, struct tracee_view *view);

#endif
