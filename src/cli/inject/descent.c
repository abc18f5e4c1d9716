#include "cli/inject/descent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void descent_write(char text[DESCENT_TEXT], const struct k23_descent *descent)
{
	int length = snprintf(text, DESCENT_TEXT, "%u", K23_DESCENT_FIRST);

	if (descent->depth > K23_DESCENT_STEPS) {
		snprintf(text, DESCENT_TEXT, "%llx", (unsigned long long)descent->id);
		return;
	}
	for (uint32_t i = 0; i < descent->depth; i++)
		length += snprintf(text + length, DESCENT_TEXT - (size_t)length, ".%u", descent->steps[i]);
}

static bool read_number(const char **text, int base, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(*text, &end, base);
	/* strtoull() takes signs and blanks, too. */
	if (end == *text || errno || *number > max || !strchr("0123456789abcdefABCDEF", **text))
		return false;
	*text = end;
	return true;
}

bool descent_read(const char *text, uint64_t *id)
{
	struct k23_descent descent = { .id = K23_DESCENT_FIRST };
	uint64_t number;

	if (!strchr(text, '.'))
		return read_number(&text, 16, UINT64_MAX, id) && !*text;
	if (!read_number(&text, 10, UINT32_MAX, &number) || number != K23_DESCENT_FIRST)
		return false;
	while (*text++ == '.') {
		if (!read_number(&text, 10, UINT32_MAX, &number) || !number)
			return false;
		descent = k23_descent_child(&descent, (uint32_t)number);
	}
	*id = descent.id;
	return !text[-1];
}
