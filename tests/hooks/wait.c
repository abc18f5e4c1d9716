/* Makes the program's calls that may wait as calls of its own, which signals for the program end. */
#include <k23/hook.h>

static long on_wait(struct k23_call *call)
{
	return k23_wait(call->nr, call->args[0], call->args[1], call->args[2], call->args[3], call->args[4],
			call->args[5]);
}

/* With the option `start` it waits before the program begins, and says so. */
static int init(const struct k23_options *options)
{
	if (k23_option(options, "start")) {
		k23_syscall(SYS_write, 1, (unsigned long)"waits\n", 6, 0, 0, 0);
		k23_wait(SYS_pause, 0, 0, 0, 0, 0, 0);
	}
	return 0;
}

K23_HOOK(wait, .init = init, .calls = { { SYS_read, on_wait }, { SYS_poll, on_wait }, { SYS_clock_nanosleep, on_wait },
			  { SYS_futex, on_wait } });
