/*
 * inject: tampers with calls as the rules of its options say (k23/inject.h), for `k23 inject` and `k23 trace`.
 */
#include "collector.h"

#include "inject_count.h"
#include "inject_match.h"
#include "inject_rules.h"
#include "inject_short.h"
#include "inject_signal.h"

#define NANOSECONDS 1000000000l

/* --- what is done with a call */

static long now(void)
{
	struct timespec time = { 0 };

	k23_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (unsigned long)&time, 0, 0, 0, 0);
	return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* Signals that come meanwhile end it no sooner: they are delivered when the call is over. */
static void delay(uint64_t nanoseconds)
{
	long end = now() + (long)nanoseconds, left;

	while ((left = end - now()) > 0) {
		struct timespec time = { left / NANOSECONDS, left % NANOSECONDS };

		k23_syscall(SYS_nanosleep, (unsigned long)&time, 0, 0, 0, 0, 0);
	}
}

/* Writes where arguments point. Returns whether anything was written. */
static int poke(const struct k23_inject_rule *rule, const struct k23_call *call, enum k23_inject_kind kind)
{
	const struct k23_inject_item *item = NULL;
	int poked = 0;

	while ((item = item_next(rule, item, kind)))
		poked |= k23_copy_to(call->args[item->at], item_data(item), item->size) == 0;
	return poked;
}

/* The call, or what stands for it. */
static long make(const struct k23_inject_rule *rule, struct k23_call *call)
{
	long result;
	int cut = 0;

	if (rule->actions & K23_INJECT_RESULT) {
		if (rule->actions & K23_INJECT_MADE && forward(call) == -K23_ERESTART)
			return -K23_ERESTART;
		if (rule->actions & K23_INJECT_SUBSTITUTE)
			k23_syscall(rule->substitute, call->args[0], call->args[1], call->args[2], call->args[3],
				    call->args[4], call->args[5]);
		call->tampered |= K23_TAMPERED_RESULT;
		if (rule->actions & K23_INJECT_SIGNAL)
			send_signal(rule);
		return rule->result;
	}
	if (rule->actions & K23_INJECT_SHORT) {
		result = forward_short(rule, call, &cut);
		call->tampered |= cut ? K23_TAMPERED_RESULT : 0;
		if (rule->actions & K23_INJECT_SIGNAL && result != -K23_ERESTART)
			send_signal(rule);
		return result;
	}
	return rule->actions & K23_INJECT_SIGNAL ? forward_signalled(rule, call) : forward(call);
}

static long inject(const struct k23_inject_rule *rule, struct k23_call *call, int again)
{
	long result;

	if (poke(rule, call, K23_INJECT_POKE_ENTER))
		call->tampered |= K23_TAMPERED_ARGS;
	if (rule->actions & K23_INJECT_DELAY_ENTER && !again)
		delay(rule->delay_enter);
	result = make(rule, call);
	if (result == -K23_ERESTART)
		return result;
	if (poke(rule, call, K23_INJECT_POKE_EXIT))
		call->tampered |= K23_TAMPERED_ARGS;
	if (rule->actions & K23_INJECT_DELAY_EXIT)
		delay(rule->delay_exit);
	if (rule->actions & (K23_INJECT_DELAY_ENTER | K23_INJECT_DELAY_EXIT))
		call->tampered |= K23_TAMPERED_TIME;
	return result;
}

/* --- what is to be done with it */

/* The rule that is to be applied, by its number: of several the one that was given last; 0: none. Each counts. */
static uint16_t choose(const struct k23_call *call)
{
	uint16_t chosen = 0;

	for (unsigned i = pairs_of(call); i; i = pairs[i].next) {
		const struct k23_inject_rule *rule = rule_of_number[pairs[i].rule];

		if (rule_has_thread(rule) && rule_matches(rule, call) && pair_counts(&pairs[i], call) && !chosen)
			chosen = pairs[i].rule;
	}
	return chosen;
}

/* Whether it is the call that a signal has kept from being made, and that has been counted. */
static int is_again(const struct again *again, const struct k23_call *call)
{
	return again->waits && again->call.ip == call->ip && again->call.sp == call->sp && again->call.nr == call->nr &&
	       again->call.arch == call->arch && memcmp(again->call.args, call->args, sizeof(call->args)) == 0;
}

/* Whether the rule, if there is one, sends a signal to calls that are made. */
static int is_interrupting(uint16_t number)
{
	uint32_t actions = number ? rule_of_number[number]->actions : 0;

	return actions & K23_INJECT_SIGNAL && !(actions & (K23_INJECT_RESULT | K23_INJECT_SHORT));
}

static long on_call(struct k23_call *call)
{
	struct again *again = &((struct thread *)k23_thread_state())->again;
	int is_made_again = is_again(again, call);
	struct k23_call before = *call;
	uint16_t chosen;
	long result;

	if (!injections || !channel_has_reader())
		return k23_forward(call);
	if (!pairs_of(call))
		return forward(call);
	chosen = is_made_again ? again->rule : choose(call);
	again->waits = 0;
	if (chosen && !is_made_again)
		__atomic_add_fetch(&injections->rules[chosen - 1].injected, 1, __ATOMIC_RELAXED);
	result = chosen ? inject(rule_of_number[chosen], call, is_made_again) : forward(call);
	/* If the rule's own signal is why, it has done what it is for. */
	if (result == -K23_ERESTART)
		*again = (struct again){ before, is_interrupting(chosen) ? 0 : chosen, 1 };
	return result;
}

/* --- which calls the hook wants */

static void want_calls(void)
{
	if (rules_have_threads())
		descent_want(on_call);
	for (long nr = 0; nr < (long)K23_NUMBERS; nr++) {
		if (first_pair[K23_CHANNEL_X86_64][nr])
			k23_want(nr, on_call);
		if (first_pair[K23_CHANNEL_I386][nr])
			k23_hook.i386 = on_call;
	}
}

static int init(const struct k23_options *options)
{
	uint64_t at;
	int r;

	if (!rules_take(k23_option(options, "rules")) || !parse_number(k23_option(options, "at"), 16, &at)) {
		return k23_refuse("it is started by `k23 inject` and `k23 trace`, which give it its rules");
	}
	channel_loss = "nothing is injected there";
	channel_is_another = k23_option(options, "beside") != NULL;
	r = channel_init(options, channel_is_another ? K23_RING_MAGIC : K23_INJECT_MAGIC, "inject");
	if (r < 0 || !channel)
		return r;
	injections = (struct k23_injections *)((char *)channel + at);
	if (rules->counters || rules_have_threads())
		descent_go_on(injections->carried);
	want_calls();
	return 0;
}

K23_HOOK(inject,
	.init = init,
	.fork_child = descent_begin,
	.thread_start = descent_begin,
	.thread_size = sizeof(struct thread),
	.calls = {
		CHANNEL_CALLS,
	});
