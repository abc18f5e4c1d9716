/*
 * clone, clone3, fork, vfork. Before a child runs an instruction of the program, the runtime gives it what the kernel
 * does not: the guard and, if it shares its creator's memory, a region. The child then starts with the registers and
 * the stack that it has natively.
 *
 * ctx: entry, for all here.
 */
#include <asm/errno.h>
#include <linux/sched.h>

#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/dumpable.h"
#include "rt/base/entry_points.h"
#include "rt/base/hidden_fds.h"
#include "rt/base/lock.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/owner.h"
#include "rt/base/return.h"
#include "rt/guard/guard.h"
#include "rt/hook/callbacks.h"
#include "rt/hook/run_lock.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/signal/heard.h"
#include "rt/signal/sigsys.h"
#include "rt/special/child.h"
#include "rt/special/clone.h"
#include "rt/special/seccomp.h"
#include "rt/special/special.h"
#include "rt/text/text.h"
#include "rt/tracer/tracee.h"
#include "rt/world/kill.h"
#include "rt/world/world.h"
#include "rt/x86_64/base/gs.h"

#define CLONE_ARGS_KNOWN CLONE_ARGS_SIZE_VER2

_Static_assert(sizeof(struct clone_args) == CLONE_ARGS_KNOWN, "a newer struct clone_args");

/* Whether the table of actions must not be locked while a child is made that copies it: the parent waits until the
 * child's execve or end, or the listener of a filter, which may be a thread of the same process, takes its time. */
static bool is_unlocked(const struct rt_thread *thread, uint64_t flags)
{
	return !(flags & CLONE_VM) && (flags & CLONE_VFORK || thread->sighand->seccomp);
}

/* The kernel's rule for clone's handlers and for CLONE_CLEAR_SIGHAND. */
static void share_sighand(struct rt_thread *thread, struct rt_thread *child, uint64_t flags)
{
	child->counted = true;
	if (flags & CLONE_SIGHAND) {
		child->sighand = thread->sighand;
		__atomic_fetch_add(&child->sighand->threads, 1, __ATOMIC_RELAXED);
		return;
	}
	child->own_sighand = *thread->sighand;
	child->sighand = &child->own_sighand;
	child->sighand->action_lock = child->sighand->exec_lock = 0;
	child->sighand->threads = 1;
	child->sighand->helper = 0;
	child->sighand->next = NULL;
	child->sighand->sigsys_pending = 0;
	child->sighand->traceme = 0;
	child->sighand->ptracer = 0;
	child->leads = true;
	if (flags & CLONE_CLEAR_SIGHAND)
		for (int sig = 1; sig <= RT_SIGNALS; sig++)
			child->sighand->actions[sig] = (struct rt_sigaction){
				.handler = child->sighand->actions[sig].handler == (uint64_t)SIG_IGN,
			};
}

/* What the program sees in the child after the call: the result is 0. A signal may have come to the child already,
 * from a process that knows the child's id: it stays noted. */
static void child_registers(struct rt_thread *child, uint64_t stack)
{
	rt_regs_child(&child->regs, child->call.arch, stack);
	child->in_call = 0;
	child->runs = RT_RUNS_FIRST;
	child->temporary = false;
	memset(&child->dispatch, 0, sizeof(child->dispatch));
}

/* The rest of the child's way to the program, in the child. */
static void child_ready(struct rt_thread *child, uint64_t flags)
{
	long r = 0;

	child->children_elsewhere = false;
	if (!(flags & CLONE_VM))
		rt_dumpable_forked(child);
	child->pid = (int32_t)sys(getpid);
	child->tid = (int32_t)sys(gettid);
	if (flags & CLONE_THREAD)
		rt_seccomp_join(child);
	rt_owner_began(child->slot, rt_owner_begin(child), child->tid);
	if (flags & CLONE_VM) {
		r = rt_altstack_install(child);
		rt_gs_inherit(child);
	}
	/* A crash of a hook is to be reported. */
	if (flags & CLONE_VFORK)
		rt_mask_restore(child->kept_mask | RT_ALL_BLOCKED);
	if (!failed(r) && flags & CLONE_CLEAR_SIGHAND)
		r = rt_actions_install();
	else if (!failed(r) && is_unlocked(child, flags))
		r = rt_actions_reinstall(child);
	if (!failed(r))
		r = rt_signals_hear_child(child, flags);
	if (!failed(r))
		r = rt_guard_arm();
	if (failed(r))
		rt_panic("cannot guard a new thread or process", r);
	if (flags & CLONE_VM && rt.bundle->world_count) {
		rt_sigsys_unblock(child); /* its creator may have held it */
		rt_worlds_take(child);
	}
	if (flags & CLONE_THREAD)
		rt_callbacks_thread_start();
	else
		rt_callbacks_fork_child();
	rt_mask_unblock(child, rt_mask_kept(child));
}

