/*
 * stat: counts calls, errors and time for `k23 stat`.
 */
#include <k23/counters.h>

#include "collector.h"
#include "stat_sites.h"

static struct k23_counter *counter_of(const struct k23_call *call)
{
	struct k23_counters *counters = (struct k23_counters *)channel;
	struct k23_counters_shard *shard = &counters->shards[(unsigned)k23_tid() % K23_COUNTERS_SHARDS];
	enum k23_channel_arch arch = call->arch == K23_ARCH_I386 ? K23_CHANNEL_I386 : K23_CHANNEL_X86_64;

	return (unsigned long)call->nr < K23_NUMBERS ? &shard->numbers[arch][call->nr] : &shard->others[arch];
}

static void add_to_counter(uint64_t *to, uint64_t value)
{
	__atomic_add_fetch(to, value, __ATOMIC_RELAXED);
}

static long on_call(struct k23_call *call)
{
	struct k23_counter *counter;
	uint64_t start, end;
	long result;

	if (!channel)
		return k23_forward(call);
	counter = counter_of(call);
	add_to_counter(&counter->calls, 1);
	site_count(call, 1);
	start = k23_cycles();
	result = k23_forward(call);
	end = k23_cycles();
	if (end > start)
		add_to_counter(&counter->cycles, end - start);
	/* The program makes this call again, and it counts then. */
	if (result == -K23_ERESTART) {
		add_to_counter(&counter->calls, -1ul);
		site_count(call, -1ul);
	}
	if (result != -K23_ERESTART && k23_failed(result))
		add_to_counter(&counter->errors, 1);
	return result;
}

static int init(const struct k23_options *options)
{
	return channel_init(options, K23_COUNTERS_MAGIC);
}

K23_HOOK(stat,
	.init = init,
	.all = on_call,
	.calls = {
		CHANNEL_CALLS,
	});
