/*
 * ctx: boot | entry, for all here.
 */
#include "rt/hook/options.h"

#include "core/format.h"
#include "core/string.h"
#include "rt/base/message.h"

#define KEYS 16u /* that are named in a message; of more than 64 options all are taken for known */

static struct {
	const char *hook;
	const char *keys[KEYS]; /* that were looked up */
	unsigned count;
	uint64_t found; /* a bit for each option */
	bool refused;
} start;

void rt_options_begin(const char *hook)
{
	start.hook = hook;
	start.count = 0;
	start.found = 0;
	start.refused = false;
}

static void note_key(const char *key)
{
	for (unsigned i = 0; i < start.count; i++)
		if (core_equal(start.keys[i], key))
			return;
	if (start.count < KEYS)
		start.keys[start.count++] = key;
}

static size_t key_length(const char *option)
{
	size_t length = 0;

	while (option[length] && option[length] != '=')
		length++;
	return length;
}

/* options->text has KEY=VALUE strings, one after the other. An empty string ends them. */
const char *rt_options_find(const struct k23_options *options, const char *key)
{
	const char *value = NULL;
	unsigned number = 0;

	note_key(key);
	for (const char *at = options->text; *at; at += core_strlen(at) + 1, number++) {
		size_t length = key_length(at);

		if (length != core_strlen(key) || memcmp(at, key, length) != 0)
			continue;
		start.found |= number < 64 ? 1ul << number : 0;
		value = value ? value : at + length + (at[length] == '=');
	}
	return value;
}

static void name_unknown(const char *option)
{
	char text[512];
	long length = 0;

	for (unsigned i = 0; i < start.count && length < (long)sizeof(text); i++)
		length += core_print(text + length, sizeof(text) - (size_t)length, "%s%s", i ? ", " : "; it has ",
				     start.keys[i]);
	rt_message("hook %s has no option %.*s%s", start.hook, (int)key_length(option), option,
		   start.count ? text : "");
}

bool rt_options_known(const struct k23_options *options)
{
	unsigned number = 0;

	for (const char *at = options->text; *at && number < 64; at += core_strlen(at) + 1, number++)
		if (!(start.found >> number & 1)) {
			name_unknown(at);
			return false;
		}
	return true;
}

void rt_options_refuse(const char *why)
{
	start.refused = true;
	rt_message("hook %s refuses to start: %s", start.hook, why);
}

bool rt_options_refused(void)
{
	return start.refused;
}
