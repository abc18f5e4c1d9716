/*
 * run: tells `k23 run --report` which programs were started, and which of them came under k23.
 */
#include "collector.h"

static long on_call(struct k23_call *call)
{
	return k23_forward(call);
}

static int init(const struct k23_options *options)
{
	return channel_init(options, K23_CHANNEL_MAGIC, "run");
}

K23_HOOK(run,
	.init = init,
	.calls = {
		CHANNEL_CALLS,
	});
