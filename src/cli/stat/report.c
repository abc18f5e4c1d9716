#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/colour.h"
#include "cli/stat/report.h"
#include "core/describe.h"

static const struct {
	const char *name, *suffix;
	uint32_t arch;
} arches[] = {
	[K23_CHANNEL_X86_64] = { "x86_64", "", K23_ARCH_X86_64 },
	[K23_CHANNEL_I386] = { "i386", " (i386)", K23_ARCH_I386 },
};

static void name_row(struct stat_row *row)
{
	struct k23_syscall_info info;

	if (row->nr < 0)
		snprintf(row->name, sizeof(row->name), "no such number");
	else if (core_describe(arches[row->arch].arch, row->nr, &info))
		snprintf(row->name, sizeof(row->name), "%s", info.name);
	else
		snprintf(row->name, sizeof(row->name), "syscall_0x%lx", row->nr);
}

void stat_call_name(char name[STAT_NAME], unsigned call)
{
	struct stat_row row = {
		.arch = (enum k23_channel_arch)(call / K23_COUNTERS_NUMBERS),
		.nr = call % K23_COUNTERS_NUMBERS < K23_NUMBERS ? (long)(call % K23_COUNTERS_NUMBERS) : -1,
	};
	size_t length;

	name_row(&row);
	length = strlen(row.name);
	snprintf(row.name + length, sizeof(row.name) - length, "%s", arches[row.arch].suffix);
	memcpy(name, row.name, sizeof(row.name));
}

static double seconds_of(const struct stat_report *report, double cycles)
{
	return cycles * report->rate / 1e9;
}

static void add_row(struct stat_report *report, unsigned call, const struct stat_count *count,
		    struct stat_histogram *total)
{
	long nr = call % K23_COUNTERS_NUMBERS;
	struct stat_row *row = &report->rows[report->count++];
	struct stat_histogram histogram;

	*row = (struct stat_row){
		.arch = (enum k23_channel_arch)(call / K23_COUNTERS_NUMBERS),
		.nr = nr < (long)K23_NUMBERS ? nr : -1,
		.count = *count,
		.seconds = seconds_of(report, (double)count->cycles),
	};
	name_row(row);
	if (stat_counts_histogram(report->counters, call, &histogram)) {
		row->p50 = seconds_of(report, (double)stat_histogram_quantile(&histogram, 0.5, count->max));
		row->p99 = seconds_of(report, (double)stat_histogram_quantile(&histogram, 0.99, count->max));
		row->max = seconds_of(report, (double)count->max);
		stat_histogram_add(total, histogram.buckets);
	}
	report->total.count.calls += count->calls;
	report->total.count.errors += count->errors;
	report->total.count.max = count->max > report->total.count.max ? count->max : report->total.count.max;
	report->total.seconds += row->seconds;
}

void stat_report_read(struct stat_report *report, const struct k23_counters *counters, struct tsc_moment start,
		      struct tsc_moment end)
{
	static struct stat_count counts[STAT_CALLS];
	struct stat_histogram total = { 0 };
	uint64_t max;

	report->counters = counters;
	report->rate = tsc_rate(start, end);
	report->start = start.cycles;
	stat_counts_read(counters, counts);
	for (unsigned call = 0; call < STAT_CALLS; call++)
		if (counts[call].calls)
			add_row(report, call, &counts[call], &total);
	max = report->total.count.max;
	report->total.p50 = seconds_of(report, (double)stat_histogram_quantile(&total, 0.5, max));
	report->total.p99 = seconds_of(report, (double)stat_histogram_quantile(&total, 0.99, max));
	report->total.max = seconds_of(report, (double)max);
	stat_processes_read(&report->processes, counters);
}

static double average(const struct stat_row *row)
{
	return row->count.calls ? row->seconds / (double)row->count.calls : 0;
}

#define DESCENDING(a, b) (((a) < (b)) - ((a) > (b)))

static int by_name(const void *a, const void *b)
{
	const struct stat_row *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->arch > y->arch) - (x->arch < y->arch);
}

