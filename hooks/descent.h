/*
 * Which thread it is, for hooks that have to know a thread again in another run: a number that its place in the tree of
 * threads and processes gives it, as in "the second child of the first", whichever thread comes first. And what a
 * thread counts, which goes on in the image that its execve makes.
 *
 * A new thread that shares memory with its creator is told its number by a variable, which is for one birth at a time.
 */
#ifndef HOOKS_DESCENT_H
#define HOOKS_DESCENT_H

#include <linux/futex.h>
#include <linux/sched.h>
#include <time.h>

#include <k23/descent.h>
#include <k23/hook.h>

#include "pid_namespace.h"

#ifndef DESCENT_COUNTS
#define DESCENT_COUNTS K23_DESCENT_COUNTS /* that the hook needs */
#endif
#define BIRTH_PATIENCE 100 /* times 10 ms: then a new thread has been killed before it began */

/* The begin of the hook's thread state. */
struct descent {
	struct k23_descent thread;
	struct k23_descent process; /* its first thread */
	uint32_t children; /* that the thread has created */
	uint32_t counts[DESCENT_COUNTS];
};

static struct k23_descent_carried *descent_carried; /* in memory that the run shares; NULL: nothing is carried */
static uint32_t birth;	 /* a futex: 1 while `newborn` is for a child that has not begun */
static struct k23_descent newborn, newborn_process; /* which thread it is, of which process */

static struct descent *descent(void)
{
	return k23_thread_state();
}

/* --- births */

static void birth_begin(const struct descent *creator, int is_thread)
{
	static const struct timespec patience = { 0, 10000000 };

	for (int i = 0; __atomic_exchange_n(&birth, 1, __ATOMIC_ACQUIRE) && i < BIRTH_PATIENCE; i++)
		k23_syscall(SYS_futex, (unsigned long)&birth, FUTEX_WAIT_PRIVATE, 1, (unsigned long)&patience, 0, 0);
	newborn = k23_descent_child(&creator->thread, creator->children);
	newborn_process = is_thread ? creator->process : newborn;
}

static void birth_end(void)
{
	__atomic_store_n(&birth, 0, __ATOMIC_RELEASE);
	k23_syscall(SYS_futex, (unsigned long)&birth, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* The flags of clone, for a call that makes a child. */
static unsigned long birth_flags(const struct k23_call *call)
{
	unsigned long flags = call->nr == SYS_vfork ? CLONE_VM : call->nr == SYS_fork ? 0 : call->args[0];

	if (call->nr == SYS_clone3 && k23_copy_from(&flags, call->args[0], sizeof(flags)) < 0)
		flags = 0;
	return flags;
}

static long forward_birth(struct k23_call *call)
{
	struct descent *mine = descent();
	unsigned long flags = birth_flags(call);
	int shared = (flags & CLONE_VM) != 0;
	long result;

	mine->children++;
	if (shared)
		birth_begin(mine, (flags & CLONE_THREAD) != 0);
	result = k23_forward(call);
	if (!k23_failed(result))
		return result;
	mine->children--;
	if (shared)
		birth_end();
	return result;
}

/* For .thread_start and .fork_child: it has counted nothing yet. */
static void descent_begin(void)
{
	struct descent *mine = descent(), begun = { .thread = { .id = K23_DESCENT_FIRST } };

	if (!descent_carried)
		return;
	if (mine->thread.id) {
		/* Of a process that has a copy of its creator's memory, this thread is the only one. */
		birth = 0;
		begun.thread = k23_descent_child(&mine->thread, mine->children);
		begun.process = begun.thread;
	} else if (newborn.id) {
		begun.thread = newborn;
		begun.process = newborn_process;
		if (__atomic_load_n(&birth, __ATOMIC_ACQUIRE))
			birth_end();
	}
	*mine = begun;
}

/* --- over execve */

/* What tells this process from others of the run, in other PID namespaces, too. */
static uint64_t process_key(void)
{
	return k23_descent_key(pid_namespace(), (uint32_t)k23_pid());
}

static struct k23_descent_carried *find_carried(uint64_t key)
{
	for (unsigned i = 0; i < K23_DESCENT_CARRIED; i++)
		if (__atomic_load_n(&descent_carried[i].key, __ATOMIC_ACQUIRE) == key)
			return &descent_carried[i];
	return NULL;
}

/* If there is no room, as processes were killed in their execve, one of those has had it. */
static struct k23_descent_carried *take_carried(uint64_t key)
{
	for (unsigned i = 0; i < K23_DESCENT_CARRIED; i++) {
		uint64_t free_key = 0;

		if (__atomic_compare_exchange_n(&descent_carried[i].key, &free_key, key, 0, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return &descent_carried[i];
	}
	__atomic_store_n(&descent_carried[key % K23_DESCENT_CARRIED].key, key, __ATOMIC_RELEASE);
	return &descent_carried[key % K23_DESCENT_CARRIED];
}

static long forward_exec(struct k23_call *call)
{
	struct descent *mine = descent();
	uint64_t key = process_key();
	struct k23_descent_carried *carried = find_carried(key);
	long result;

	if (!carried)
		carried = take_carried(key);
	carried->thread = mine->thread;
	carried->process = mine->process;
	carried->children = mine->children;
	memcpy(carried->counts, mine->counts, sizeof(mine->counts));
	result = k23_forward(call); /* comes back only when the execve has failed */
	carried = find_carried(key);
	if (carried)
		__atomic_store_n(&carried->key, 0, __ATOMIC_RELEASE);
	return result;
}

/* For .init: what the process had before its execve. */
static void descent_go_on(struct k23_descent_carried *table)
{
	struct descent *mine = descent();
	struct k23_descent_carried *carried;

	descent_carried = table;
	carried = find_carried(process_key());
	mine->thread = mine->process = (struct k23_descent){ .id = K23_DESCENT_FIRST };
	if (!carried)
		return;
	mine->thread = carried->thread;
	mine->process = carried->process;
	mine->process.images++;
	mine->children = carried->children;
	memcpy(mine->counts, carried->counts, sizeof(mine->counts));
	__atomic_store_n(&carried->key, 0, __ATOMIC_RELEASE);
}

/* Forwards a call. All of those that make threads, processes and images are to come here. */
static long forward(struct k23_call *call)
{
	switch (descent_carried && call->arch == K23_ARCH_X86_64 ? call->nr : -1) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
		return forward_birth(call);
	case SYS_execve:
	case SYS_execveat:
		return forward_exec(call);
	}
	return k23_forward(call);
}

/* For .init: the calls that make threads and processes; those that make images are in CHANNEL_CALLS. */
static void descent_want(k23_call_fn *fn)
{
	static const long births[] = { SYS_clone, SYS_clone3, SYS_fork, SYS_vfork };

	for (unsigned i = 0; i < sizeof(births) / sizeof(births[0]); i++)
		k23_want(births[i], fn);
}

#endif
