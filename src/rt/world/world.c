/*
 * ctx: boot | entry, for all here.
 */
#include "rt/world/world.h"

#include <asm/errno.h>
#include <k23/world.h>

#include "core/string.h"
#include "rt/base/chain.h"
#include "rt/base/hidden_fds.h"
#include "rt/base/lock.h"
#include "rt/base/message.h"
#include "rt/signal/sigsys.h"
#include "rt/world/descriptors.h"
#include "rt/world/kill.h"
#include "rt/world/start.h"
#include "rt/world/state.h"
#include "rt/world/switch.h"
#include "rt/world/template.h"

static struct k23_world *program_of(uint32_t world)
{
	return (struct k23_world *)(rt.start + rt.bundle->worlds[world].world);
}

/* While somebody is about to kill this thread, it does not run in the world. In the middle of another world it goes on:
 * its locks are to be free first. */
static void wait_for_kills(struct rt_thread *thread, struct rt_world *world)
{
	while (!rt_kill_allows()) {
		__atomic_store_n(&thread->world, world->outer, __ATOMIC_RELEASE);
		rt_kill_wait();
		__atomic_store_n(&thread->world, world, __ATOMIC_RELEASE);
	}
}

/* Its system calls need SIGSYS. */
static void goes_on(struct rt_thread *thread, struct rt_world *world)
{
	world->outer = thread->world;
	thread->world = world;
	if (__builtin_expect(rt.sharers, 0) && !world->outer)
		wait_for_kills(thread, world);
	world->held = thread->sigsys_held;
	if (__builtin_expect(world->held, 0))
		rt_sigsys_unblock(thread);
}

static void stops(struct rt_thread *thread, struct rt_world *world)
{
	if (__builtin_expect(world->held, 0))
		rt_sigsys_hold(thread, false);
	thread->world = world->outer;
}

void rt_world_enters(struct rt_thread *thread, struct rt_world *world)
{
	goes_on(thread, world);
	world->outer_fs = thread->fs_left ? thread->fs_left : rt_fs_read();
	rt_fs_write(world->fs);
	world->inside = true;
}

void rt_world_leaves(struct rt_thread *thread, struct rt_world *world)
{
	world->inside = false;
	rt_fs_write(world->outer_fs);
	stops(thread, world);
}

/* Calls a function of a world's program that has another of the hook's as its argument. */
static long run(struct rt_thread *thread, uint32_t i, const void *function, uint64_t argument)
{
	struct rt_world *world = &thread->worlds[i];
	uint64_t sp = world->sp, host_sp = world->host_sp;
	struct rt_state *state = NULL;
	struct rt_control control;
	long result;

	if (!thread->program_state) {
		world->sp = (sp - rt_state_size()) & ~63ul;
		state = (struct rt_state *)world->sp;
		rt_state_save(state);
		thread->program_state = state;
	} else {
		rt_control_save(&control);
		rt_control_clean();
	}
	rt_world_enters(thread, world);
	result = rt_world_switch(world, (const void *)program_of(i)->run, function, argument);
	rt_world_leaves(thread, world);
	if (state) {
		rt_state_load(state);
		thread->program_state = NULL;
	} else {
		rt_control_load(&control);
	}
	world->sp = sp;
	world->host_sp = host_sp;
	return result;
}

long rt_world_run(struct rt_thread *thread, uint32_t hook, const void *function, uint64_t argument)
{
	return run(thread, rt.bundle->hooks[hook].world - 1, function, argument);
}

/* ctx: entry */
long rt_world_result(const struct k23_call *call, long result)
{
	long r;

	if (!rt_hidden_any() || result != (int)result || !rt_hidden_has((int)result) ||
	    call->arch != K23_ARCH_X86_64 || !rt_world_opens(call->nr, (int)call->args[1]))
		return result;
	r = rt_hidden_show((int)result);
	if (failed(r))
		rt_hidden_close((int)result);
	return r;
}

/* ctx: entry */
long rt_world_call(struct k23_call *call)
{
	uint32_t hook = call->next - 1;

	return rt_world_result(call, rt_world_run(rt_self(), hook,
						  rt_chain_function(hook, call->arch, (unsigned long)call->nr),
						  (uint64_t)call));
}

/* In a call of the program the kernel is not to see the world's %fs base. The runtime has no use for either. */
static long forward(struct rt_thread *thread, struct rt_world *world, struct k23_call *call)
{
	long result;

	rt_world_leaves(thread, world);
	result = rt.api.forward(call);
	rt_world_enters(thread, world);
	return result;
}

