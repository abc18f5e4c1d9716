#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <k23/types.h>

#include "cli/call_set.h"
#include "cli/cli.h"
#include "core/describe.h"

static const uint32_t arches[] = { [K23_CHANNEL_X86_64] = K23_ARCH_X86_64, [K23_CHANNEL_I386] = K23_ARCH_I386 };
#define BOTH ~0u

static const struct {
	const char *name, *calls;
} sets[] = {
#include "call_sets.inc"
};

/* What is being selected. */
struct selection {
	struct k23_ring_calls *set;
	bool wanted;	 /* these calls, or all but these */
	unsigned arches; /* a bit for each enum k23_channel_arch */
};

static void select_all(struct selection *to, bool wanted)
{
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
		if (!(to->arches >> arch & 1))
			continue;
		memset(to->set->bits[arch], wanted ? 0xff : 0, sizeof(to->set->bits[arch]));
		to->set->others[arch] = wanted;
	}
}

static void select_number(struct selection *to, int arch, long nr)
{
	uint64_t *word = &to->set->bits[arch][nr / 64];

	if (!(to->arches >> arch & 1))
		return;
	if (to->wanted)
		*word |= 1ull << nr % 64;
	else
		*word &= ~(1ull << nr % 64);
}

/* Selects the call of a name, in each architecture that has it. False: none has. */
static bool select_call(struct selection *to, const char *name, size_t length)
{
	char *copy = strndup(name, length);
	bool found = false;

	if (!copy)
		die(EXIT_K23, "out of memory");
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
		long nr = core_syscall_number(arches[arch], copy);

		if (nr < 0 || nr >= (long)K23_NUMBERS)
			continue;
		found = true;
		select_number(to, arch, nr);
	}
	free(copy);
	return found;
}

/* Selects the calls of a set. False: there is no such set. */
static bool select_set(struct selection *to, const char *name)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (strcmp(sets[i].name, name) != 0)
			continue;
		for (const char *call = sets[i].calls; *call; call += strspn(call, " ")) {
			size_t length = strcspn(call, " ");

			select_call(to, call, length);
			call += length;
		}
		return true;
	}
	return false;
}

/* Selects the calls whose name matches. False: the expression is wrong, or no name matches. */
static bool select_matching(struct selection *to, const char *expression)
{
	bool found = false;
	regex_t regex;

	if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
		for (long nr = 0; nr < (long)K23_NUMBERS; nr++) {
			struct k23_syscall_info info;

			if (!core_describe(arches[arch], nr, &info) || regexec(&regex, info.name, 0, NULL, 0) != 0)
				continue;
			found = true;
			select_number(to, arch, nr);
		}
	regfree(&regex);
	return found;
}

/* Selects the call of a number. False: there can be none. */
static bool select_digits(struct selection *to, const char *word)
{
	char *end;
	unsigned long nr = strtoul(word, &end, 10);

	if (*end || nr >= K23_NUMBERS)
		return false;
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
		select_number(to, arch, (long)nr);
	return true;
}

/* Selects what one word of the list stands for. False: nothing. */
static bool select_word(struct selection *to, char *word)
{
	static const struct {
		const char *suffix;
		unsigned arches;
	} suffixes[] = { { "@64", 1u << K23_CHANNEL_X86_64 }, { "@32", 1u << K23_CHANNEL_I386 }, { "@x32", 0 } };
	static const char *const plain[] = { "desc", "file", "memory", "process", "signal", "ipc", "network" };
	bool may_lack = *word == '?';
	char *at;

	word += strspn(word, "?");
	at = *word == '/' ? NULL : strrchr(word, '@');
	to->arches = BOTH;
	for (size_t i = 0; at && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(at, suffixes[i].suffix) == 0) {
			to->arches = suffixes[i].arches;
			*at = '\0';
		}
	if (strcmp(word, "all") == 0)
		return select_all(to, to->wanted), true;
	if (*word == '/')
		return select_matching(to, word + 1) || may_lack;
	if (*word == '%')
		return select_set(to, strcmp(word, "%net") == 0 ? "network" : word + 1) || may_lack;
	if (*word >= '0' && *word <= '9')
		return select_digits(to, word) || may_lack;
	/* These sets once had no % before their names. */
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(word, plain[i]) == 0)
			return select_set(to, word);
	return select_call(to, word, strlen(word)) || may_lack;
}

char *call_set_read(struct k23_ring_calls *set, const char *text)
{
	size_t negations = strspn(text, "!");
	struct selection selection = { set, negations % 2 == 0, BOTH };
	char *list, *rest, *word, *wrong = NULL;
	bool any = false;

	text += negations;
	select_all(&selection, !selection.wanted);
	if (strcmp(text, "none") == 0)
		return NULL;
	list = rest = strdup(text);
	if (!list)
		die(EXIT_K23, "out of memory");
	while (!wrong && (word = strsep(&rest, ","))) {
		char *whole;

		if (!*word)
			continue;
		any = true;
		whole = strdup(word);
		if (!whole)
			die(EXIT_K23, "out of memory");
		if (select_word(&selection, word))
			free(whole);
		else
			wrong = whole;
	}
	free(list);
	return any ? wrong : strdup(text);
}

void call_set_parse(struct k23_ring_calls *set, const char *text)
{
	char *wrong = call_set_read(set, text);

	if (wrong)
		die_usage("trace", "there is no system call or set of calls '%s'", wrong);
}
