/*
 * Which occurrences of a call a rule of the hook `inject` is about: counting them, in a thread or over the whole run;
 * and chance, a hash of the seed, the rule, the call, how often the thread has made it, and which thread it is. So the
 * same calls fail in each run, whichever thread comes first.
 */
#ifndef HOOKS_INJECT_COUNT_H
#define HOOKS_INJECT_COUNT_H

#include "descent.h"
#include "inject_rules.h"

/* What a call that was not made, and will be made again, is recognised by. */
struct again {
	struct k23_call call;
	uint16_t rule; /* what was decided; 0: nothing is injected */
	uint8_t waits; /* for that call */
};

struct thread {
	struct descent descent;
	struct again again;
};

static struct k23_injections *injections;

static int item_has(const struct k23_inject_item *when, uint64_t occurrence)
{
	return occurrence >= when->a && occurrence <= when->b && (occurrence - when->a) % when->c < when->d;
}

/* Whether the rule is about this occurrence of the call. */
static int rule_counts(const struct k23_inject_rule *rule, uint64_t occurrence)
{
	const struct k23_inject_item *when = item_next(rule, NULL, K23_INJECT_WHEN);

	if (!when)
		return 1;
	for (; when; when = item_next(rule, when, K23_INJECT_WHEN))
		if (item_has(when, occurrence))
			return 1;
	return 0;
}

static int by_chance(const struct k23_inject_rule *rule, unsigned number, const struct k23_call *call,
		     uint32_t occurrence)
{
	const uint64_t values[] = { number, (uint64_t)call->nr, descent()->thread.id, occurrence };
	uint64_t hash = rule->seed;

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		hash = k23_descent_mix(hash, values[i]);
	return rule->chance >> 32 || (hash >> 32) < rule->chance;
}

/* Counts a call that the pair's rule is about. Returns whether it is to be injected. */
static int pair_counts(const struct pair *pair, const struct k23_call *call)
{
	const struct k23_inject_rule *rule = rule_of_number[pair->rule];
	uint64_t occurrence;
	uint32_t mine;

	__atomic_add_fetch(&injections->rules[pair->rule - 1].met, 1, __ATOMIC_RELAXED);
	if (pair->counter >= K23_INJECT_COUNTERS)
		return 1;
	mine = ++descent()->counts[pair->counter];
	occurrence = mine;
	if (rule->scope == K23_INJECT_RUN)
		occurrence = __atomic_add_fetch(&injections->counts[pair->counter], 1, __ATOMIC_RELAXED);
	return rule_counts(rule, occurrence) && by_chance(rule, pair->rule, call, mine);
}

/* Whether the rule is about this thread. */
static int rule_has_thread(const struct k23_inject_rule *rule)
{
	const struct k23_inject_item *item = item_next(rule, NULL, K23_INJECT_DESCENT);

	return !item || item->a == descent()->thread.id;
}

/* Whether it matters which thread is which. */
static int rules_have_threads(void)
{
	for (unsigned number = 1; number <= rules->count; number++) {
		const struct k23_inject_rule *rule = rule_of_number[number];

		if (!(rule->chance >> 32) || item_next(rule, NULL, K23_INJECT_DESCENT))
			return 1;
	}
	return 0;
}

#endif
