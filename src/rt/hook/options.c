/*
 * ctx: boot | entry, for all here.
 */
#include "rt/hook/options.h"

#include "core/format.h"
#include "core/string.h"
#include "rt/base/message.h"

/* Of more than 64 options all are taken for known. */
static struct {
	const char *hook;
	char keys[256]; /* that were looked up, for a message: strings one after the other; more are left out */
	size_t keys_size;
	uint64_t found; /* a bit for each option */
	bool refused;
} start;

void rt_options_begin(const char *hook)
{
	start.hook = hook;
	start.keys_size = 0;
	start.found = 0;
	start.refused = false;
}

/* The hook may have the key for the time of the call only. */
static void note_key(const char *key)
{
	size_t size = core_strlen(key) + 1;

	for (size_t at = 0; at < start.keys_size; at += core_strlen(start.keys + at) + 1)
		if (core_equal(start.keys + at, key))
			return;
	if (size > sizeof(start.keys) - start.keys_size)
		return;
	memcpy(start.keys + start.keys_size, key, size);
	start.keys_size += size;
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
	char text[512] = "";
	size_t length = 0;

	for (size_t at = 0; at < start.keys_size; at += core_strlen(start.keys + at) + 1)
		length += (size_t)core_print(text + length, sizeof(text) - length, "%s%s", at ? ", " : "; it has ",
					     start.keys + at);
	rt_message("hook %s has no option %.*s%s", start.hook, (int)key_length(option), option, text);
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
