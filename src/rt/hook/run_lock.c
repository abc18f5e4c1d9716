/*
 * A thread's robust list is the program's. While the thread holds locks, its owners come first in that list: it is the
 * thread's own, and the program does not run meanwhile. Where the program has no list, or one that cannot be used, the
 * thread has the runtime's for as long.
 *
 * ctx: boot | entry | sigsys, for all here.
 */
#include "rt/hook/run_lock.h"

#include <asm/errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>

#include "abi/run_state.h"
#include "core/string.h"
#include "rt/base/copy.h"
#include "rt/base/peek.h"
#include "rt/base/run_memory.h"
#include "rt/hook/faults.h"

/* A lock's word: 0: free; otherwise 1 + the index of the owner, the owner's turn, and whether somebody may sleep. */
#define TURN_SHIFT 10
#define WAITED_FOR (1u << 31)

_Static_assert(RUN_STATE_OWNERS < 1u << TURN_SHIFT, "a lock's word has room for the owner");

static uint32_t lock_word(uint32_t index, uint32_t turn)
{
	return (turn << TURN_SHIFT | (index + 1)) & ~WAITED_FOR;
}

static struct run_state *state_of(uint32_t memory)
{
	return rt_run_memory_contents(memory);
}

static struct run_state_owner *owner_of(const struct rt_held *held, uint32_t memory)
{
	return &state_of(memory)->owners[held->owners[memory].index];
}

static long read_words(const struct rt_thread *thread, void *to, uint64_t from, size_t size)
{
	return rt_catches_faults(thread) ? rt_peek(to, from, size) : rt_copy_from(to, from, size);
}

static long write_word(const struct rt_thread *thread, uint64_t to, uint64_t word)
{
	return rt_catches_faults(thread) ? rt_peek((void *)to, (uint64_t)&word, sizeof(word)) :
					   rt_copy_to(to, &word, sizeof(word));
}

/* --- the robust list */

/* The node that leads to an owner's word. */
static uint64_t *node_of(const struct rt_held *held, uint32_t memory)
{
	return (uint64_t *)((uint64_t)&owner_of(held, memory)->tid - (uint64_t)held->distance);
}

/* Whether such nodes lie beside the word, and in the owner. */
static bool suits(int64_t distance)
{
	const int64_t before = offsetof(struct run_state_owner, tid);
	const int64_t behind = sizeof(struct run_state_owner) - before;

	return (distance >= 8 && distance <= before) || (distance <= -8 && -distance <= behind - 8);
}

/* Finds the list that owners are to be in. */
static long borrow_list(struct rt_thread *thread)
{
	struct rt_held *held = &thread->held;
	struct robust_list_head program = { 0 };
	uint64_t size;
	long r = sys(get_robust_list, 0, &held->list, &size);

	if (failed(r))
		return r;
	held->own = !held->list || failed(read_words(thread, &program, held->list, sizeof(program)));
	held->first = (uint64_t)program.list.next;
	held->distance = program.futex_offset;
	held->own = held->own || !suits(held->distance) || failed(write_word(thread, held->list, held->first));
	if (!held->own)
		return 0;
	held->first = (uint64_t)&held->own_list.list;
	held->distance = -16;
	held->own_list = (struct robust_list_head){ .list.next = (struct robust_list *)held->first,
						     .futex_offset = held->distance };
	return sys(set_robust_list, &held->own_list, sizeof(held->own_list));
}

/* Links the owners that the thread has, and what the program has behind them. */
static long link_owners(struct rt_thread *thread)
{
	struct rt_held *held = &thread->held;
	uint64_t first = held->first;

	for (uint32_t i = 0; i < rt.bundle->memory_count; i++)
		if (held->owners[i].depth) {
			*node_of(held, i) = first;
			first = (uint64_t)node_of(held, i);
		}
	if (!held->own)
		return write_word(thread, held->list, first);
	held->own_list.list.next = (struct robust_list *)first;
	return 0;
}

static void return_list(struct rt_thread *thread)
{
	if (thread->held.own)
		sys(set_robust_list, thread->held.list, sizeof(struct robust_list_head));
}

/* --- owners */

/* Takes a free owner. When there is none, as many threads hold or want locks: one of them will be done. */
static void take_owner(struct rt_thread *thread, uint32_t memory)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 1000000 };
	struct run_state *state = state_of(memory);
	struct rt_owner_held *held = &thread->held.owners[memory];

	for (uint32_t n = 1;; n++) {
		uint32_t index = ((uint32_t)thread->tid + n) % RUN_STATE_OWNERS;
		struct run_state_owner *owner = &state->owners[index];
		uint64_t now = __atomic_load_n(&owner->taken, __ATOMIC_RELAXED);
		uint32_t turn = (uint32_t)(now >> 32) + 1;

		if (!((uint32_t)now & RUN_STATE_TID) &&
		    __atomic_compare_exchange_n(&owner->taken, &now, (uint64_t)turn << 32 | (uint32_t)thread->tid,
						false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			held->index = index;
			held->turn = turn;
			return;
		}
		if (n % RUN_STATE_OWNERS == 0)
			sys(nanosleep, &moment, 0);
	}
}

