/*
 * Wants the call that its option names, and no other: the program's getppid is 23 if that is it.
 */
#include <k23/hook.h>

static long on_call(struct k23_call *call)
{
	call->tampered |= K23_TAMPERED_RESULT;
	return 23;
}

static int init(const struct k23_options *options)
{
	if (k23_option(options, "getppid"))
		k23_want(SYS_getppid, on_call);
	/* The table has room for the first of them. */
	for (long nr = 0; nr <= K23_MAX_CALLS && k23_option(options, "all"); nr++)
		k23_want(nr + 1000, k23_forward);
	if (k23_option(options, "all") && (k23_hook.calls[K23_MAX_CALLS].fn || k23_hook.all != k23_forward))
		return -EINVAL;
	return 0;
}

K23_HOOK(chosen, .init = init);