/* Where each change of the base is a system call, it is left to special calls: others do not look at it, and handlers
 * of signals run after the call. */
static long forward_lazily(struct rt_thread *thread, struct rt_world *world, struct k23_call *call)
{
	uint64_t outer = thread->fs_left; /* 0: what is outside is the program */
	long result;

	if (!outer)
		thread->program_fs = world->outer_fs;
	thread->fs_left = world->fs;
	world->inside = false;
	stops(thread, world);
	result = rt.api.forward(call);
	goes_on(thread, world);
	thread->fs_left = outer;
	/* A special call may have run functions of the hook. */
	world->outer_fs = outer ? outer : thread->program_fs;
	world->inside = true;
	return result;
}

/* ctx: entry */
uint64_t rt_world_show_fs(struct rt_thread *thread)
{
	uint64_t left = thread->fs_left;

	thread->fs_left = 0;
	rt_fs_write(thread->program_fs);
	return left;
}

/* ctx: entry */
void rt_world_hide_fs(struct rt_thread *thread, uint64_t left)
{
	thread->program_fs = rt_fs_read();
	thread->fs_left = left;
	rt_fs_write(left);
}

long rt_world_out_call(struct rt_world *world, const void *function, const uint64_t arguments[7])
{
	long (*called)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
		(long (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t))(uintptr_t)function;
	bool forwards = function == (const void *)rt.api.forward;
	struct rt_thread *thread = rt_self();
	long result;

	if (__builtin_expect(!rt.begun, 0))
		rt_template_ask(world);
	if (!forwards)
		return called(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
			      arguments[6]);
	/* Tracers see the base. */
	if (rt.fsgsbase || rt.ptraced)
		result = forward(thread, world, (struct k23_call *)arguments[0]);
	else
		result = forward_lazily(thread, world, (struct k23_call *)arguments[0]);
	if (__builtin_expect(thread->state_loaded, 0)) {
		thread->state_loaded = false;
		rt_state_clean();
		rt_control_load(&thread->control_left);
	}
	return result;
}

/* ctx: entry */
void rt_worlds_show_state(struct rt_thread *thread)
{
	if (!thread->program_state)
		return;
	rt_control_save(&thread->control_left);
	rt_state_load(thread->program_state);
	thread->state_loaded = true;
}

/* ctx: entry */
void rt_worlds_abandon(struct rt_thread *thread)
{
	if (!thread->program_state)
		return;
	rt_state_load(thread->program_state);
	thread->program_state = NULL;
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		thread->worlds[i].sp = thread->worlds[i].base;
}

/* Threads that stand for none of the program's. Each lies in its own stack, below what is in use. */
struct spare {
	struct rt_world world;
	struct spare *next;
};
#define SPARE_DEPTH (64u << 10) /* in the stack */
static struct spare *spares[BUNDLE_MAX_WORLDS];
static uint64_t spares_lock;

/* For the C library of the child, all stacks but this thread's are free. ctx: entry */
void rt_worlds_forked(struct rt_thread *thread)
{
	if (thread->program_state)
		rt_state_forked(thread->program_state);
	rt_worlds_abandon(thread);
	thread->shares_memory = false;
	rt.sharers = 0;
	rt.own_threads = false;
	memset(spares, 0, sizeof(spares));
	spares_lock = 0;
}

/* Lets a thread of a world go on where it is, until it parks or ends. */
static void resume(struct rt_thread *thread, struct rt_world *world, bool keeps)
{
	uint8_t space[RT_STATE_MAX] __attribute__((aligned(64)));
	struct rt_state *state = (struct rt_state *)space;
	uint64_t host_sp = world->host_sp;

	if (keeps)
		rt_state_save(state);
	else
		rt_state_clean();
	rt_world_enters(thread, world);
	rt_world_resume(world);
	rt_world_leaves(thread, world);
	world->host_sp = host_sp;
	if (keeps)
		rt_state_load(state);
}

static void set_tid(const struct rt_thread *thread, struct rt_world *world)
{
	for (size_t i = 0; i < sizeof(world->own_tid) / sizeof(world->own_tid[0]); i++)
		if (world->own_tid[i])
			*world->own_tid[i] = (uint32_t)thread->tid;
}

/* world: its registers are where it begins. */
static void begin(struct rt_thread *thread, struct rt_world *world)
{
	set_tid(thread, world);
	resume(thread, world, true);
}

/* ctx: boot */
long rt_world_first_begin(struct rt_thread *thread, struct rt_world *world)
{
	begin(thread, world);
	return world->ended ? -ENOEXEC : 0;
}

