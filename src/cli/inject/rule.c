#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/call_set.h"
#include "cli/cli.h"
#include "cli/inject/descent.h"
#include "cli/inject/rule.h"
#include "cli/name_set.h"
#include "core/describe.h"
#include "core/error_name.h"

#define MAX_ERRNO 4095
#define MAX_OCCURRENCE UINT32_MAX
#define ALWAYS (1ull << 32) /* of 2^32 */
#define MAX_DELAY 1e18	    /* nanoseconds: 31 years */
#define ARGUMENTS 6

static const uint32_t arches[] = { [K23_CHANNEL_X86_64] = K23_ARCH_X86_64, [K23_CHANNEL_I386] = K23_ARCH_I386 };

/* What is being read. */
struct parse {
	struct inject_rule *rule;
	const struct inject_defaults *defaults;
	uint64_t seen; /* tokens: a bit for each row of the table */
	bool when;     /* there are occurrences */
};

static __attribute__((noreturn)) void wrong(const struct parse *parse, const char *what, const char *value)
{
	die_usage(parse->defaults->command, "the rule '%s': %s '%s'", parse->rule->text, what, value);
}

bool inject_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *value <= max;
}

bool inject_scope(const char *text, uint8_t *scope)
{
	*scope = strcmp(text, "run") == 0 ? K23_INJECT_RUN : K23_INJECT_THREAD;
	return *scope == K23_INJECT_RUN || strcmp(text, "thread") == 0;
}

static void add_item(struct inject_rule *rule, struct k23_inject_item item, const void *data, size_t size)
{
	static const char padding[8];

	item.size = (uint32_t)size;
	bytes_add(&rule->items, &item, sizeof(item));
	bytes_add(&rule->items, data, size);
	bytes_add(&rule->items, padding, -size & 7);
	rule->item_count++;
}

/* Drops the items of a kind. */
static void drop_items(struct inject_rule *rule, enum k23_inject_kind kind)
{
	struct bytes old = rule->items;
	size_t at = 0;

	memset(&rule->items, 0, sizeof(rule->items));
	rule->item_count = 0;
	while (at < old.size) {
		struct k23_inject_item item;

		memcpy(&item, old.data + at, sizeof(item));
		if (item.kind != kind)
			add_item(rule, item, old.data + at + sizeof(item), item.size);
		at += sizeof(item) + ((item.size + 7) & ~7u);
	}
	free(old.data);
}

void inject_rule_add_path(struct inject_rule *rule, const char *path)
{
	add_item(rule, (struct k23_inject_item){ .kind = K23_INJECT_PATH, .how = K23_INJECT_AS_IS }, path,
		 strlen(path) + 1);
}

/* --- what is done */

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} others[] = {
		{ "EWOULDBLOCK", EWOULDBLOCK }, { "EDEADLOCK", EDEADLOCK }, { "ENOTSUP", ENOTSUP },
		/* The kernel's own. */
		{ "ERESTARTSYS", 512 }, { "ERESTARTNOINTR", 513 }, { "ERESTARTNOHAND", 514 }, { "ENOIOCTLCMD", 515 },
		{ "ERESTART_RESTARTBLOCK", 516 },
	};
	uint64_t value;

	if (inject_number(name, MAX_ERRNO, &value))
		return (int)value;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcasecmp(name, others[i].name) == 0)
			return others[i].number;
	for (int number = 1; number <= MAX_ERRNO; number++)
		if (core_error_name(number) && strcasecmp(core_error_name(number), name) == 0)
			return number;
	return 0;
}

static void set_result(struct parse *parse, int64_t result)
{
	if (parse->rule->fixed.actions & K23_INJECT_RESULT)
		die_usage(parse->defaults->command, "the rule '%s' has more than one of error=, retval= and eintr",
			  parse->rule->text);
	parse->rule->fixed.actions |= K23_INJECT_RESULT;
	parse->rule->fixed.result = result;
}

static void take_error(struct parse *parse, char *value)
{
	int number = error_number(value);

	if (!number)
		wrong(parse, "there is no error", value);
	set_result(parse, -number);
}

