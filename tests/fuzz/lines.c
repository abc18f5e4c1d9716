/* What is read by lines: the log of observed sites, and a store as text. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "sites/exchange.h"

static void read_log(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = bytes + size;

	while (bytes < end) {
		const uint8_t *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t length = (size_t)((newline ? newline : end) - bytes);
		char *line = malloc(length + 1);
		struct site_log_line parsed;

		if (!line)
			return;
		memcpy(line, bytes, length);
		line[length] = 0;
		if (site_log_line_parse(line, &parsed))
			MUST(*parsed.path == '/' && parsed.path > line && parsed.path <= line + length);
		free(line);
		bytes += length + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct store store, again;
	char *text = NULL;
	size_t text_size = 0;
	uint64_t line;
	FILE *file;

	read_log(bytes, size);
	if (!size)
		return 0;
	file = fmemopen((void *)(uintptr_t)bytes, size, "r");
	if (!file)
		return 0;
	if (exchange_read_text(file, &store, &line) == 0) {
		FILE *to = open_memstream(&text, &text_size);

		/* What is written is what is read. */
		exchange_write_text(to, &store);
		fclose(to);
		to = fmemopen(text, text_size, "r");
		MUST(exchange_read_text(to, &again, &line) == 0 && again.files.count == store.files.count);
		for (size_t i = 0; i < store.files.count; i++)
			MUST(known_valid(&store.files.at[i]) &&
			     again.files.at[i].site_count == store.files.at[i].site_count &&
			     memcmp(again.files.at[i].sites, store.files.at[i].sites,
				    store.files.at[i].site_count * sizeof(struct store_site)) == 0);
		fclose(to);
		free(text);
		store_free(&again);
	}
	store_free(&store);
	fclose(file);
	return 0;
}
