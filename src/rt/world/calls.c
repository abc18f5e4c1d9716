/*
 * The system calls of the world. They go to the kernel, and no hook sees them, but for those that are about the thread
 * or the process: these are the program's.
 *
 * ctx: boot | entry, for all here.
 */
#include <asm/errno.h>
#include <asm/prctl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include <k23/world.h>

#include "core/describe.h"
#include "core/string.h"
#include "rt/base/entry_points.h"
#include "rt/base/gate.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/raised.h"
#include "rt/world/descriptors.h"
#include "rt/world/memory.h"
#include "rt/world/state.h"
#include "rt/world/switch.h"
#include "rt/world/template.h"
#include "rt/world/world.h"

#define RED_ZONE 128u

static const char *file_name(const struct rt_world *world)
{
	return (const char *)rt.start + rt.bundle->hooks[rt.bundle->worlds[world->index].hook].file;
}

/* What natively would end the program, or a thread of it. */
static __attribute__((noreturn)) void end_by_mistake(const struct rt_world *world, const char *what, long detail)
{
	rt_message("hosted hook %s %s (%ld)", file_name(world), what, detail);
	for (;;)
		sys(exit_group, 125);
}

static long arch_prctl(struct rt_world *world, uint64_t option, uint64_t value)
{
	if (option == ARCH_SET_FS) {
		world->fs = value;
		rt_fs_write(value);
		return 0;
	}
	if (option != ARCH_GET_FS)
		return -EINVAL;
	*(uint64_t *)value = world->fs;
	return 0;
}

/* Which thread the world makes, and where it is to begin. The call is clone or clone3 with the flag CLONE_VM. */
static void note_thread(const struct rt_world *world, const struct clone_args *args, struct rt_world *made)
{
	memset(made, 0, sizeof(*made));
	made->index = world->index;
	made->regs = world->regs;
	made->regs.rax = made->regs.rcx = made->regs.r11 = 0;
	made->regs.rsp = args->stack + args->stack_size;
	made->stack = args->stack;
	made->fs = args->tls;
	made->own_tid[0] = args->flags & CLONE_PARENT_SETTID ? (uint32_t *)args->parent_tid : NULL;
	made->own_tid[1] = args->flags & CLONE_CHILD_SETTID ? (uint32_t *)args->child_tid : NULL;
	made->clear_tid = args->flags & CLONE_CHILD_CLEARTID ? (uint32_t *)args->child_tid : NULL;
}

/* A thread that is to stand for one of the program's, or one of the hook's own. */
static long make_thread(struct rt_thread *thread, struct rt_world *world, const struct clone_args *args)
{
	struct rt_world own, *made = world->made;

	note_thread(world, args, made ? made : &own);
	world->made = NULL;
	return made ? thread->tid : rt.make_thread(thread, &own);
}

/* What the kernel does for the child of a fork. */
static void begin_child(struct rt_world *world, const struct clone_args *args)
{
	if (args->flags & CLONE_CHILD_SETTID)
		*(uint32_t *)args->child_tid = (uint32_t)sys(gettid);
	if (args->flags & CLONE_CHILD_CLEARTID)
		world->clear_tid = (uint32_t *)args->child_tid;
}

/* The program's call is made, in the place of the world's. */
static long make_process(struct rt_thread *thread, struct rt_world *world, const struct clone_args *args)
{
	long r;

	world->result = r = world->make(thread, world->argument);
	if (r == 0) {
		uint64_t base = rt_fs_read();

		/* The kernel has given it to the child of the program. */
		if (base != world->fs)
			world->outer_fs = base;
		rt_fs_write(world->fs);
		begin_child(world, args);
	}
	return r == -K23_ERESTART ? -EAGAIN : r;
}

static struct clone_args task_of(const struct core_regs *regs)
{
	struct clone_args args = { 0 };

	if (regs->rax == __NR_clone3)
		memcpy(&args, (const void *)regs->rdi, regs->rsi < sizeof(args) ? regs->rsi : sizeof(args));
	else if (regs->rax == __NR_clone)
		args = (struct clone_args){ .flags = (uint32_t)regs->rdi, .stack = regs->rsi, .parent_tid = regs->rdx,
					    .child_tid = regs->r10, .tls = regs->r8 };
	else if (regs->rax == __NR_vfork)
		args.flags = CLONE_VM | CLONE_VFORK;
	return args;
}

void rt_world_is_child(struct rt_world *world)
{
	struct clone_args args = task_of(&world->regs);

	begin_child(world, &args);
	world->regs.rax = world->regs.rcx = world->regs.r11 = 0;
}

static long make_task(struct rt_thread *thread, struct rt_world *world)
{
	struct clone_args args = task_of(&world->regs);
	static bool told;

	if (args.flags & CLONE_VM && args.flags & CLONE_THREAD)
		return make_thread(thread, world, &args);
	if (!(args.flags & CLONE_VM) && world->make)
		return make_process(thread, world, &args);
	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		rt_message("hosted hook %s: hooks do not create processes: EPERM", file_name(world));
	return -EPERM;
}

/* The thread of the world is over. Others learn that by its id, and may then free its stack. */
static __attribute__((noreturn)) void end_thread(struct rt_thread *thread, struct rt_world *world, const char *call,
						 long status)
{
	if (!world->ending && !(thread->own && world->regs.rax == __NR_exit))
		end_by_mistake(world, call, status);
	if (world->clear_tid) {
		*(volatile uint32_t *)world->clear_tid = 0;
		sys(futex, world->clear_tid, FUTEX_WAKE, 1);
	}
	world->ended = true;
	if (!thread->own)
		rt_world_return(world, 0);
	rt_mask_block_all();
	rt_thread_leaves();
	rt_thread_end(rt_thread_slot_state(thread), __NR_exit, 0);
}

