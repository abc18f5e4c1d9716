#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/stat_report.h"
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

static struct k23_counter sum_shards(const struct k23_counters *counters, enum k23_channel_arch arch, long nr)
{
	struct k23_counter sum = { 0 };

	for (size_t i = 0; i < K23_COUNTERS_SHARDS; i++) {
		const struct k23_counters_shard *shard = &counters->shards[i];
		const struct k23_counter *counter = nr < 0 ? &shard->others[arch] : &shard->numbers[arch][nr];

		sum.calls += __atomic_load_n(&counter->calls, __ATOMIC_RELAXED);
		sum.errors += __atomic_load_n(&counter->errors, __ATOMIC_RELAXED);
		sum.cycles += __atomic_load_n(&counter->cycles, __ATOMIC_RELAXED);
	}
	return sum;
}

static void add_row(struct stat_report *report, enum k23_channel_arch arch, long nr, struct k23_counter sum,
		    double rate)
{
	struct stat_row *row = &report->rows[report->count++];

	*row = (struct stat_row){
		.arch = arch, .nr = nr, .calls = sum.calls, .errors = sum.errors,
		.seconds = (double)sum.cycles * rate / 1e9,
	};
	name_row(row);
	report->total.calls += row->calls;
	report->total.errors += row->errors;
	report->total.seconds += row->seconds;
}

void stat_report_read(struct stat_report *report, const struct k23_counters *counters, double rate)
{
	for (enum k23_channel_arch arch = 0; arch < K23_CHANNEL_ARCHES; arch++)
		for (long nr = -1; nr < (long)K23_NUMBERS; nr++) {
			struct k23_counter sum = sum_shards(counters, arch, nr);

			if (sum.calls)
				add_row(report, arch, nr, sum, rate);
		}
}

static double average(const struct stat_row *row)
{
	return row->calls ? row->seconds / (double)row->calls : 0;
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
#define CALLS(row) ((row)->calls)
#define ERRORS(row) ((row)->errors)
DEFINE_ORDER(by_time, SECONDS)
DEFINE_ORDER(by_average, average)
DEFINE_ORDER(by_calls, CALLS)
DEFINE_ORDER(by_errors, ERRORS)

static const struct order {
	const char *key;
	int (*compare)(const void *, const void *);
} orders[] = {
	{ "time", by_time }, { "average", by_average }, { "calls", by_calls },
	{ "errors", by_errors }, { "name", by_name }, { "number", by_number },
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

	if (row->errors)
		snprintf(errors, sizeof(errors), "%llu", (unsigned long long)row->errors);
	fprintf(output, "%6.2f %11.6f %11.3f %9llu %9s %s%s\n",
		total->seconds > 0 ? 100 * row->seconds / total->seconds : 0, row->seconds, 1e6 * average(row),
		(unsigned long long)row->calls, errors, row->name, arches[row->arch].suffix);
}

void stat_report_print_table(FILE *output, const struct stat_report *report, bool all_sites)
{
	static const char rule[] = "------ ----------- ----------- --------- --------- ----------------\n";

	fprintf(output, "%6s %11s %11s %9s %9s %s\n%s", "% time", "seconds", "usecs/call", "calls", "errors",
		"syscall", rule);
	for (size_t i = 0; i < report->count; i++)
		print_row(output, &report->rows[i], &report->total);
	fputs(rule, output);
	print_row(output, &report->total, &report->total);
	stat_sites_print(output, &report->sites, all_sites);
	if (report->missed)
		fprintf(output, "%llu of %llu programs started could not be counted\n",
			(unsigned long long)report->missed, (unsigned long long)report->programs);
}

static struct json_object *json_row(const struct stat_row *row)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(row->name));
	json_object_object_add(object, "arch", json_object_new_string(arches[row->arch].name));
	json_object_object_add(object, "number", row->nr < 0 ? NULL : json_object_new_int64(row->nr));
	json_object_object_add(object, "calls", json_object_new_uint64(row->calls));
	json_object_object_add(object, "errors", json_object_new_uint64(row->errors));
	json_object_object_add(object, "seconds", json_object_new_double(row->seconds));
	return object;
}

static struct json_object *json_program(char **argv)
{
	struct json_object *array = json_object_new_array();

	for (; *argv; argv++)
		json_object_array_add(array, json_object_new_string(*argv));
	return array;
}

static struct json_object *json_report(const struct stat_report *report, char **argv, int status)
{
	struct json_object *object = json_object_new_object(), *calls = json_object_new_array();

	json_object_object_add(object, "version", json_object_new_int(1));
	json_object_object_add(object, "program", json_program(argv));
	json_object_object_add(object, "exit_status",
			       WIFEXITED(status) ? json_object_new_int(WEXITSTATUS(status)) : NULL);
	json_object_object_add(object, "signal",
			       WIFSIGNALED(status) ? json_object_new_int(WTERMSIG(status)) : NULL);
	json_object_object_add(object, "elapsed", json_object_new_double(report->elapsed));
	json_object_object_add(object, "programs", json_object_new_uint64(report->programs));
	json_object_object_add(object, "missed", json_object_new_uint64(report->missed));
	json_object_object_add(object, "calls", json_object_new_uint64(report->total.calls));
	json_object_object_add(object, "errors", json_object_new_uint64(report->total.errors));
	json_object_object_add(object, "seconds", json_object_new_double(report->total.seconds));
	for (size_t i = 0; i < report->count; i++)
		json_object_array_add(calls, json_row(&report->rows[i]));
	json_object_object_add(object, "syscalls", calls);
	stat_sites_json(object, &report->sites);
	return object;
}

void stat_report_print_json(FILE *output, const struct stat_report *report, char **argv, int status)
{
	struct json_object *object = json_report(report, argv, status);

	fprintf(output, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