static int by_number(const void *a, const void *b)
{
	const struct stat_row *x = a, *y = b;

	return x->arch != y->arch ? (x->arch > y->arch) - (x->arch < y->arch) : DESCENDING(y->nr, x->nr);
}

/* Rows with the same value are in the order of their names, so that reports can be compared. */
#define DEFINE_ORDER(order, value)                                                                           \
	static int order(const void *a, const void *b)                                                       \
	{                                                                                                    \
		const struct stat_row *x = a, *y = b;                                                             \
		int r = DESCENDING(value(x), value(y));                                                      \
                                                                                                             \
		return r ? r : by_name(a, b);                                                                \
	}
#define SECONDS(row) ((row)->seconds)
#define CALLS(row) ((row)->count.calls)
#define MEDIAN(row) ((row)->p50)
#define P99(row) ((row)->p99)
#define MAX(row) ((row)->max)
#define ERRORS(row) ((row)->count.errors)
DEFINE_ORDER(by_time, SECONDS)
DEFINE_ORDER(by_average, average)
DEFINE_ORDER(by_calls, CALLS)
DEFINE_ORDER(by_errors, ERRORS)
DEFINE_ORDER(by_median, MEDIAN)
DEFINE_ORDER(by_p99, P99)
DEFINE_ORDER(by_max, MAX)

static const struct order {
	const char *key;
	int (*compare)(const void *, const void *);
} orders[] = {
	{ "time", by_time }, { "average", by_average }, { "calls", by_calls },
	{ "errors", by_errors }, { "p50", by_median }, { "p99", by_p99 }, { "max", by_max }, { "name", by_name },
	{ "number", by_number },
};

bool stat_report_sort(struct stat_report *report, const char *key)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(orders[i].key, key) != 0)
			continue;
		qsort(report->rows, report->count, sizeof(report->rows[0]), orders[i].compare);
		return true;
	}
	return false;
}

static void print_row(FILE *output, const struct stat_row *row, const struct stat_row *total)
{
	char errors[24] = "";

	if (row->count.errors)
		snprintf(errors, sizeof(errors), "%llu", (unsigned long long)row->count.errors);
	fprintf(output, "%6.2f %11.6f %11.3f %10.3f %10.3f %10.3f %9llu %9s %s%s\n",
		total->seconds > 0 ? 100 * row->seconds / total->seconds : 0, row->seconds, 1e6 * average(row),
		1e6 * row->p50, 1e6 * row->p99, 1e6 * row->max, (unsigned long long)row->count.calls, errors, row->name,
		arches[row->arch].suffix);
}

/* The row's place in the counters. */
static unsigned call_of(const struct stat_row *row)
{
	return row->arch * K23_COUNTERS_NUMBERS + (row->nr < 0 ? K23_NUMBERS : (unsigned)row->nr);
}

#define BAR 40 /* columns */

/* A line for each power of two, over which the buckets are added up. */
static void print_histogram(FILE *output, const struct stat_report *report, const struct stat_row *row)
{
	struct stat_histogram histogram;
	uint64_t lines[K23_HISTOGRAM_BUCKETS / 8 + 2] = { 0 }, most = 0;
	unsigned first = ~0u, last = 0;

	if (!stat_counts_histogram(report->counters, call_of(row), &histogram))
		return;
	for (unsigned i = 0; i < K23_HISTOGRAM_BUCKETS; i++) {
		unsigned line = (i + (1u << K23_HISTOGRAM_BITS) - 1) >> K23_HISTOGRAM_BITS;

		lines[line] += histogram.buckets[i];
		if (!histogram.buckets[i])
			continue;
		first = line < first ? line : first;
		last = line;
		most = lines[line] > most ? lines[line] : most;
	}
	fprintf(output, "\n%s%s\n", row->name, arches[row->arch].suffix);
	for (unsigned line = first; most && line <= last; line++) {
		uint32_t bucket = line ? ((line - 1) << K23_HISTOGRAM_BITS) + 1 : 0;
		int bar = (int)((lines[line] * BAR + most - 1) / most);

		fprintf(output, "%13.3f us %9llu |%.*s\n",
			1e6 * seconds_of(report, (double)k23_histogram_start(bucket)),
			(unsigned long long)lines[line], bar, "****************************************");
	}
}