static __attribute__((noreturn)) void park(struct rt_world *world)
{
	world->regs.rax = world->regs.rcx = world->regs.r11 = 0;
	world->parked = world->regs;
	world->sp = world->base = (world->regs.rsp - RED_ZONE) & ~15ul;
	rt_world_return(world, 0);
}

/* abort(), whose signal is not for the program. */
static bool aborts(const struct rt_thread *thread, const struct core_regs *regs)
{
	switch (regs->rax) {
	case __NR_tgkill:
		return (int32_t)regs->rsi == thread->tid && regs->rdx == SIGABRT;
	case __NR_tkill:
		return (int32_t)regs->rdi == thread->tid && regs->rsi == SIGABRT;
	default:
		return false;
	}
}

/* The program's threads and processes, and the ways of its signals, are no matter of the world's. */
static bool is_refused(const struct core_regs *regs)
{
	switch (regs->rax) {
	case __NR_execve:
	case __NR_execveat:
	case __NR_rt_sigreturn:
	case __NR_rt_sigsuspend:
	case __NR_restart_syscall:
	case __NR_seccomp:
		return true;
	case __NR_prctl:
		return regs->rdi == PR_SET_SYSCALL_USER_DISPATCH || regs->rdi == PR_SET_SECCOMP;
	default:
		return false;
	}
}

static long make_once(const struct core_regs *regs)
{
	switch (regs->rax) {
	case __NR_mmap:
		return rt_world_mmap(regs);
	case __NR_mremap:
		return rt_world_mremap(regs);
	default:
		return rt_world_make(regs);
	}
}

/* A signal of the program's interrupts the call, which goes on; upon the signal all others are blocked. So may one that
 * stops and continues the process before the program begins. */
static long make(struct rt_thread *thread, const struct core_regs *regs)
{
	uint32_t signals = thread->signals;
	long r;

	if (thread->strict && regs->rax != __NR_read && regs->rax != __NR_write)
		return -EPERM;
	r = make_once(regs);
	while (r == -EINTR && (thread->own || !rt.begun || thread->signals != signals) && regs->rax != __NR_close) {
		signals = thread->signals;
		r = make_once(regs);
	}
	return r;
}

static long write_out(struct rt_thread *thread, const struct core_regs *regs)
{
	struct rt_raised raised = rt_raised_hold(thread);

	return rt_raised_drop(thread, raised, (long)regs->rax, regs->rdx, make(thread, regs));
}

static long map(struct rt_thread *thread, struct rt_world *world)
{
	const struct core_regs *regs = &world->regs;
	long r = make(thread, regs);

	if (regs->rdx == PROT_NONE && regs->r10 & MAP_STACK && !failed(r))
		world->mapped_stack = (uint64_t)r;
	return r;
}

static long answer(struct rt_thread *thread, struct rt_world *world)
{
	const struct core_regs *regs = &world->regs;

	if (__builtin_expect(!rt.begun, 0))
		rt_template_ask_call(world);
	if (aborts(thread, regs))
		end_by_mistake(world, "has called abort()", SIGABRT);
	if (is_refused(regs))
		return -EPERM;
	switch (regs->rax) {
	case K23_WORLD_PARK:
		park(world);
	case __NR_exit:
		end_thread(thread, world, "has ended a thread", (int)regs->rdi);
	case __NR_exit_group:
		end_thread(thread, world, "has called exit()", (int)regs->rdi);
	case __NR_clone:
	case __NR_clone3:
	case __NR_fork:
	case __NR_vfork:
		return make_task(thread, world);
	case __NR_arch_prctl:
		return arch_prctl(world, regs->rdi, regs->rsi);
	case __NR_set_tid_address:
		world->clear_tid = (uint32_t *)regs->rdi;
		return thread->tid;
	case __NR_set_robust_list:
		return 0;
	case __NR_mmap:
		return map(thread, world);
	case __NR_mprotect:
		return !thread->strict && rt_world_open_stack(world->mapped_stack, regs) ? 0 : make(thread, regs);
	case __NR_brk: /* its heap is elsewhere */
		return 0;
	case __NR_rseq:
		return -ENOSYS;
	case __NR_rt_sigaction:
		if (regs->rdx)
			memset((void *)regs->rdx, 0, sizeof(struct rt_sigaction));
		return 0;
	case __NR_rt_sigprocmask:
		if (regs->rdx)
			memset((void *)regs->rdx, 0, 8);
		return 0;
	case __NR_sigaltstack:
		if (regs->rsi)
			*(struct rt_sigstack *)regs->rsi = (struct rt_sigstack){ .flags = SS_DISABLE };
		return 0;
	default:
		return rt_raises((long)regs->rax) ? write_out(thread, regs) : make(thread, regs);
	}
}

struct rt_world *rt_world_answer(void)
{
	struct rt_thread *thread = rt_self();
	struct rt_world *world = thread->world;
	long result = answer(thread, world);

	world->regs.rax = (uint64_t)result;
	/* Not as after a `syscall`: see rt_guard_missed. */
	world->regs.rcx = world->regs.r11 = 0;
	return world;
}

/* ctx: sigsys */
void rt_world_caught(struct rt_thread *thread, struct ucontext *uc)
{
	struct core_regs *regs = rt_context_regs(uc);

	rt_copy_regs(&thread->world->regs, regs);
	rt_regs_enter(regs, (uint64_t)rt_world_entered, (uint64_t)thread, thread->world->host_sp);
}
