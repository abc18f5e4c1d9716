#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inject/rules.h"
#include "core/describe.h"

static const uint32_t arches[] = { [K23_CHANNEL_X86_64] = K23_ARCH_X86_64, [K23_CHANNEL_I386] = K23_ARCH_I386 };

void inject_rules_add(struct inject_rules *rules, const char *text, const struct inject_defaults *defaults)
{
	static const struct {
		const char *name;
		int error;
	} kinds[] = { { "inject=", 0 }, { "fault=", ENOSYS } };
	int error = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(text, kinds[i].name, strlen(kinds[i].name)) == 0) {
			text += strlen(kinds[i].name);
			error = kinds[i].error;
			break;
		}
	rules->at = reallocarray(rules->at, rules->count + 1, sizeof(*rules->at));
	if (!rules->at)
		die(EXIT_K23, "out of memory");
	inject_rule_parse(&rules->at[rules->count++], text, error, defaults);
}

static bool has_call(const struct k23_ring_calls *calls, int arch, long nr)
{
	return calls->bits[arch][nr / 64] >> nr % 64 & 1;
}

static void remove_calls(struct k23_ring_calls *from, const struct k23_ring_calls *calls, bool those_in_it)
{
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
		for (size_t i = 0; i < K23_NUMBERS / 64; i++)
			from->bits[arch][i] &= those_in_it ? ~calls->bits[arch][i] : calls->bits[arch][i];
}

void inject_rules_restrict(struct inject_rules *rules, const struct k23_ring_calls *shown, char *const *paths,
			   size_t path_count)
{
	for (size_t i = 0; i < rules->count; i++) {
		remove_calls(&rules->at[i].fixed.calls, shown, false);
		for (size_t later = i + 1; later < rules->count; later++)
			remove_calls(&rules->at[i].fixed.calls, &rules->at[later].fixed.calls, true);
		for (size_t path = 0; path < path_count; path++)
			inject_rule_add_path(&rules->at[i], paths[path]);
	}
}

/* --- counters */

/* The counters of a rule, one for each of its calls. */
struct counters {
	uint16_t of[K23_CHANNEL_ARCHES * K23_NUMBERS];
	uint16_t count;
};

/* The number of the call with the same name in x86-64. It is below 0 if there is none. */
static long number_in_x86_64(int arch, long nr)
{
	struct k23_syscall_info info;

	if (!core_describe(arches[arch], nr, &info))
		return -1;
	return core_syscall_number(K23_ARCH_X86_64, info.name);
}

/* Calls that have the same name have the same counter, as i386 calls often have. */
static void count_calls(struct counters *counters, const struct inject_rule *rule, uint32_t *used)
{
	int of_x86_64[K23_NUMBERS];

	for (size_t nr = 0; nr < K23_NUMBERS; nr++)
		of_x86_64[nr] = -1;
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
		for (long nr = 0; nr < (long)K23_NUMBERS; nr++) {
			long same = number_in_x86_64(arch, nr);
			bool shared = same >= 0 && of_x86_64[same] >= 0;

			if (!has_call(&rule->fixed.calls, arch, nr))
				continue;
			counters->of[counters->count++] = (uint16_t)(shared ? (uint32_t)of_x86_64[same] : (*used)++);
			if (same >= 0)
				of_x86_64[same] = counters->of[counters->count - 1];
		}
}

/* --- encoding */

static void add_rule(struct bytes *to, const struct inject_rule *rule, uint32_t *used)
{
	static const char padding[8];
	struct counters counters = { .count = 0 };
	struct k23_inject_rule fixed = rule->fixed;
	size_t begin = to->size, size;

	if (rule->counts)
		count_calls(&counters, rule, used);
	fixed.counters = counters.count;
	fixed.items = rule->item_count;
	bytes_add(to, &fixed, sizeof(fixed));
	size = counters.count * sizeof(counters.of[0]);
	bytes_add(to, counters.of, size);
	bytes_add(to, padding, -size & 7);
	bytes_add(to, rule->items.data, rule->items.size);
	fixed.size = (uint32_t)(to->size - begin);
	memcpy(to->data + begin, &fixed, sizeof(fixed));
}

static uint32_t count_pairs(const struct inject_rules *rules)
{
	uint32_t pairs = 0;

	for (size_t i = 0; i < rules->count; i++)
		for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
			for (long nr = 0; nr < (long)K23_NUMBERS; nr++)
				pairs += has_call(&rules->at[i].fixed.calls, arch, nr);
	return pairs;
}

/* The rules as the hook gets them. */
static struct bytes encode(const struct inject_rules *rules, const char *command)
{
	struct k23_inject_rules header = { .version = K23_INJECT_VERSION, .count = (uint32_t)rules->count };
	struct bytes bytes = { 0 };

	bytes_add(&bytes, &header, sizeof(header));
	for (size_t i = 0; i < rules->count; i++)
		add_rule(&bytes, &rules->at[i], &header.counters);
	header.size = (uint32_t)bytes.size;
	memcpy(bytes.data, &header, sizeof(header));
	if (header.counters > K23_INJECT_COUNTERS)
		die_usage(command, "rules that count occurrences can be about %u calls; give smaller sets of calls",
			  K23_INJECT_COUNTERS);
	if (rules->count > K23_INJECT_RULES || bytes.size > K23_INJECT_SIZE || count_pairs(rules) > K23_INJECT_PAIRS)
		die_usage(command, "there is no room for so many rules; give at most %u, and smaller sets of calls",
			  K23_INJECT_RULES);
	return bytes;
}

char *inject_hook_spec(const struct inject_rules *rules, const struct segment *segment, size_t at, bool beside,
		       const char *command)
{
	char *memory = segment_hook_spec(segment, "inject"), *spec = NULL;
	struct bytes bytes = encode(rules, command);
	size_t size;
	FILE *text = open_memstream(&spec, &size);

	if (!text)
		die(EXIT_K23, "out of memory");
	fprintf(text, "%s,at=%zx%s,rules=", memory, at, beside ? ",beside" : "");
	for (size_t i = 0; i < bytes.size; i++)
		fprintf(text, "%02x", bytes.data[i]);
	if (fclose(text) != 0)
		die(EXIT_K23, "out of memory");
	free(bytes.data);
	free(memory);
	return spec;
}
