/*
 * What the runtime of a tracer knows of the tracees: see rt/trace.h.
 */
#ifndef RT_TRACEE_H
#define RT_TRACEE_H

#include "inject/remote.h"
#include "rt/special/special.h"
#include "rt/trace.h"

enum tracee_flags {
	TRACEE_SEIZED = 1,
	TRACEE_MARKED = 2,     /* it knows that it is traced by one of us */
	TRACEE_CALLS = 4,      /* it makes stops for its system calls */
	TRACEE_IN_CALL = 8,    /* its entry stop was shown, its exit stop not yet */
	TRACEE_OWN_CALL = 16,  /* it is in a call of its runtime's */
	TRACEE_SIGRETURN = 32, /* which is the program's rt_sigreturn */
	TRACEE_EXECS = 64,     /* it calls execve; its options are ours meanwhile */
	TRACEE_EXEC_STOP = 128, /* the stop that the program was shown as that of execve is a rendezvous */
	TRACEE_SHOWN = 256,    /* it is in a stop that the program knows of */
	TRACEE_HOLDS = 512,    /* `held` came when the call was over, but not shown to be */
	TRACEE_SENT = 1024,    /* and was sent again */
};

struct tracee {
	int32_t tid; /* 0: free */
	uint32_t flags;
	uint32_t request; /* with which the program resumed it last */
	uint32_t options; /* PTRACE_O_*, as the program set them */
	uint64_t bundle;  /* 0: not known, or none */
	uint64_t gate;
	uint32_t size;     /* of its code: what is behind are regions */
	int32_t exec_from; /* the thread that called execve, by the id it had */
	struct start_block block; /* for the image that its execve makes */
	siginfo_t held;
};

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
	struct inj_regs real, shown;
	struct rt_thread *thread; /* in the tracee; NULL: `shown` are its registers */
	uint32_t kind;            /* enum rt_stop, or 0 */
	uint32_t arch;            /* of the call */
	enum tracee_fast fast;
	bool in_call;             /* whose result is still to come */
	bool in_gate;             /* in the program's half of the gate, the call made */
	bool restarts;            /* there, and a signal interrupted it: it ends with an error that only tracers see */
	bool returns;             /* the call is over, and nothing but the program's registers is still to be loaded */
};

struct tracee *tracee_find(int tid);
struct tracee *tracee_adopt(int tid);
void tracee_drop(int tid);
void tracees_forked(void);
void tracee_locate(struct tracee *tracee);
void tracee_mark(struct tracee *tracee, uint32_t traced);
long tracee_view(const struct tracee *tracee, struct tracee_view *view) must_check;
/* tracee_fast.c: fills in what is to be shown of a stop on the fast path, and hides our %gs. Returns whether it was one. */
bool tracee_view_fast(const struct tracee *tracee, struct tracee_view *view);
/* Registers as the program gives them, with the %gs that it was not shown. */
struct inj_regs tracee_registers(const struct tracee_view *view, const struct inj_regs *from);
long tracee_read(int tid, void *to, uint64_t from, size_t size) must_check;
long tracee_write(int tid, uint64_t to, const void *from, size_t size) must_check;
bool tracee_at_guard(int tid);
/* A stop that a wait call reports, as in its status from bit 8 on. Returns what the program is to see, or 0: nothing,
 * the tracee runs on. */
uint32_t tracee_stopped(int tid, uint32_t stop);
int tracee_release(struct tracee *tracee, uint64_t request, int sig);

#endif