static void take_retval(struct parse *parse, char *value)
{
	uint64_t result;
	char *end;

	errno = 0;
	result = strtoull(value, &end, 0);
	if (!*value || *end || errno)
		wrong(parse, "retval= takes a number, not", value);
	if (result > -4096ull)
		complain("the program takes retval=%s for the error %lld", value, -(long long)result);
	set_result(parse, (int64_t)result);
}

static void take_made(struct parse *parse, char *value)
{
	if (value)
		wrong(parse, "made takes no value:", value);
	parse->rule->fixed.actions |= K23_INJECT_MADE;
}

static void take_signal(struct parse *parse, char *value)
{
	int sig = name_set_signal(value);

	if (!sig)
		wrong(parse, "there is no signal", value);
	parse->rule->fixed.actions |= K23_INJECT_SIGNAL;
	parse->rule->fixed.signal = (uint8_t)sig;
}

static void take_syscall(struct parse *parse, char *value)
{
	long nr = core_syscall_number(K23_ARCH_X86_64, value);
	struct k23_ring_calls pure;
	char *unknown = call_set_read(&pure, "%pure");

	free(unknown);
	if (nr < 0 || !k23_ring_has_call(&pure, K23_ARCH_X86_64, nr))
		wrong(parse, "syscall= takes a call of the set %pure, not", value);
	parse->rule->fixed.actions |= K23_INJECT_SUBSTITUTE;
	parse->rule->fixed.substitute = nr;
}

/* A time in nanoseconds: a decimal number and a unit, `bare` if there is none. Below 0: it is no time. */
static double read_time(const char *text, double bare)
{
	const struct {
		const char *name;
		double nanoseconds;
	} units[] = { { "", bare }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 } };
	char *end;
	double number = strtod(text, &end);
	size_t i = 0;

	while (i < sizeof(units) / sizeof(units[0]) && strcmp(end, units[i].name) != 0)
		i++;
	if (end == text || i == sizeof(units) / sizeof(units[0]) || text[strspn(text, "0123456789.eE+-muns")] ||
	    !(number >= 0) || number * units[i].nanoseconds > MAX_DELAY)
		return -1;
	return number * units[i].nanoseconds;
}

double inject_seconds(const char *command, const char *option, const char *text)
{
	double time = read_time(text, 1e9);

	if (!(time > 0))
		die_usage(command, "%s takes a time in seconds, or with ms, us or ns, not %s", option, text);
	return time / 1e9;
}

static uint64_t read_delay(struct parse *parse, const char *value)
{
	double time = read_time(value, 1e3);

	if (time < 0)
		wrong(parse, "a delay is a number with s, ms, us or ns, not", value);
	return (uint64_t)time;
}

static void take_delay_enter(struct parse *parse, char *value)
{
	parse->rule->fixed.actions |= K23_INJECT_DELAY_ENTER;
	parse->rule->fixed.delay_enter = read_delay(parse, value);
}

static void take_delay_exit(struct parse *parse, char *value)
{
	parse->rule->fixed.actions |= K23_INJECT_DELAY_EXIT;
	parse->rule->fixed.delay_exit = read_delay(parse, value);
}

/* The value of two hexadecimal digits, or -1. */
static int hex_byte(const char *text)
{
	char digits[3] = { text[0], text[1], '\0' };

	if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
		return -1;
	return (int)strtoul(digits, NULL, 16);
}

/* @argN=HEX[,@argM=HEX]... */
static void take_poke(struct parse *parse, char *value, enum k23_inject_kind kind)
{
	unsigned arguments = 0;
	char *word;

	while ((word = strsep(&value, ","))) {
		struct k23_inject_item item = { .kind = (uint8_t)kind };
		size_t size = strlen(word) > 6 ? strlen(word) - 6 : 0;

		if (strncmp(word, "@arg", 4) != 0 || word[4] < '1' || word[4] > '0' + ARGUMENTS || word[5] != '=' ||
		    !size || size % 2)
			wrong(parse, "what is written is @arg1=DATA to @arg6=DATA, with an even number of "
				     "hexadecimal digits, not", word);
		item.at = (uint8_t)(word[4] - '1');
		if (arguments & 1u << item.at)
			wrong(parse, "an argument is written to once, not again by", word);
		arguments |= 1u << item.at;
		for (size_t i = 0; i < size / 2; i++) {
			int byte = hex_byte(word + 6 + 2 * i);

			if (byte < 0)
				wrong(parse, "these are not hexadecimal digits:", word + 6 + 2 * i);
			word[i] = (char)byte;
		}
		add_item(parse->rule, item, word, size / 2);
	}
}

