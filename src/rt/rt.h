/*
 * The runtime's own structures. One struct rt_thread per thread of the program, found from the stack pointer:
 * the runtime runs on stacks inside a region that is aligned to its size.
 *
 *	region: | guard page | runtime stack | signal stack | hooks' thread state | struct rt_thread |
 *
 * A thread has at most one call of the program in flight: a signal handler of the program never runs while one
 * is (see signal.c), so nothing here needs to nest.
 */
#ifndef RT_H
#define RT_H

#include <asm/sigcontext.h>
#include <linux/signal.h>
#include <asm/ucontext.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/types.h>

#include "abi/bundle.h"
#include "abi/syscall.h"
#include "core/patch.h"

#define RT_PAGE 4096ul
#define RT_REGION_SIZE ((uint64_t)BUNDLE_REGION_SIZE)
#define RT_SIGNAL_STACK_SIZE (48ul << 10)
#define RT_HOOK_STATE_SIZE 4096ul
#define RT_SIGNALS 64
#define RT_NUMBERS 512

/* %gs's base while it is ours: inside the guard page at the beginning of the thread's region, so that what reads through
 * it faults, as with the base of 0 that a program starts with; and odd, so that it is no base that a program chooses. */
#define RT_GS_TAG 0x23ul

/* Newer than the oldest headers that this builds with. */
#define PR_SET_MDWE_NR 65
#define PR_GET_MDWE_NR 66

/* A table of which few processes touch more than the beginning, if that: behind what all of them write to, so that it costs
 * them no page. */
#define RT_TABLE __attribute__((section(".bss.tables")))

/* All signals but those that a fault raises: blocking these would turn a fault of the runtime or of a hook into
 * a silent death, and SIGSYS is the guard. */
#define SIGBIT(sig) (1ul << ((sig) - 1))
#define RT_FAULTS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGTRAP))
#define RT_ALL_BLOCKED (~(RT_FAULTS | SIGBIT(SIGSYS)))

/* The general registers in the order of struct sigcontext. */
struct rt_regs {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
};
_Static_assert(offsetof(struct rt_regs, ss) == offsetof(struct sigcontext, ss),
	       "struct rt_regs is the beginning of struct sigcontext");

/* The kernel's struct sigaction, which rt_sigaction takes. */
struct rt_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* The kernel's stack_t. */
struct rt_sigstack {
	uint64_t base;
	int32_t flags;
	uint32_t pad;
	uint64_t size;
};

static inline void rt_copy_regs(void *to, const void *from)
{
	/* Word by word: the string instruction of memcpy takes its time to start. */
	for (size_t i = 0; i < sizeof(struct rt_regs) / 8; i++)
		((volatile uint64_t *)to)[i] = ((const volatile uint64_t *)from)[i];
}

/* What the threads that share signal handlers share: a thread group's, or that of CLONE_SIGHAND. */
struct rt_process {
	struct rt_sigaction actions[RT_SIGNALS + 1]; /* as the program set them */
	uint32_t action_lock;
	uint32_t exec_lock;
	uint64_t known; /* signals whose action is in `actions` */
	int32_t helper;  /* the helper of an execve under way: nobody's child */
	uint32_t threads; /* threads that use this */
	uint8_t sigsys_pending;
	uint8_t seccomp;
	int32_t ptracer; /* PR_SET_PTRACER: who else may trace the process; 0: nobody, -1: anybody */
	uint8_t traceme; /* a vfork child asked to be traced: from its execve on */
	const struct bundle *next; /* for the next execve, when `k23 run` runs in here; else NULL */
};

/* The program's own use of Syscall User Dispatch. */
struct rt_dispatch_request {
	uint64_t start, size, selector;
	uint32_t on;
};

struct rt_thread {
	struct rt_regs regs; /* the program's, at the call in flight */
	/* A signal that is to be delivered when the call in flight ends; 0: none. Written by the thread's own
	 * signal entry, read by the gate. */
	uint32_t signal;
	uint32_t in_call;     /* a call of the program is in flight */
	uint64_t orig_rax;    /* the call's, when regs.rax has its result */
	uint64_t saved_mask;  /* the signal mask to go back to with `signal` */
	siginfo_t siginfo;

	struct k23_call call;
	/* Which hook is running, for the message when it crashes. The fast path leaves it at 0: it is the first one that wants
	 * the call, or what that has called. */
	uint32_t hook; /* 1 + its index; RT_NO_HOOK: the runtime is */
	int32_t pid, tid;
	uint64_t stack_top; /* of the runtime's stack */
	uint64_t fast_return; /* where the call that the fast path makes without the dispatcher goes on */

