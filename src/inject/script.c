#include "inject/script.h"

#include <stddef.h>

/* ctx: entry */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* ctx: entry */
bool script_is(const char *head, long size)
{
	return size >= 2 && head[0] == '#' && head[1] == '!';
}

/* ctx: entry */
bool script_parse(char *head, long size, struct script *script)
{
	char *at = head + 2, *end = at;

	while (end < head + size && *end && *end != '\n')
		end++;
	while (at < end && is_blank(*at))
		at++;
	script->interpreter = at;
	while (at < end && !is_blank(*at))
		at++;
	/* The kernel would have to guess where a name ends of which it has not read the end. */
	if (at == script->interpreter || at >= head + SCRIPT_HEAD_SIZE)
		return false;
	while (end > at && is_blank(end[-1]))
		end--;
	*end = '\0';
	script->argument = NULL;
	if (at < end) {
		*at++ = '\0';
		while (is_blank(*at))
			at++;
		script->argument = at;
	}
	return true;
}