static void take_poke_enter(struct parse *parse, char *value)
{
	take_poke(parse, value, K23_INJECT_POKE_ENTER);
}

static void take_poke_exit(struct parse *parse, char *value)
{
	take_poke(parse, value, K23_INJECT_POKE_EXIT);
}

static void take_short(struct parse *parse, char *value)
{
	size_t length = strlen(value);
	bool percent = length && value[length - 1] == '%';
	uint64_t number;

	if (percent)
		value[length - 1] = '\0';
	if (!inject_number(value, percent ? 99 : UINT64_MAX, &number) || !number)
		wrong(parse, "short= takes a number of bytes, or 1% to 99%, not", value);
	parse->rule->fixed.actions |= K23_INJECT_SHORT;
	if (percent)
		parse->rule->fixed.percent = (uint8_t)number;
	else
		parse->rule->fixed.bytes = number;
}

/* --- with which occurrences */

static void add_when(struct parse *parse, uint64_t first, uint64_t last, uint64_t step, uint64_t burst)
{
	struct k23_inject_item item = { .kind = K23_INJECT_WHEN, .a = first, .b = last, .c = step, .d = burst };

	add_item(parse->rule, item, NULL, 0);
	parse->when = true;
}

/* FIRST[..LAST][+[STEP]]. False: it is not that. */
static bool read_when(struct parse *parse, char *text)
{
	char *step = strchr(text, '+'), *range;
	uint64_t first, last, every = 1;

	if (step)
		*step++ = '\0';
	range = strstr(text, "..");
	if (range)
		*range = '\0';
	if (!inject_number(text, MAX_OCCURRENCE, &first) || !first)
		return false;
	last = step ? UINT64_MAX : first;
	if (range && (!inject_number(range + 2, MAX_OCCURRENCE, &last) || last < first))
		return false;
	if (step && *step && (!inject_number(step, MAX_OCCURRENCE, &every) || !every))
		return false;
	add_when(parse, first, last, every, 1);
	return true;
}

static void take_when(struct parse *parse, char *value)
{
	char *word;

	drop_items(parse->rule, K23_INJECT_WHEN);
	while ((word = strsep(&value, ","))) {
		char *whole = strdup(word);

		if (!read_when(parse, word))
			wrong(parse, "occurrences are FIRST[..LAST][+[STEP]], or several with commas, not",
			      whole ? whole : "");
		free(whole);
	}
	parse->rule->counts = true;
}

/* Each call is interrupted N times, and then made. */
static void take_eintr(struct parse *parse, char *value)
{
	uint64_t times = 1;

	if (value && (!inject_number(value, MAX_OCCURRENCE, &times) || !times))
		wrong(parse, "eintr= takes how often each call is interrupted, not", value);
	set_result(parse, -EINTR);
	if (!parse->when)
		add_when(parse, 1, UINT64_MAX, times + 1, times);
	parse->rule->counts = true;
}

static void take_probability(struct parse *parse, char *value)
{
	char *end;
	double number = strtod(value, &end);

	if (end != value && *end == '%') {
		number /= 100;
		end++;
	}
	if (!*value || *end || !(number > 0 && number <= 1))
		wrong(parse, "probability= takes a number above 0 and up to 1, or 100%, not", value);
	parse->rule->fixed.chance = (uint64_t)(number * (double)ALWAYS);
	parse->rule->counts = true;
}

static void take_seed(struct parse *parse, char *value)
{
	if (!inject_number(value, UINT64_MAX, &parse->rule->fixed.seed))
		wrong(parse, "seed= takes a number, not", value);
}

