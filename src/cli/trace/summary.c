#include <stdlib.h>
#include <string.h>

#include <k23/types.h>

#include "cli/trace/options.h"
#include "cli/trace/summary.h"
#include "core/describe.h"

#define OTHER 1024u /* numbers from K23_NUMBERS on are looked for one by one */

struct row {
	char name[32];
	uint32_t arch;
	int64_t nr;
	uint64_t calls, errors, cycles, least, most;
};

struct summary {
	struct row *rows;
	size_t count, room;
	int32_t of_number[2][K23_NUMBERS]; /* a row's number and 1; 0: none yet */
};

enum column { PERCENT, TOTAL, LEAST, MOST, AVERAGE, CALLS, ERRORS, NAME, COLUMNS };

static const struct {
	const char *names; /* separated by spaces */
	const char *heading;
	int width;
} columns[] = {
	[PERCENT] = { "time-percent time time-percentage", "% time", 6 },
	[TOTAL] = { "total-time time-total total", "seconds", 11 },
	[LEAST] = { "min-time time-min shortest min", "shortest", 8 },
	[MOST] = { "max-time time-max longest max", "longest", 8 },
	[AVERAGE] = { "avg-time time-avg", "usecs/call", 11 },
	[CALLS] = { "calls count", "calls", 9 },
	[ERRORS] = { "errors error", "errors", 9 },
	[NAME] = { "name syscall syscall-name", "syscall", -16 },
};

/* The columns that are shown, ended by COLUMNS. */
struct shown {
	enum column at[COLUMNS + 1];
};

static bool is_among(const char *names, const char *word, size_t length)
{
	for (const char *name = names; *name; name += strspn(name, " ")) {
		size_t size = strcspn(name, " "), i = 0;

		while (i < length && (word[i] == '_' ? '-' : word[i]) == name[i])
			i++;
		if (size == length && i == length)
			return true;
		name += size;
	}
	return false;
}

static enum column find_column(const char *word, size_t length)
{
	enum column column = 0;

	while (column < COLUMNS && !is_among(columns[column].names, word, length))
		column++;
	return column;
}

/* The column by which rows are sorted; COLUMNS: they are not. */
static enum column parse_order(const char *order)
{
	enum column column = find_column(order, strlen(order));

	if (column == COLUMNS && strcmp(order, "nothing") != 0 && strcmp(order, "none") != 0)
		die_usage("trace", "-S takes one of %s, not %s", SUMMARY_ORDERS, order);
	return column;
}

static struct shown parse_columns(const char *list)
{
	struct shown shown;
	unsigned count = 0, seen = 0;

	for (const char *word = list; *word; word += *word == ',') {
		size_t length = strcspn(word, ",");
		enum column column = find_column(word, length);

		if (column == COLUMNS)
			die_usage("trace", "-U: there is no column '%.*s'", (int)length, word);
		if (seen >> column & 1)
			die_usage("trace", "-U: the column '%.*s' is there twice", (int)length, word);
		seen |= 1u << column;
		shown.at[count++] = column;
		word += length;
	}
	if (!(seen >> NAME & 1))
		shown.at[count++] = NAME;
	shown.at[count] = COLUMNS;
	return shown;
}

static const char *order_of(const struct trace_summary *wanted)
{
	return wanted->order ? wanted->order : "time";
}

static const char *columns_of(const struct trace_summary *wanted)
{
	return wanted->columns ? wanted->columns : "time-percent,total-time,avg-time,calls,errors,name";
}

void summary_check(const struct trace_summary *wanted)
{
	parse_order(order_of(wanted));
	parse_columns(columns_of(wanted));
}

struct summary *summary_create(void)
{
	struct summary *summary = calloc(1, sizeof(*summary));

	if (!summary)
		die(EXIT_K23, "out of memory");
	return summary;
}

static struct row *add_row(struct summary *summary, uint32_t arch, int64_t nr)
{
	struct k23_syscall_info info;
	struct row *row;

	if (summary->count == summary->room) {
		summary->room = summary->room ? 2 * summary->room : 64;
		summary->rows = reallocarray(summary->rows, summary->room, sizeof(*summary->rows));
		if (!summary->rows)
			die(EXIT_K23, "out of memory");
	}
	row = &summary->rows[summary->count++];
	*row = (struct row){ .arch = arch, .nr = nr, .least = UINT64_MAX };
	if (core_describe(arch, (long)nr, &info))
		snprintf(row->name, sizeof(row->name), "%s%s", arch == K23_ARCH_I386 ? "i386:" : "", info.name);
	else
		snprintf(row->name, sizeof(row->name), "syscall_0x%llx", (unsigned long long)nr);
	return row;
}

static struct row *find_row(struct summary *summary, uint32_t arch, int64_t nr)
{
	bool known = nr >= 0 && nr < (int64_t)K23_NUMBERS;
	int32_t *number = known ? &summary->of_number[arch == K23_ARCH_I386][nr] : NULL;