/* The owner is the thread's, and the kernel knows it, before a lock can say so. If the thread is killed in between, the
 * owner is lost to the run, and nothing else. */
static long begin(struct rt_thread *thread, uint32_t memory)
{
	struct rt_held *held = &thread->held;
	long r = 0;

	if (held->owners[memory].depth) {
		held->owners[memory].depth++;
		return 0;
	}
	take_owner(thread, memory);
	if (!held->count)
		r = borrow_list(thread);
	if (!failed(r)) {
		held->owners[memory].depth = 1;
		r = link_owners(thread);
	}
	if (failed(r)) {
		held->owners[memory].depth = 0;
		__atomic_store_n(&owner_of(held, memory)->tid, 0, __ATOMIC_SEQ_CST);
	} else {
		held->count++;
	}
	return r;
}

/* The kernel forgets the owner before another thread can have it, whose id in its own PID namespace may be the same. */
static void end(struct rt_thread *thread, uint32_t memory)
{
	struct rt_held *held = &thread->held;

	if (--held->owners[memory].depth)
		return;
	if (failed(link_owners(thread)))
		sys(set_robust_list, 0, sizeof(struct robust_list_head)); /* the program has unmapped its list */
	if (!--held->count)
		return_list(thread);
	__atomic_store_n(&owner_of(held, memory)->tid, 0, __ATOMIC_SEQ_CST);
}

/* Whether the thread that a lock has taken is dead. */
static bool is_abandoned(uint32_t memory, uint32_t word)
{
	uint32_t index = (word & ((1u << TURN_SHIFT) - 1)) - 1;
	uint64_t now;

	if (index >= RUN_STATE_OWNERS) /* the program, or a hook, has written to it */
		return true;
	now = __atomic_load_n(&state_of(memory)->owners[index].taken, __ATOMIC_SEQ_CST);
	return !((uint32_t)now & RUN_STATE_TID) || lock_word(index, (uint32_t)(now >> 32)) != (word & ~WAITED_FOR);
}

/* --- locks */

static long take(uint32_t *lock, uint32_t memory, uint32_t self)
{
	static const struct __kernel_timespec moment = { .tv_nsec = 10000000 };
	uint32_t word = 0;

	if (__atomic_compare_exchange_n(lock, &word, self, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return 0;
	for (;;) {
		bool abandoned = word && is_abandoned(memory, word);

		if ((word & ~WAITED_FOR) == self)
			return -EDEADLK;
		/* Others may sleep, or be killed as they wake up: the lock stays marked for them. */
		if (!word || abandoned) {
			if (__atomic_compare_exchange_n(lock, &word, self | WAITED_FOR, false, __ATOMIC_SEQ_CST,
							__ATOMIC_SEQ_CST))
				return abandoned ? -EOWNERDEAD : 0;
			continue;
		}
		if (word & WAITED_FOR || __atomic_compare_exchange_n(lock, &word, word | WAITED_FOR, false,
								     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			sys(futex, lock, FUTEX_WAIT, word | WAITED_FOR, &moment);
		word = __atomic_load_n(lock, __ATOMIC_SEQ_CST);
	}
}

long rt_run_lock(struct k23_lock *lock)
{
	struct rt_thread *thread = rt_self();
	long memory = rt_run_memory_with(lock), r;

	if (memory < 0 || (uintptr_t)lock % sizeof(lock->word))
		return -EINVAL;
	if (thread->strict)
		return -EPERM;
	r = begin(thread, (uint32_t)memory);
	if (failed(r))
		return r;
	r = take(&lock->word, (uint32_t)memory,
		 lock_word(thread->held.owners[memory].index, thread->held.owners[memory].turn));
	if (r == -EDEADLK)
		end(thread, (uint32_t)memory);
	return r;
}

void rt_run_unlock(struct k23_lock *lock)
{
	struct rt_thread *thread = rt_self();
	long memory = rt_run_memory_with(lock);
	struct rt_owner_held *held;

	if (memory < 0)
		return;
	held = &thread->held.owners[memory];
	/* One that the thread does not hold stays as it is. */
	if (!held->depth ||
	    (__atomic_load_n(&lock->word, __ATOMIC_SEQ_CST) & ~WAITED_FOR) != lock_word(held->index, held->turn))
		return;
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_SEQ_CST) & WAITED_FOR)
		sys(futex, &lock->word, FUTEX_WAKE, 1);
	end(thread, (uint32_t)memory);
}

void rt_run_locks_forked(struct rt_thread *thread)
{
	struct rt_held *held = &thread->held;

	/* The kernel knows no list of the child's. */
	if (!held->own)
		write_word(thread, held->list, held->first);
	memset(held, 0, sizeof(*held));
}