	/* A call that sets the signal mask while it waits: the mask, for the handler that ends it. */
	uint64_t temporary_mask;
	bool temporary;
	bool sigsys_blocked; /* the program's view */
	bool leads;          /* `process` lies in this thread's region */
	bool children_elsewhere; /* in another PID namespace than itself */
	bool strict;         /* in seccomp's strict mode: only read, write, exit and sigreturn are left */
	bool alone;          /* made without CLONE_THREAD, and has made no thread */
	bool vforked;        /* a vfork child: its parent frees the region */
	bool counted;        /* among the threads that use `process` */

	struct rt_sigstack sigstack; /* as the program set it */
	uint64_t fault[3];           /* err, trapno, cr2 of its last fault, which every signal frame shows */
	struct rt_dispatch_request dispatch;
	struct rt_process *process;
	struct rt_region_slot *slot;
	struct k23_syscall_info described;

	struct rt_process own_process;
};

/* What lies in a region behind its stacks. */
#define RT_REGION_TAIL ((sizeof(struct rt_thread) + RT_HOOK_STATE_SIZE + 63) & ~63ul)

/* What tools/k23-gdb.py reads in the debug information, where no macros are. */
enum rt_debug {
	RT_DEBUG_REGION_SIZE = RT_REGION_SIZE,
	RT_DEBUG_GS_TAG = RT_GS_TAG,
	RT_DEBUG_GS_MASK = 0xffff,
	RT_DEBUG_SLOT = PATCH_SLOT,
	RT_DEBUG_WIDENED = PATCH_WIDENED,
	RT_DEBUG_BRANCH_GROWS = STORE_BRANCH_GROWS,
};

#define RT_NO_HOOK (~0u)

/* Who has to do with calls of a number besides the kernel. */
#define RT_SPECIAL (1u << 31)
struct rt_chain {
	uint32_t who;  /* a bit for each hook that wants them, and RT_SPECIAL */
	int32_t first; /* the first such hook's function, from rt_chains on */
};

/* The image's. */
struct rt_image {
	enum rt_debug debug[0]; /* so that the type is known */
	struct bundle *bundle;
	uintptr_t start, end; /* the bundle */
	uint32_t x32;       /* 0: not asked yet, 1: the kernel has x32 calls, 2: it has not */
	uint32_t traced;    /* enum rt_traced; a tracer that is under k23 writes it, too */
	bool fast;          /* sites may be patched: there is a store, and %gs can be used */
	bool learn;         /* sites that are not in it are to be noted */
	bool profiled;      /* what programs of this name use is known, or being learned: only that is patched */
	uint32_t program;   /* the bit of these programs in struct store_site */
	bool frozen;        /* PR_SET_MDWE: what was writable never becomes executable again */
	/* While a helper is to attach, the memory must be dumpable: what was before, and how many need it. */
	uint32_t dumpable_lock, dumpable_users;
	int32_t dumpable;
	struct k23_api api;
};

extern struct rt_image rt __attribute__((visibility("hidden")));

static inline struct rt_thread *rt_region_thread(uintptr_t address)
{
	return (struct rt_thread *)((address & ~(RT_REGION_SIZE - 1)) + RT_REGION_SIZE) - 1;
}

/* The calling thread. Only on the runtime's own stacks. */
static inline struct rt_thread *rt_self(void)
{
	return rt_region_thread((uintptr_t)__builtin_frame_address(0));
}

static inline bool rt_in_image(uintptr_t address)
{
	return address - rt.start < rt.end - rt.start;
}

/* x86_64/: assembly. */
void rt_start(void);
extern const char rt_start_end[];
void rt_signal_entry(void);
void rt_restorer(void);
void rt_guard_enter(void);
void rt_return(struct rt_thread *thread) __attribute__((noreturn));
void rt_sigreturn_to(uint64_t frame) __attribute__((noreturn));
long rt_forward(struct k23_call *call);
long rt_gate_program(const struct k23_call *call, struct rt_thread *thread);
long rt_gate_i386(const struct k23_call *call, struct rt_thread *thread);
void rt_fast_dispatch(void);
void rt_fast_direct(void);
void rt_fast_number(void);
extern const char rt_gate_direct[], rt_gate_direct_done[], rt_gate_direct_switched[], rt_gate_direct_back[], rt_gate_direct_end[];
void rt_child_entry(void);
long rt_peek(void *to, uint64_t from, size_t size) must_check;
extern const char rt_peek_begin[], rt_peek_end[], rt_peek_fault[];
void rt_thread_end(uint32_t *slot_state, long status) __attribute__((noreturn));
extern const char rt_gate_page[], rt_gate_page_end[], rt_gate_begin[], rt_gate_done[], rt_gate_abort[];
extern const char rt_gate_i386_begin[], rt_gate_i386_done[], rt_gate_i386_abort[];
extern const char rt_return_begin[], rt_return_end[], rt_selftrap_done[];