struct rt_thread *rt_child_start(void)
{
	struct rt_thread *child = rt_self();

	child_ready(child, child->call.args[0]);
	return child;
}

/* A child with a copy of the memory goes on where its parent was. */
__attribute__((noreturn)) static void forked(struct rt_thread *thread, uint64_t flags, uint64_t stack)
{
	rt_image_populate();
	rt_worlds_forked(thread);
	if (rt.hides)
		rt_hidden_forked();
	if (thread->sighand != &thread->own_sighand)
		thread->own_sighand = *thread->sighand;
	flags &= ~(uint64_t)CLONE_SIGHAND;
	thread->leads = false;
	thread->vforked = false;
	thread->alone = true;
	thread->sigsys_pending = 0;
	thread->sigsys_due = false;
	thread->child_kept = thread->child_due = false;
	share_sighand(thread, thread, flags);
	rt_threads_forked(thread);
	if (thread->held.count)
		rt_run_locks_forked(thread);
	tracees_forked();
	if (rt.entered & SIGBIT(SIGCHLD))
		(void)!rt_action_enter(thread, SIGCHLD, false); /* it traces nothing */
	rt_texts_forked();
	child_registers(thread, stack);
	child_ready(thread, flags);
	rt_return(thread);
}

/* A region for a child that shares the memory. made: for its hosted hooks. */
static struct rt_thread *child_new(struct rt_thread *thread, uint64_t flags, uint64_t stack,
				   const struct rt_world *made)
{
	struct rt_thread *child = rt_thread_new();

	if (!child)
		return NULL;
	child->regs = thread->regs;
	child->call.arch = thread->call.arch;
	child->sigsys_blocked = thread->sigsys_blocked;
	child->blocked = thread->blocked;
	child->tsc_faults = thread->tsc_faults;
	child->filters = thread->filters;
	memcpy(child->fault, thread->fault, sizeof(child->fault));
	if (flags & CLONE_VFORK)
		child->sigstack = thread->sigstack;
	else
		child->sigstack.flags = SS_DISABLE;
	child->alone = child->slot->mortal = !(flags & CLONE_THREAD);
	child->vforked = (flags & CLONE_VFORK) && !(flags & CLONE_THREAD);
	child->orig_nr = (uint64_t)thread->call.nr;
	/* For rt_child_start. */
	child->call.args[0] = flags;
	rt_mask_keep(child, thread->kept_mask);
	child_registers(child, stack);
	share_sighand(thread, child, flags);
	child->shares_memory = !(flags & CLONE_THREAD);
	rt_kill_counts(child, 1);
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		child->worlds[i] = made[i];
	/* The gate goes on in the child at what it finds here. */
	((uint64_t *)child->stack_top)[-1] = (uint64_t)rt_child_entry;
	return child;
}

/* The child does not run, or does not run any more: gives back its region, and what it holds for others. */
static void child_discard(struct rt_thread *thread, struct rt_thread *child)
{
	rt_worlds_end(thread, child->worlds, true);
	rt_kill_counts(child, -1);
	if (!child->leads)
		rt_sighand_leave(child);
	rt_dumpable_abandon(child);
	rt_thread_free(child);
}

/* The call of create_task(). */
struct creation {
	const struct k23_call *call;
	/* The kernel copies its actions of the signals, and the memory with the table of actions, at different times:
	 * meanwhile the table is locked. */
	bool locked; /* then no hook is in the middle of hiding a descriptor, either */
};

/* In the child, too. Hosted hooks go on there before all else, which needs the guard. */
static long make_creation(struct rt_thread *thread, void *argument)
{
	const struct creation *creation = argument;
	long r;

	if (creation->locked)
		rt_lock(&thread->sighand->action_lock);
	if (creation->locked && rt.hides)
		rt_hidden_lock();
	r = rt_gate_program(creation->call, thread);
	if (r == 0 && rt.bundle->world_count && failed(rt_guard_arm()))
		rt_panic("cannot guard a new process", 0);
	if (r != 0 && creation->locked && rt.hides)
		rt_hidden_unlock();
	if (r != 0 && creation->locked)
		rt_unlock(&thread->sighand->action_lock);
	return r;
}

