/* Makes the program's calls that may wait as calls of its own, which signals for the program end. */
#include <k23/hook.h>

#if __STDC_HOSTED__
#include <unistd.h>
#endif

static long on_wait(struct k23_call *call)
{
	return k23_wait(call->nr, call->args[0], call->args[1], call->args[2], call->args[3], call->args[4],
			call->args[5]);
}

static void say(void)
{
	k23_syscall(SYS_write, 1, (unsigned long)"waits\n", 6, 0, 0, 0);
}

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void wait_early(void)
{
	if (write(1, "waits\n", 6) == 6)
		pause();
}
#endif

/* It can wait before the program begins, and says so. */
static int init(const struct k23_options *options)
{
	const char *path = k23_option(options, "open");

	if (k23_option(options, "wait")) {
		say();
		k23_wait(SYS_pause, 0, 0, 0, 0, 0, 0);
	}
	if (k23_option(options, "spin")) {
		say();
		for (;;)
			__asm__ volatile("pause");
	}
	if (path) {
		say();
#if __STDC_HOSTED__
		close(open(path, O_RDONLY));
#endif
	}
	return 0;
}

K23_HOOK(wait, .init = init, .calls = { { SYS_read, on_wait }, { SYS_poll, on_wait }, { SYS_clock_nanosleep, on_wait },
			  { SYS_futex, on_wait } });