/* thread.c: regions. */
/* Those in the bundle, in a new image. */
long rt_threads_start(void) must_check;
struct rt_thread *rt_thread_new(void);
void rt_thread_free(struct rt_thread *thread);
void rt_threads_forked(struct rt_thread *self);
bool rt_owns(uintptr_t start, size_t size);
uint32_t *rt_thread_slot_state(struct rt_thread *thread);

/* guard.c */
long rt_guard_arm(void) must_check;
bool rt_guard_trap(struct rt_thread *thread, siginfo_t *info, struct ucontext *uc) must_check;
long rt_guard_signal_stack(struct rt_thread *thread) must_check;
long rt_guard_install(void) must_check;
long rt_guard_restarts(bool restarts);
void rt_signal_action(struct rt_sigaction *action, uint64_t flags);

/* dispatch.c */
void rt_dispatch(struct rt_thread *thread) __attribute__((noreturn));
void rt_dispatch_guarded(struct rt_thread *thread) __attribute__((noreturn));
void rt_leave(struct rt_thread *thread, long result) __attribute__((noreturn));
long rt_forward_on(struct k23_call *call);
bool rt_wanted(long nr);
bool rt_wants_all(void);
bool rt_direct(long nr);
extern uint64_t rt_indirect[];
extern struct rt_chain rt_chains[];
void rt_chain_build(void);
struct k23_descriptor *rt_hook(uint32_t index);

/* signal.c */
struct rt_thread *rt_signal(int sig, siginfo_t *info, struct ucontext *uc);
void rt_give_back(struct rt_thread *thread, struct ucontext *uc);
uint64_t rt_block_signals(void);
uint64_t rt_block_all_signals(void);
/* A seccomp filter took the last call: its result is its number. */
static inline bool rt_trapped(const struct rt_thread *thread)
{
	return thread->signal == SIGSYS && thread->siginfo.si_code == 1 /* SYS_SECCOMP */;
}

void rt_restore_mask(uint64_t mask);
void rt_unblock(struct rt_thread *thread, uint64_t mask);
void rt_deliver(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc, uint64_t handler_mask);
void rt_deliver_deferred(struct rt_thread *thread, struct ucontext *uc);
void rt_kill_self(struct rt_thread *thread, int sig, siginfo_t *info, struct ucontext *uc);

/* frame.c */
long rt_frame_build(struct rt_thread *thread, const struct rt_sigaction *action, int sig, const siginfo_t *info,
		    struct ucontext *uc, uint64_t mask) must_check;

/* memory.c */
long rt_copy_from(void *to, uint64_t from, size_t size) must_check;
long rt_copy_to(uint64_t to, const void *from, size_t size) must_check;
long rt_copy_string(char *to, size_t size, uint64_t from) must_check;

/* lock.c */
void rt_lock(uint32_t *lock);
void rt_unlock(uint32_t *lock);

/* api.c */
void rt_api_fill(struct k23_api *api);

/* auxiliary.c */
uint64_t *rt_auxiliary(const uint64_t *stack, uint64_t type);

/* vdso.c */
void rt_vdso_patch(const uint64_t *stack);

/* gs.c: %gs leads the fast path to the thread. */
bool rt_gs_ours(uint64_t base);
void rt_gs_set(struct rt_thread *thread);
void rt_gs_inherit(struct rt_thread *child);
void rt_gs_take(struct rt_thread *thread);
void rt_gs_give_up(void);

/* rollback.c */
enum rt_rollback {
	RT_ELSEWHERE, /* the thread was not on the fast path */
	RT_ROLLED,    /* `uc` is now the program's, at its site */
	RT_GO_ON,     /* a trap of a single step in the middle of the stub: not shown */
};
bool rt_roll_back_entry(const struct rt_thread *thread, struct rt_regs *regs);
enum rt_rollback rt_roll_back(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc);

/* message.c */
void rt_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rt_panic(const char *what, long detail) __attribute__((noreturn));

/* callbacks.c */
long rt_callbacks_init(bool first) must_check;
void rt_callbacks_fork_child(void);
void rt_callbacks_thread_start(void);
void rt_callbacks_thread_exit(void);
void rt_callbacks_process_exit(int status);

/* A thread stops using its struct rt_process; not twice. Returns how many still do. ctx: entry, or an execve's helper */
uint32_t rt_process_leave(struct rt_thread *thread);

/* special/ */
typedef long rt_special_fn(struct rt_thread *thread, struct k23_call *call);
rt_special_fn *rt_special(uint32_t arch, long nr);
/* Sets a bit for each number that has one. */
void rt_special_bits(uint64_t bits[RT_NUMBERS / 64]);

#endif
