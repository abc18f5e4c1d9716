/*
 * Answers, changes and repeats calls: getppid is 23 plus what the next hook says, write to standard output is doubled,
 * and a number that does not exist works.
 */
#include <k23/hook.h>

static long plus;

static int init(const struct k23_options *options)
{
	const char *text = k23_option(options, "plus");

	for (; text && *text; text++)
		plus = plus * 10 + (*text - '0');
	return 0;
}

static long on_getppid(struct k23_call *call)
{
	if (plus == 23)
		return plus;
	return plus + k23_forward(call);
}

static long on_write(struct k23_call *call)
{
	if (call->args[0] != 1)
		return k23_forward(call);
	k23_forward(call);
	return k23_forward(call);
}

static long all(struct k23_call *call)
{
	return call->nr == 5000 ? 5001 : k23_forward(call);
}

K23_HOOK(answer, .init = init, .all = all, .calls = { { SYS_getppid, on_getppid }, { SYS_write, on_write } });