static void take_per(struct parse *parse, char *value)
{
	if (!inject_scope(value, &parse->rule->fixed.scope))
		wrong(parse, "calls are counted per thread or per run, not per", value);
}

/* --- with which calls */

static void take_path(struct parse *parse, char *value)
{
	if (!*value)
		wrong(parse, "path= takes a pattern, not", value);
	add_item(parse->rule, (struct k23_inject_item){ .kind = K23_INJECT_PATH, .how = K23_INJECT_PATTERN }, value,
		 strlen(value) + 1);
}

/* A pattern, or ! and one. */
static void take_from(struct parse *parse, char *value)
{
	bool others = *value == '!';

	if (!value[others])
		wrong(parse, "from= takes a pattern, not", value);
	add_item(parse->rule, (struct k23_inject_item){ .kind = K23_INJECT_FROM, .how = others }, value + others,
		 strlen(value + others) + 1);
}

/* N or N..M, or several with commas. */
static void take_fd(struct parse *parse, char *value)
{
	char *word;

	while ((word = strsep(&value, ","))) {
		struct k23_inject_item item = { .kind = K23_INJECT_DESCRIPTOR };
		char *range = strstr(word, "..");

		if (range)
			*range = '\0';
		if (!inject_number(word, INT32_MAX, &item.a) ||
		    !inject_number(range ? range + 2 : word, INT32_MAX, &item.b))
			wrong(parse, "fd= takes descriptors, not", word);
		add_item(parse->rule, item, NULL, 0);
	}
}

static void take_thread(struct parse *parse, char *value)
{
	struct k23_inject_item item = { .kind = K23_INJECT_DESCENT };

	if (!descent_read(value, &item.a))
		wrong(parse, "thread= takes a thread as 1.2 is the second child of the first, not", value);
	add_item(parse->rule, item, NULL, 0);
}

/* What follows "argN": a comparison and a number. */
static void take_argument(struct parse *parse, char *text)
{
	static const struct {
		const char *sign;
		uint8_t how;
	} signs[] = { { "!=", K23_INJECT_NOT_EQUAL }, { "=", K23_INJECT_EQUAL }, { "<", K23_INJECT_LESS },
		      { ">", K23_INJECT_GREATER }, { "&", K23_INJECT_ANY_BIT } };
	struct k23_inject_item item = { .kind = K23_INJECT_ARGUMENT, .at = (uint8_t)(text[3] - '1') };
	size_t i = 0;
	char *end;

	text += 4;
	while (i < sizeof(signs) / sizeof(signs[0]) && strncmp(text, signs[i].sign, strlen(signs[i].sign)) != 0)
		i++;
	if (i == sizeof(signs) / sizeof(signs[0]))
		wrong(parse, "an argument is compared by =, !=, <, > or &, not by", text);
	item.how = signs[i].how;
	text += strlen(signs[i].sign);
	errno = 0;
	item.a = strtoull(text, &end, 0);
	if (!*text || *end || errno)
		wrong(parse, "an argument is compared with a number, not with", text);
	add_item(parse->rule, item, NULL, 0);
}

/* --- all of it */

static const struct token {
	const char *name;
	void (*take)(struct parse *parse, char *value);
	bool repeats; /* may be given more than once */
	bool bare;    /* may have no value */
} tokens[] = {
	{ "error", take_error, true, false }, /* that there are two is said by take_error() */
	{ "retval", take_retval, true, false },
	{ "made", take_made, false, true },
	{ "signal", take_signal, false, false },
	{ "syscall", take_syscall, false, false },
	{ "delay_enter", take_delay_enter, false, false },
	{ "delay_exit", take_delay_exit, false, false },
	{ "poke_enter", take_poke_enter, false, false },
	{ "poke_exit", take_poke_exit, false, false },
	{ "when", take_when, true, false },
	{ "short", take_short, false, false },
	{ "eintr", take_eintr, false, true },
	{ "probability", take_probability, false, false },
	{ "seed", take_seed, false, false },
	{ "per", take_per, false, false },
	{ "path", take_path, true, false },
	{ "fd", take_fd, true, false },
	{ "from", take_from, true, false },
	{ "thread", take_thread, false, false },
};