/* The signals that the kernel ignores, as far as the table knows: it drops them at once, unless the thread that they
 * are for blocks them. Then it would queue them, and end a wait of another thread. Not inline, as its caller is among
 * what each new image has mapped at once (rt.lds). */
__attribute__((noinline)) static uint64_t ignored_signals(const struct rt_sighand *sighand)
{
	const uint64_t by_default = SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH);
	uint64_t ignored = 0;

	for (uint64_t left = sighand->known | by_default; left; left &= left - 1) {
		int sig = __builtin_ctzll(left) + 1;
		struct rt_sigaction ours = rt_action_of_kernel(sig, &sighand->actions[sig]);

		if (ours.handler == (uint64_t)SIG_IGN ||
		    (ours.handler == (uint64_t)SIG_DFL && by_default & SIGBIT(sig)))
			ignored |= SIGBIT(sig);
	}
	return ignored;
}

/* A vfork child has its creator's signal stack for a moment: no signal may come there. But a filter of the program may
 * raise SIGSYS for this call, and would kill if that was blocked: with filters, one that a process sends to the child
 * so early comes to its creator. What is ignored is not blocked: a vfork child that ends sends SIGCHLD meanwhile. */
static void block_signals(struct rt_thread *thread, uint64_t flags)
{
	uint64_t ignored = flags & CLONE_SIGHAND ? 0 : ignored_signals(thread->sighand);
	const uint64_t sigsys = SIGBIT(SIGSYS);

	if (!(flags & CLONE_VFORK) || (!(flags & CLONE_VM) && rt.bundle->world_count)) {
		rt_mask_block_kept(thread, RT_ALL_BLOCKED & ~ignored);
		return;
	}
	rt_mask_block_kept(thread, ~ignored);
	if (thread->sighand->seccomp && !thread->sigsys_held)
		sys(rt_sigprocmask, SIG_UNBLOCK, &sigsys, 0, 8);
}

/* Gives signals back after the call. One that stops the thread for a tracer does so behind the call, whose result the
 * tracer is shown, and may change. */
static long unblock_signals(struct rt_thread *thread, long result)
{
	thread->made_result = result;
	thread->made = 1;
	rt_mask_unblock(thread, rt_mask_kept(thread));
	thread->made = 0;
	return (long)thread->made_result;
}

/* call: the kernel's call, with the flags as given; *stack_argument is set to the child's stack if it needs one.
 * stack: the child's stack pointer in the program, 0 for the caller's. made: see child_new();
 * marked as ended when the child has it. ctx: entry */
static long create_task(struct rt_thread *thread, struct k23_call *call, uint64_t flags, uint64_t stack,
			uint64_t *stack_argument, uint64_t *stack_size, struct rt_world *made)
{
	struct creation creation = { call, !(flags & (CLONE_SIGHAND | CLONE_VM)) && !is_unlocked(thread, flags) };
	struct rt_thread *child = NULL;
	struct rt_region_slot *slot = NULL;
	uint64_t begin = 0;
	bool vforked = false, discard;
	long r;

	block_signals(thread, flags);
	if (thread->signals) {
		rt_mask_unblock(thread, rt_mask_kept(thread));
		return -K23_ERESTART;
	}
	*stack_argument = 0;
	if (stack_size)
		*stack_size = 0;
	if (flags & CLONE_VM) {
		child = child_new(thread, flags, stack, made);
		if (!child) {
			rt_mask_unblock(thread, rt_mask_kept(thread));
			return -ENOMEM;
		}
		made->ended = true; /* they are the child's from now on */
		vforked = child->vforked;
		slot = child->slot;
		begin = rt_owner_begin(child);
		*stack_argument = child->stack_top - 8;
		if (stack_size) {
			*stack_size = CORE_PAGE;
			*stack_argument -= CORE_PAGE;
		}
		if (flags & CLONE_NEWPID)
			rt.namespaces = true;
	}
	if (flags & CLONE_VM)
		rt_worlds_show_state(thread);
	r = flags & CLONE_VM ? make_creation(thread, &creation) : rt_worlds_fork(thread, make_creation, &creation);
	if (r == 0)
		forked(thread, flags, stack);
	if (flags & CLONE_THREAD && !failed(r))
		thread->alone = false;
	/* The child may have been killed before it ran. */
	if (slot && !failed(r))
		rt_owner_began(slot, begin, (int)r);
	/* A thread may have ended, and its region be another's. */
	discard = child && (failed(r) || vforked || rt_trapped(thread));
	r = unblock_signals(thread, r);
	if (discard)
		child_discard(thread, child);
	return r;
}