	for (size_t i = 0; !known && i < summary->count; i++)
		if (summary->rows[i].nr == nr && summary->rows[i].arch == arch)
			return &summary->rows[i];
	if (number && *number)
		return &summary->rows[*number - 1];
	/* A program may make calls of endless many numbers. */
	if (!known && summary->count >= OTHER)
		return NULL;
	add_row(summary, arch, nr);
	if (number)
		*number = (int32_t)summary->count;
	return &summary->rows[summary->count - 1];
}

void summary_add(struct summary *summary, uint32_t arch, int64_t nr, uint64_t cycles, bool failed)
{
	struct row *row = find_row(summary, arch, nr);

	if (!row)
		return;
	row->calls++;
	row->errors += failed;
	row->cycles += cycles;
	row->least = cycles < row->least ? cycles : row->least;
	row->most = cycles > row->most ? cycles : row->most;
}

static enum column sorted_by;

static double key_of(const struct row *row)
{
	switch (sorted_by) {
	case LEAST:
		return (double)row->least;
	case MOST:
		return (double)row->most;
	case AVERAGE:
		return (double)row->cycles / (double)(row->calls ? row->calls : 1);
	case CALLS:
		return (double)row->calls;
	case ERRORS:
		return (double)row->errors;
	default:
		return (double)row->cycles;
	}
}

static int compare(const void *left, const void *right)
{
	double a = key_of(left), b = key_of(right);

	if (sorted_by == NAME || a == b)
		return strcmp(((const struct row *)left)->name, ((const struct row *)right)->name);
	return a < b ? 1 : -1;
}

static void print_cell(FILE *to, enum column column, const struct row *row, double whole, double rate, bool last)
{
	int width = columns[column].width;

	switch (column) {
	case PERCENT:
		fprintf(to, "%*.2f", width, whole > 0 ? 100 * (double)row->cycles / whole : 100);
		break;
	case TOTAL:
		fprintf(to, "%*.6f", width, (double)row->cycles * rate / 1e9);
		break;
	case LEAST:
		fprintf(to, "%*.6f", width, row->calls ? (double)row->least * rate / 1e9 : 0);
		break;
	case MOST:
		fprintf(to, "%*.6f", width, (double)row->most * rate / 1e9);
		break;
	case AVERAGE:
		fprintf(to, "%*.0f", width, row->calls ? (double)row->cycles * rate / 1e3 / (double)row->calls : 0);
		break;
	case CALLS:
		fprintf(to, "%*llu", width, (unsigned long long)row->calls);
		break;
	case ERRORS:
		if (row->errors)
			fprintf(to, "%*llu", width, (unsigned long long)row->errors);
		else if (!last)
			fprintf(to, "%*s", width, "");
		break;
	default:
		fprintf(to, last ? "%s" : "%-16s", row->name);
	}
}

static void print_row(FILE *to, const struct shown *shown, const struct row *row, double whole, double rate)
{
	for (size_t i = 0; shown->at[i] != COLUMNS; i++) {
		if (i)
			fputc(' ', to);
		print_cell(to, shown->at[i], row, whole, rate, shown->at[i + 1] == COLUMNS);
	}
	fputc('\n', to);
}

static void print_headings(FILE *to, const struct shown *shown)
{
	for (size_t i = 0; shown->at[i] != COLUMNS; i++) {
		bool last = shown->at[i + 1] == COLUMNS;
		int width = columns[shown->at[i]].width;

		fprintf(to, "%s%*s", i ? " " : "", last && width < 0 ? 0 : width, columns[shown->at[i]].heading);
	}
	fputc('\n', to);
}

static void print_rule(FILE *to, const struct shown *shown)
{
	static const char dashes[] = "----------------";

	for (size_t i = 0; shown->at[i] != COLUMNS; i++)
		fprintf(to, "%s%.*s", i ? " " : "", abs(columns[shown->at[i]].width), dashes);
	fputc('\n', to);
}

void summary_print(struct summary *summary, FILE *to, const struct trace_summary *wanted, double rate)
{
	struct shown shown = parse_columns(columns_of(wanted));
	struct row total = { .name = "total", .least = UINT64_MAX };

	sorted_by = parse_order(order_of(wanted));
	if (summary->count && sorted_by != COLUMNS)
		qsort(summary->rows, summary->count, sizeof(*summary->rows), compare);
	for (size_t i = 0; i < summary->count; i++) {
		const struct row *row = &summary->rows[i];

		total.calls += row->calls;
		total.errors += row->errors;
		total.cycles += row->cycles;
		total.least = row->least < total.least ? row->least : total.least;
		total.most = row->most > total.most ? row->most : total.most;
	}
	if (summary->count) {
		print_headings(to, &shown);
		print_rule(to, &shown);
		for (size_t i = 0; i < summary->count; i++)
			print_row(to, &shown, &summary->rows[i], (double)total.cycles, rate);
		print_rule(to, &shown);
		print_row(to, &shown, &total, (double)total.cycles, rate);
	}
	free(summary->rows);
	free(summary);
}
