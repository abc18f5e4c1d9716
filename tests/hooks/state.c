/*
 * Counts getppid() in run state, under a lock, in two variables that are the same whenever nobody holds it. For the
 * program: 5000 returns the count, 5001 dies with the lock, 5002 returns how often somebody had; 5003 takes the lock
 * twice.
 */
#include <k23/hook.h>

#include <linux/sched.h>
#include <signal.h>

struct state {
	struct k23_lock lock;
	long count, twin;
	long died;
};

static int pending; /* somebody may be in the middle, and others must not be */

/* Takes the lock, and mends what a thread that died with it has left. */
static struct state *locked(void)
{
	struct state *state = k23_run_state();
	long r;

	if (!state)
		return NULL;
	r = k23_lock(&state->lock);
	if (r == -EOWNERDEAD) {
		state->died++;
		state->twin = state->count;
	} else if (r || state->twin != state->count || __atomic_exchange_n(&pending, k23_tid(), __ATOMIC_SEQ_CST)) {
		k23_print("state: lock %ld, %ld and %ld, with %d\n", r, state->count, state->twin, pending);
	}
	return state;
}

static void unlock(struct state *state)
{
	state->twin++;
	__atomic_store_n(&pending, 0, __ATOMIC_SEQ_CST);
	k23_unlock(&state->lock);
}

static long on_getppid(struct k23_call *call)
{
	struct state *state = locked();

	if (!state)
		return -ENODATA;
	state->count++;
	unlock(state);
	return k23_forward(call);
}

static long on_any(struct k23_call *call)
{
	struct state *state = k23_run_state();
	struct k23_lock elsewhere = { 0 };

	if (call->nr < 5000 || call->nr > 5003)
		return k23_forward(call);
	if (!state)
		return -ENODATA;
	if (call->nr == 5000)
		return __atomic_load_n(&state->count, __ATOMIC_SEQ_CST);
	if (call->nr == 5002)
		return __atomic_load_n(&state->died, __ATOMIC_SEQ_CST);
	if (k23_lock(&elsewhere) != -EINVAL)
		return -EIO;
	locked();
	if (call->nr == 5001) {
		state->count++;
		pending = 0; /* threads that share the memory go on */
		k23_syscall(SYS_tkill, (unsigned)k23_tid(), SIGKILL, 0, 0, 0, 0);
	}
	state->count++;
	if (k23_lock(&state->lock) != -EDEADLK)
		k23_print("state: the lock was taken twice\n");
	unlock(state);
	return 0;
}

K23_HOOK(state, .run_size = sizeof(struct state), .all = on_any, .calls = { { SYS_getppid, on_getppid } });