/* Processes that shared the memory were killed, and nobody has ended what hosted hooks had there. */
static void end_left(struct rt_thread *thread)
{
	struct rt_thread *left;

	while ((left = rt_thread_left())) {
		rt_worlds_end(thread, left->worlds, true);
		rt_thread_free(left);
	}
}

/* The same, with threads for hosted hooks. */
static long create(struct rt_thread *thread, struct k23_call *call, uint64_t flags, uint64_t stack,
		   uint64_t *stack_argument, uint64_t *stack_size)
{
	struct rt_world made[BUNDLE_MAX_WORLDS];
	long r;

	made[0].ended = true;
	if (rt.bundle->world_count && flags & CLONE_VM) {
		end_left(thread);
		r = rt_worlds_create(thread, made);
		if (failed(r))
			return r;
	}
	r = create_task(thread, call, flags, stack, stack_argument, stack_size, made);
	if (!made[0].ended)
		rt_worlds_end(thread, made, true);
	return r;
}

long rt_clone(struct rt_thread *thread, uint64_t flags, uint64_t stack, uint64_t parent_tid,
		    uint64_t child_tid, uint64_t tls)
{
	struct k23_call call = { .nr = __NR_clone, .args = { flags, 0, parent_tid, child_tid, tls, 0 } };

	return create(thread, &call, (uint32_t)flags, stack, &call.args[1], NULL);
}

long special_clone(struct rt_thread *thread, struct k23_call *call)
{
	struct k23_call own = *call;

	return create(thread, &own, (uint32_t)call->args[0], call->args[1], &own.args[1], NULL);
}

long special_fork(struct rt_thread *thread, struct k23_call *call)
{
	struct k23_call own = *call;
	uint64_t none;

	own.nr = __NR_fork;
	return create(thread, &own, SIGCHLD, 0, &none, NULL);
}

long special_vfork(struct rt_thread *thread, struct k23_call *call)
{
	(void)call;
	return rt_clone(thread, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
}

/* The kernel takes a structure that is longer than the one it knows if the rest is zero. It looks at one word after the
 * other: one that is not zero counts more than one behind it that cannot be read. */
static long unknown_rest(uint64_t from, uint64_t size)
{
	while (size) {
		uint64_t word = 0, part = sizeof(word) - from % sizeof(word);
		long r;

		part = size < part ? size : part;
		r = rt_copy_from(&word, from, part);
		if (failed(r))
			return r;
		if (word)
			return -E2BIG;
		from += part;
		size -= part;
	}
	return 0;
}

long special_clone3(struct rt_thread *thread, struct k23_call *call)
{
	struct clone_args args;
	struct k23_call own = *call;
	uint64_t size = call->args[1], stack;
	long r = 0;

	if (size < CLONE_ARGS_SIZE_VER0 || size > CORE_PAGE)
		return rt_gate_program(call, thread); /* the kernel's own error */
	memset(&args, 0, sizeof(args));
	if (size > sizeof(args))
		r = unknown_rest(call->args[0] + sizeof(args), size - sizeof(args));
	if (!failed(r))
		r = rt_copy_from(&args, call->args[0], size < sizeof(args) ? size : sizeof(args));
	if (failed(r)) {
		own.args[0] = RT_NO_ADDRESS;
		return rt_gate_ask(thread, &own, -EFAULT, r);
	}
	/* The kernel checks the stack: a wrong one of the program's must reach it. */
	stack = args.stack + args.stack_size;
	if (!args.stack != !args.stack_size || stack < args.stack || stack > KERNEL_TASK_SIZE_MAX)
		return rt_gate_program(call, thread);
	own.args[0] = (uint64_t)&args;
	own.args[1] = size < sizeof(args) ? size : sizeof(args);
	return create(thread, &own, args.flags, stack, (uint64_t *)&args.stack, (uint64_t *)&args.stack_size);
}
