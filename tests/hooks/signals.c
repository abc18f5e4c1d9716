/*
 * Says which signals are delivered.
 */
#include <k23/hook.h>

#include <signal.h>

struct state {
	int inside; /* a call is in flight */
};

static void on_signal(const struct k23_signal *signal)
{
	const siginfo_t *info = signal->info;
	const struct state *state = k23_thread_state();

	k23_print("%d code %d %s%s\n", signal->number, info->si_code,
		  signal->handled ? "handled" : "left to the kernel", state->inside ? ", inside a call" : "");
}

static long on_call(struct k23_call *call)
{
	struct state *state = k23_thread_state();
	long result;

	state->inside = 1;
	result = k23_forward(call);
	state->inside = 0;
	return result;
}

K23_HOOK(signals, .signal = on_signal, .all = on_call, .thread_size = sizeof(struct state));