static void take_token(struct parse *parse, char *text)
{
	char *value = strchr(text, '=');
	size_t length = value ? (size_t)(value - text) : strlen(text), i = 0;

	if (strncmp(text, "arg", 3) == 0 && text[3] >= '1' && text[3] <= '0' + ARGUMENTS)
		return take_argument(parse, text);
	while (i < sizeof(tokens) / sizeof(tokens[0]) &&
	       (strlen(tokens[i].name) != length || strncmp(tokens[i].name, text, length) != 0))
		i++;
	if (i == sizeof(tokens) / sizeof(tokens[0]) || (!value && !tokens[i].bare))
		wrong(parse, "there is nothing that could be injected by", text);
	if (parse->seen & 1ull << i && !tokens[i].repeats)
		die_usage(parse->defaults->command, "the rule '%s' has %s= more than once", parse->rule->text,
			  tokens[i].name);
	parse->seen |= 1ull << i;
	tokens[i].take(parse, value ? value + 1 : NULL);
}

/* Ends a part of the rule at the next colon; one behind a backslash is part of it. Returns what follows. */
static char *next_part(char *text)
{
	char *to = text;

	while (*text && *text != ':') {
		text += text[0] == '\\' && text[1] == ':';
		*to++ = *text++;
	}
	text += *text == ':';
	*to = '\0';
	return text;
}

/* Only calls that there are. */
static void take_calls(struct parse *parse, const char *text)
{
	struct k23_ring_calls *calls = &parse->rule->fixed.calls;
	char *unknown = call_set_read(calls, text);
	struct k23_syscall_info info;

	if (unknown)
		wrong(parse, "there is no system call or set of calls", unknown);
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
		calls->others[arch] = 0;
		for (long nr = 0; nr < (long)K23_NUMBERS; nr++)
			if (!core_describe(arches[arch], nr, &info))
				calls->bits[arch][nr / 64] &= ~(1ull << nr % 64);
	}
}

/* A call that does not return has no result. */
static void drop_endless_calls(struct parse *parse)
{
	static const char *const names[] = { "exit", "exit_group", "rt_sigreturn", "sigreturn" };
	struct k23_ring_calls *calls = &parse->rule->fixed.calls;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
			long nr = core_syscall_number(arches[arch], names[i]);

			if (nr >= 0)
				calls->bits[arch][nr / 64] &= ~(1ull << nr % 64);
		}
}

void inject_rule_parse(struct inject_rule *rule, const char *text, int error, const struct inject_defaults *defaults)
{
	static const uint32_t injections = K23_INJECT_RESULT | K23_INJECT_SIGNAL | K23_INJECT_SHORT |
					   K23_INJECT_DELAY_ENTER | K23_INJECT_DELAY_EXIT;
	struct parse parse = { .rule = rule, .defaults = defaults };
	char *copy = strdup(text), *rest, *part;

	if (!copy)
		die(EXIT_K23, "out of memory");
	*rule = (struct inject_rule){ .text = text };
	rule->fixed.scope = defaults->scope;
	rule->fixed.seed = defaults->seed;
	rule->fixed.chance = ALWAYS;
	rest = strchr(copy, ':');
	if (rest)
		*rest++ = '\0';
	take_calls(&parse, copy);
	while ((part = rest) && *part) {
		rest = next_part(part);
		if (*part)
			take_token(&parse, part);
	}
	if (error && !(rule->fixed.actions & K23_INJECT_RESULT))
		set_result(&parse, -error);
	if (rule->fixed.actions & K23_INJECT_RESULT)
		drop_endless_calls(&parse);
	if (!(rule->fixed.actions & injections) && !strstr(text, ":poke_"))
		die_usage(defaults->command, "the rule '%s' injects nothing: it needs an error=, retval=, signal=, "
			  "short=, eintr, delay_enter=, delay_exit=, poke_enter= or poke_exit=", text);
	free(copy);
}
