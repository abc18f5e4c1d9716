/*
 * The rules of the hook `inject`: decoding them from its options, and finding those for a call.
 */
#ifndef HOOKS_INJECT_RULES_H
#define HOOKS_INJECT_RULES_H

#include <k23/hook.h>
#include <k23/inject.h>

#define NOT_COUNTED 0xffffu

/* A rule and a call that it is about. */
struct pair {
	uint16_t rule;	  /* its number, from 1 */
	uint16_t counter; /* or NOT_COUNTED */
	uint16_t next;	  /* another pair of the same call; 0: there is none */
};

static struct k23_inject_rules *rules;
static uint64_t rules_memory[K23_INJECT_SIZE / sizeof(uint64_t)];
static struct k23_inject_rule *rule_of_number[K23_INJECT_RULES + 1];
static struct pair pairs[K23_INJECT_PAIRS + 1]; /* [0]: none */
static uint16_t pair_count;
static uint16_t first_pair[K23_CHANNEL_ARCHES][K23_NUMBERS];

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns the size in bytes; 0 if the text is not what it should be. */
static size_t rules_decode(const char *text)
{
	unsigned char *to = (unsigned char *)rules_memory;
	size_t size = 0;

	for (; text[0]; text += 2) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);

		if (high < 0 || low < 0 || size == sizeof(rules_memory))
			return 0;
		to[size++] = (unsigned char)(high << 4 | low);
	}
	return size;
}

/* The later rule is the first that is found. */
static int pair_add(unsigned arch, unsigned nr, uint16_t rule, uint16_t counter)
{
	if (pair_count == K23_INJECT_PAIRS)
		return 0;
	pairs[++pair_count] = (struct pair){ rule, counter, first_pair[arch][nr] };
	first_pair[arch][nr] = pair_count;
	return 1;
}

static int rule_take(struct k23_inject_rule *rule, uint16_t number)
{
	const uint16_t *counters = (const uint16_t *)(rule + 1);
	unsigned at = 0;

	rule_of_number[number] = rule;
	for (unsigned arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
		for (unsigned nr = 0; nr < K23_NUMBERS; nr++)
			if (rule->calls.bits[arch][nr / 64] >> nr % 64 & 1 &&
			    !pair_add(arch, nr, number, at < rule->counters ? counters[at++] : NOT_COUNTED))
				return 0;
	return 1;
}

/* Takes the option. Returns whether it is what it should be. */
static int rules_take(const char *text)
{
	size_t size = text ? rules_decode(text) : 0, at = sizeof(*rules);

	rules = (struct k23_inject_rules *)rules_memory;
	if (size < sizeof(*rules) || rules->version != K23_INJECT_VERSION || rules->size != size ||
	    rules->count > K23_INJECT_RULES)
		return 0;
	for (uint16_t number = 1; number <= rules->count; number++) {
		struct k23_inject_rule *rule = (struct k23_inject_rule *)((char *)rules + at);

		if (size - at < sizeof(*rule) || rule->size > size - at || !rule_take(rule, number))
			return 0;
		at += rule->size;
	}
	return 1;
}

static unsigned arch_of(const struct k23_call *call)
{
	return call->arch == K23_ARCH_I386 ? K23_CHANNEL_I386 : K23_CHANNEL_X86_64;
}

/* The pairs of a call, by their number; 0: no rule is about it. */
static unsigned pairs_of(const struct k23_call *call)
{
	return (unsigned long)call->nr < K23_NUMBERS ? first_pair[arch_of(call)][call->nr] : 0;
}

static const char *item_data(const struct k23_inject_item *item)
{
	return (const char *)(item + 1);
}

/* The next item of a kind behind `item`, or the first if that is NULL. NULL: there is none. */
static const struct k23_inject_item *item_next(const struct k23_inject_rule *rule, const struct k23_inject_item *item,
					       enum k23_inject_kind kind)
{
	const char *end = (const char *)rule + rule->size;
	size_t counters = (rule->counters * sizeof(uint16_t) + 7) & ~7ul;

	item = item ? (const struct k23_inject_item *)(item_data(item) + ((item->size + 7) & ~7u))
		    : (const struct k23_inject_item *)((const char *)(rule + 1) + counters);
	while ((const char *)(item + 1) <= end && item->kind != kind)
		item = (const struct k23_inject_item *)(item_data(item) + ((item->size + 7) & ~7u));
	return (const char *)(item + 1) <= end ? item : NULL;
}

#endif
