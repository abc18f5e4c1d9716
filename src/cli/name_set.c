#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/name_set.h"

/* Puts what a word stands for into the set. False: nothing. */
typedef bool take_fn(void *set, const char *word, const void *context);

/* Takes each word of the list. Returns whether "all" was among them. */
static bool each_word(const char *what, const char *text, take_fn *take, void *set, const void *context)
{
	char *list, *rest, *word;
	bool all = false, any = false;

	if (strcmp(text, "none") == 0)
		return false;
	list = rest = strdup(text);
	if (!list)
		die(EXIT_K23, "out of memory");
	while ((word = strsep(&rest, ","))) {
		if (!*word)
			continue;
		any = true;
		if (strcmp(word, "all") == 0)
			all = true;
		else if (!take(set, word, context))
			die_usage("trace", "'%s' is no %s", word, what);
	}
	free(list);
	if (!any)
		die_usage("trace", "'%s' is no %s", text, what);
	return all;
}

/* Whether a word is one of the names that are separated by spaces. */
static bool is_name(const char *word, const char *names)
{
	size_t length = strlen(word);

	for (; *names; names += strspn(names, " ")) {
		size_t size = strcspn(names, " ");

		if (size == length && strncmp(word, names, size) == 0)
			return true;
		names += size;
	}
	return false;
}

static bool take_name(void *set, const char *word, const void *context)
{
	const char *const *names = context;

	for (unsigned i = 0; names[i]; i++)
		if (is_name(word, names[i]))
			return *(uint64_t *)set |= 1ull << i, true;
	return false;
}

static uint64_t parse_bits(const char *what, const char *text, take_fn *take, const void *context)
{
	size_t negations = strspn(text, "!");
	bool negated = negations % 2 != 0;
	uint64_t set = 0;

	if (each_word(what, text + negations, take, &set, context))
		set = ~0ull;
	return negated ? ~set : set;
}

uint64_t name_set_parse(const char *what, const char *text, const char *const *names)
{
	return parse_bits(what, text, take_name, names);
}

int name_set_signal(const char *word)
{
	char *end;
	long number = strtol(word, &end, 10);

	if (*word && !*end)
		return number > 0 && number <= 64 ? (int)number : 0;
	if (strncasecmp(word, "SIG", 3) == 0)
		word += 3;
	for (int sig = 1; sig < 32; sig++)
		if (strcasecmp(word, sigabbrev_np(sig)) == 0)
			return sig;
	if (strcasecmp(word, "IO") == 0)
		return SIGIO;
	if (strncasecmp(word, "RT_", 3) == 0) {
		number = strtol(word + 3, &end, 10);
		return word[3] && !*end && number >= 0 && number <= 32 ? 32 + (int)number : 0;
	}
	return strcasecmp(word, "RTMIN") == 0 ? 32 : strcasecmp(word, "RTMAX") == 0 ? 64 : 0;
}

static bool take_signal(void *set, const char *word, const void *context)
{
	int sig = name_set_signal(word);

	(void)context;
	if (sig)
		*(uint64_t *)set |= 1ull << (sig - 1);
	return sig != 0;
}

uint64_t name_set_parse_signals(const char *text)
{
	return parse_bits("signal", text, take_signal, NULL);
}

static bool take_descriptor(void *set, const char *word, const void *context)
{
	struct k23_ring_descriptors *descriptors = set;
	unsigned long fd = strtoul(word, NULL, 10);

	(void)context;
	if (!*word || word[strspn(word, "0123456789")] || fd >= K23_RING_DESCRIPTORS)
		return false;
	descriptors->bits[fd / 64] |= 1ull << fd % 64;
	return true;
}

void name_set_parse_descriptors(struct k23_ring_descriptors *set, const char *text)
{
	size_t negations = strspn(text, "!");
	bool negated = negations % 2 != 0;

	*set = (struct k23_ring_descriptors){ 0 };
	if (each_word("descriptor from 0 to 65535", text + negations, take_descriptor, set, NULL)) {
		memset(set->bits, 0xff, sizeof(set->bits));
		set->others = 1;
	}
	if (!negated)
		return;
	set->others = !set->others;
	for (size_t i = 0; i < K23_RING_DESCRIPTORS / 64; i++)
		set->bits[i] = ~set->bits[i];
}