/* ctx: entry */
void rt_worlds_take(struct rt_thread *thread)
{
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		set_tid(thread, &thread->worlds[i]);
}

/* ctx: entry */
void rt_world_begin(struct rt_thread *own, uint32_t *begun)
{
	struct rt_world *world = own->world;

	*(void **)(world->fs + (uint64_t)program_of(world->index)->self_offset) = world;
	set_tid(own, world);
	__atomic_store_n(begun, 1, __ATOMIC_RELEASE);
	sys(futex, begun, FUTEX_WAKE, 1);
	world->inside = true;
	rt_fs_write(world->fs);
	rt_world_resume(world);
	__builtin_unreachable();
}

/* ctx: entry */
static bool take_spare(uint32_t i, struct rt_world *world)
{
	struct spare *spare;

	if (!__atomic_load_n(&spares[i], __ATOMIC_RELAXED))
		return false;
	rt_lock(&spares_lock);
	spare = spares[i];
	if (spare) {
		spares[i] = spare->next;
		*world = spare->world;
	}
	rt_unlock(&spares_lock);
	return spare != NULL;
}

/* ctx: entry */
static long create(struct rt_thread *thread, uint32_t i, struct rt_world *made)
{
	long r;

	thread->worlds[i].made = made;
	r = run(thread, i, (const void *)program_of(i)->create, 0);
	thread->worlds[i].made = NULL;
	if (r)
		return -r;
	/* Here, and not in the new thread: one that is killed there would never end. */
	begin(thread, made);
	return 0;
}

static void end(struct rt_thread *thread, struct rt_world *world, bool keeps)
{
	if (world->ended || world->inside)
		return;
	world->ending = true;
	world->regs = world->parked;
	resume(thread, world, keeps);
}

/* ctx: entry */
long rt_worlds_create(struct rt_thread *thread, struct rt_world made[BUNDLE_MAX_WORLDS])
{
	long r = 0;

	for (uint32_t i = 0; i < rt.bundle->world_count; i++) {
		if (!take_spare(i, &made[i]))
			r = create(thread, i, &made[i]);
		if (!failed(r))
			continue;
		while (i--)
			end(thread, &made[i], true);
		break;
	}
	return r;
}

/* ctx: entry */
void rt_worlds_spare(struct rt_thread *thread)
{
	for (uint32_t i = 0; i < rt.bundle->world_count; i++) {
		struct rt_world made;
		struct spare *spare;

		if (failed(create(thread, i, &made)))
			continue;
		spare = (struct spare *)((made.sp - SPARE_DEPTH) & ~63ul);
		spare->world = made;
		rt_lock(&spares_lock);
		spare->next = spares[i];
		spares[i] = spare;
		rt_unlock(&spares_lock);
	}
}

/* ctx: entry */
void rt_worlds_renew(struct rt_thread *thread)
{
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		if (!take_spare(i, &thread->worlds[i]))
			rt_panic("a seccomp filter keeps a thread, and there is no memory for its hosted hooks", 0);
	rt_worlds_take(thread);
}

/* ctx: entry */
void rt_worlds_end(struct rt_thread *thread, struct rt_world worlds[BUNDLE_MAX_WORLDS], bool keeps)
{
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		end(thread, &worlds[i], keeps);
}

/* A fork in the worlds from one on, each in the middle of the one before. */
struct fork {
	uint32_t world;
	long (*make)(struct rt_thread *thread, void *argument);
	void *argument;
};

/* ctx: entry */
static long fork_from(struct rt_thread *thread, void *argument)
{
	struct fork *fork = argument, inner = *fork;
	struct rt_world *world = &thread->worlds[fork->world];
	const void *function;

	if (fork->world == rt.bundle->world_count)
		return fork->make(thread, fork->argument);
	function = (const void *)program_of(fork->world)->fork;
	inner.world++;
	world->make = fork_from;
	world->argument = &inner;
	world->result = -EAGAIN;
	run(thread, fork->world, function, 0);
	world->make = NULL;
	return world->result;
}

/* ctx: entry */
long rt_worlds_fork(struct rt_thread *thread, long (*make)(struct rt_thread *thread, void *argument), void *argument)
{
	struct fork fork = { 0, make, argument };

	return fork_from(thread, &fork);
}

/* ctx: entry */
void rt_worlds_flush(struct rt_thread *thread)
{
	for (uint32_t i = 0; i < rt.bundle->world_count; i++)
		if (!thread->worlds[i].ended)
			run(thread, i, (const void *)program_of(i)->flush, 0);
}