void stat_report_print_table(FILE *output, const struct stat_report *report, unsigned parts)
{
	static const char rule[] = "------ ----------- ----------- ---------- ---------- ---------- --------- ---------"
				   " ----------------\n";

	fprintf(output, "%s%6s %11s %11s %10s %10s %10s %9s %9s %s%s\n%s", colour(output, COLOUR_BOLD), "% time",
		"seconds", "usecs/call", "p50", "p99", "max", "calls", "errors", "syscall", colour(output, COLOUR_NONE),
		rule);
	for (size_t i = 0; i < report->count; i++)
		print_row(output, &report->rows[i], &report->total);
	fputs(rule, output);
	print_row(output, &report->total, &report->total);
	for (size_t i = 0; i < report->count && parts & STAT_HISTOGRAMS; i++)
		print_histogram(output, report, &report->rows[i]);
	if (parts & STAT_PROCESSES)
		stat_processes_print(output, &report->processes, report->rate);
	stat_sites_print(output, &report->sites, parts & STAT_SITES);
}

/* The buckets that are not empty: from, to and calls. The last has no end. */
static struct json_object *json_histogram(const struct stat_report *report, const struct stat_row *row)
{
	struct json_object *array = json_object_new_array();
	struct stat_histogram histogram;

	if (!stat_counts_histogram(report->counters, call_of(row), &histogram))
		return array;
	for (uint32_t i = 0; i < K23_HISTOGRAM_BUCKETS; i++) {
		struct json_object *object = histogram.buckets[i] ? json_object_new_object() : NULL;
		double from = seconds_of(report, (double)k23_histogram_start(i));
		double to = seconds_of(report, (double)k23_histogram_start(i + 1));

		if (!object)
			continue;
		json_object_object_add(object, "from", json_object_new_double(from));
		json_object_object_add(object, "to", i + 1 < K23_HISTOGRAM_BUCKETS ? json_object_new_double(to) : NULL);
		json_object_object_add(object, "calls", json_object_new_uint64(histogram.buckets[i]));
		json_object_array_add(array, object);
	}
	return array;
}

static void add_times(struct json_object *object, const struct stat_row *row)
{
	json_object_object_add(object, "seconds", json_object_new_double(row->seconds));
	json_object_object_add(object, "mean", json_object_new_double(average(row)));
	json_object_object_add(object, "p50", json_object_new_double(row->p50));
	json_object_object_add(object, "p99", json_object_new_double(row->p99));
	json_object_object_add(object, "max", json_object_new_double(row->max));
}

static struct json_object *json_row(const struct stat_row *row)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(row->name));
	json_object_object_add(object, "arch", json_object_new_string(arches[row->arch].name));
	json_object_object_add(object, "number", row->nr < 0 ? NULL : json_object_new_int64(row->nr));
	json_object_object_add(object, "calls", json_object_new_uint64(row->count.calls));
	json_object_object_add(object, "errors", json_object_new_uint64(row->count.errors));
	add_times(object, row);
	return object;
}

void stat_report_json(struct json_object *object, const struct stat_report *report, unsigned parts)
{
	struct json_object *calls = json_object_new_array();

	json_object_object_add(object, "calls", json_object_new_uint64(report->total.count.calls));
	json_object_object_add(object, "errors", json_object_new_uint64(report->total.count.errors));
	add_times(object, &report->total);
	for (size_t i = 0; i < report->count; i++) {
		struct json_object *row = json_row(&report->rows[i]);

		if (parts & STAT_HISTOGRAMS)
			json_object_object_add(row, "histogram", json_histogram(report, &report->rows[i]));
		json_object_array_add(calls, row);
	}
	json_object_object_add(object, "syscalls", calls);
	json_object_object_add(object, "processes",
			       stat_processes_json(&report->processes, report->start, report->rate));
	stat_sites_json(object, &report->sites);
}
