/*
 * ctx: boot | entry, for all here.
 */
#include "rt/world/world.h"

#include <asm/errno.h>
#include <k23/world.h>

#include "rt/base/chain.h"
#include "rt/base/lock.h"
#include "rt/base/message.h"
#include "rt/signal/sigsys.h"
#include "rt/world/start.h"
#include "rt/world/switch.h"

/* Its system calls need SIGSYS. */
void rt_world_enters(struct rt_thread *thread, struct rt_world *world)
{
	world->inside = true;
	world->held = thread->sigsys_held;
	if (__builtin_expect(world->held, 0))
		rt_sigsys_unblock(thread);
	world->program_fs = rt_fs_read();
	rt_fs_write(world->fs);
}

void rt_world_leaves(struct rt_thread *thread, struct rt_world *world)
{
	rt_fs_write(world->program_fs);
	world->inside = false;
	if (__builtin_expect(world->held, 0))
		rt_sigsys_hold(thread, false);
}

long rt_world_run(struct rt_thread *thread, const void *function, uint64_t argument)
{
	struct rt_world *world = thread->world;
	uint64_t sp = world->sp, host_sp = world->host_sp;
	bool outermost = !world->program_state;
	long result;

	if (outermost) {
		world->sp = (sp - rt.bundle->world.state_size) & ~63ul;
		world->program_state = world->sp;
		rt_state_save((void *)world->program_state);
	}
	rt_state_clean();
	rt_world_enters(thread, world);
	result = rt_world_switch(world, (const void *)rt.world->run, function, argument);
	rt_world_leaves(thread, world);
	if (outermost) {
		rt_state_load((const void *)world->program_state);
		world->program_state = 0;
	}
	world->sp = sp;
	world->host_sp = host_sp;
	return result;
}

/* ctx: entry */
long rt_world_call(struct k23_call *call)
{
	return rt_world_run(rt_self(), rt_chain_function(call->next - 1, call->arch, (unsigned long)call->nr),
			    (uint64_t)call);
}

/* In a call of the program the kernel is not to see the world's %fs base. The runtime has no use for either. */
long rt_world_out_call(struct rt_world *world, const void *function, const uint64_t arguments[7])
{
	long (*called)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
		(long (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t))(uintptr_t)function;
	bool forwards = function == (const void *)rt.api.forward;
	struct rt_thread *thread = rt_self();
	long result;

	if (forwards)
		rt_world_leaves(thread, world);
	result = called(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
			arguments[6]);
	if (!forwards)
		return result;
	rt_world_enters(thread, world);
	if (__builtin_expect(world->loaded, 0)) {
		world->loaded = false;
		rt_state_clean();
	}
	return result;
}

/* ctx: entry */
void rt_world_show_state(struct rt_thread *thread)
{
	struct rt_world *world = thread->world;

	if (!world || !world->program_state)
		return;
	rt_state_load((const void *)world->program_state);
	world->loaded = true;
}

/* ctx: entry */
void rt_world_abandon(struct rt_thread *thread)
{
	struct rt_world *world = thread->world;

	if (!world || !world->program_state)
		return;
	rt_state_load((const void *)world->program_state);
	world->program_state = 0;
	world->sp = world->base;
}

/* Threads that have been made, and have not begun. Each lies in its own stack, which it does not use yet. */
struct spare {
	struct rt_world world;
	struct spare *next;
};
#define SPARE_DEPTH (64u << 10) /* in the stack */
static struct spare *spares;
static uint64_t spares_lock;

/* For the C library of the child, all stacks but this thread's are free. ctx: entry */
void rt_world_forked(struct rt_thread *thread)
{
	rt_world_abandon(thread);
	if (thread->world)
		thread->world->shares = false;
	spares = NULL;
	spares_lock = 0;
}

/* Lets a thread of the world go on where it is, until it parks or ends. */
static void resume(struct rt_thread *thread, struct rt_world *world, bool keeps)
{
	uint8_t state[BUNDLE_STATE_MAX] __attribute__((aligned(64)));
	struct rt_world *before = thread->world;
	uint64_t host_sp = world->host_sp;

	if (keeps)
		rt_state_save(state);
	rt_state_clean();
	thread->world = world;
	rt_world_enters(thread, world);
	rt_world_resume(world);
	rt_world_leaves(thread, world);
	thread->world = before;
	world->host_sp = host_sp;
	if (keeps)
		rt_state_load(state);
}

/* world: its registers are where it begins. */
static void begin(struct rt_thread *thread, struct rt_world *world)
{
	for (size_t i = 0; i < sizeof(world->own_tid) / sizeof(world->own_tid[0]); i++)
		if (world->own_tid[i])
			*world->own_tid[i] = (uint32_t)thread->tid;
	world->begun = true;
	resume(thread, world, true);
}

/* ctx: boot */
long rt_world_first_begin(struct rt_thread *thread)
{
	begin(thread, thread->world);
	return thread->world->ended ? -ENOEXEC : 0;
}

/* ctx: entry */
void rt_world_begin(struct rt_thread *thread)
{
	if (thread->world)
		begin(thread, thread->world);
}

/* ctx: entry */
static bool take_spare(struct rt_world *world)
{
	struct spare *spare;

	rt_lock(&spares_lock);
	spare = spares;
	if (spare) {
		spares = spare->next;
		*world = spare->world;
	}
	rt_unlock(&spares_lock);
	return spare != NULL;
}

/* ctx: entry */
static long create(struct rt_thread *thread, struct rt_world *made)
{
	long r;

	thread->world->made = made;
	r = rt_world_run(thread, (const void *)rt.world->create, 0);
	thread->world->made = NULL;
	return -r;
}

/* ctx: entry */
long rt_world_create(struct rt_thread *thread, struct rt_world *made)
{
	return __atomic_load_n(&spares, __ATOMIC_RELAXED) && take_spare(made) ? 0 : create(thread, made);
}

/* ctx: entry */
void rt_world_spare(struct rt_thread *thread)
{
	struct rt_world made;
	struct spare *spare;

	if (failed(create(thread, &made)))
		return;
	spare = (struct spare *)((made.regs.rsp - SPARE_DEPTH) & ~63ul);
	spare->world = made;
	rt_lock(&spares_lock);
	spare->next = spares;
	spares = spare;
	rt_unlock(&spares_lock);
}

/* ctx: entry */
void rt_world_renew(struct rt_thread *thread)
{
	bool shares = thread->own_world.shares;

	if (!take_spare(&thread->own_world))
		rt_panic("a seccomp filter keeps a thread, and there is no memory for its hosted hook", 0);
	thread->own_world.shares = shares;
	begin(thread, &thread->own_world);
}

/* ctx: entry */
void rt_world_end(struct rt_thread *thread, struct rt_world *world, bool keeps)
{
	if (world->ended || world->inside)
		return;
	if (!world->begun)
		begin(thread, world);
	world->ending = true;
	world->regs = world->parked;
	resume(thread, world, keeps);
}

/* ctx: entry */
long rt_world_fork(struct rt_thread *thread, long (*make)(struct rt_thread *thread, void *argument), void *argument)
{
	struct rt_world *world = thread->world;

	world->make = make;
	world->argument = argument;
	world->result = -EAGAIN;
	rt_world_run(thread, (const void *)rt.world->fork, 0);
	world->make = NULL;
	return world->result;
}

/* ctx: entry */
void rt_world_flush(struct rt_thread *thread)
{
	if (thread->world && !thread->world->ended)
		rt_world_run(thread, (const void *)rt.world->flush, 0);
}
