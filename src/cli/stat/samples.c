#include "cli/stat/samples.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/stat/report.h"

#define BUSIEST 3 /* calls that a line names */

static struct stat_delta *find_delta(struct stat_sample *sample, unsigned call)
{
	for (size_t i = 0; i < sample->count; i++)
		if (sample->deltas[i].call == call)
			return &sample->deltas[i];
	return NULL;
}

static void add_delta(struct stat_sample *sample, struct stat_delta delta)
{
	struct stat_delta *found = find_delta(sample, delta.call);

	if (!found) {
		sample->deltas = reallocarray(sample->deltas, sample->count + 1, sizeof(*sample->deltas));
		if (!sample->deltas)
			die(EXIT_K23, "out of memory");
		found = &sample->deltas[sample->count++];
		*found = (struct stat_delta){ .call = delta.call };
	}
	found->calls += delta.calls;
	found->errors += delta.errors;
	found->cycles += delta.cycles;
}

/* Two samples become one: half as many, of twice the length. */
static void join_pairs(struct stat_samples *samples)
{
	size_t kept = 0;

	for (size_t i = 0; i < samples->count; i += 2) {
		struct stat_sample sample = samples->rows[i];

		if (i + 1 < samples->count) {
			struct stat_sample *other = &samples->rows[i + 1];

			for (size_t k = 0; k < other->count; k++)
				add_delta(&sample, other->deltas[k]);
			sample.to = other->to;
			free(other->deltas);
		}
		samples->rows[kept++] = sample;
	}
	samples->count = kept;
	samples->period *= 2;
}

static struct stat_sample *new_sample(struct stat_samples *samples)
{
	if (samples->most && samples->count >= samples->most)
		join_pairs(samples);
	if (samples->count == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 64;
		samples->rows = reallocarray(samples->rows, samples->room, sizeof(*samples->rows));
		if (!samples->rows)
			die(EXIT_K23, "out of memory");
	}
	return &samples->rows[samples->count++];
}

/* What has been counted is never less than before, unless a program has written to the counters. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

bool stat_samples_take(struct stat_samples *samples, const struct k23_counters *counters, double now, bool force)
{
	static struct stat_count counts[STAT_CALLS];
	double from = samples->count ? samples->rows[samples->count - 1].to : 0;
	struct stat_sample *sample;

	if (!samples->next)
		samples->next = samples->period;
	if (!samples->period || now <= from || (!force && now < samples->next))
		return false;
	sample = new_sample(samples);
	*sample = (struct stat_sample){ .from = from, .to = now };
	stat_counts_read(counters, counts);
	for (unsigned call = 0; call < STAT_CALLS; call++) {
		const struct stat_count *count = &counts[call], *last = &samples->last[call];

		if (count->calls > last->calls || count->cycles > last->cycles)
			add_delta(sample, (struct stat_delta){
				call, since(count->calls, last->calls), since(count->errors, last->errors),
				since(count->cycles, last->cycles),
			});
	}
	memcpy(samples->last, counts, sizeof(counts));
	while (samples->next <= now)
		samples->next += samples->period;
	return true;
}

static int by_cycles(const void *a, const void *b)
{
	const struct stat_delta *x = a, *y = b;

	return (x->cycles < y->cycles) - (x->cycles > y->cycles);
}

void stat_samples_print_last(FILE *output, const struct stat_samples *samples)
{
	struct stat_sample *sample = &samples->rows[samples->count - 1];
	double seconds = sample->to - sample->from;
	uint64_t calls = 0, errors = 0, cycles = 0;
	char name[STAT_NAME];

	if (samples->count == 1)
		fprintf(output, "%9s %11s %11s  %s\n", "seconds", "calls/s", "errors/s", "time of calls");
	if (sample->count)
		qsort(sample->deltas, sample->count, sizeof(sample->deltas[0]), by_cycles);
	for (size_t i = 0; i < sample->count; i++) {
		calls += sample->deltas[i].calls;
		errors += sample->deltas[i].errors;
		cycles += sample->deltas[i].cycles;
	}
	fprintf(output, "%9.3f %11.0f %11.0f ", sample->to, (double)calls / seconds, (double)errors / seconds);
	for (size_t i = 0; i < sample->count && i < BUSIEST && sample->deltas[i].cycles; i++) {
		stat_call_name(name, sample->deltas[i].call);
		fprintf(output, "%s %s %.0f%%", i ? "," : "", name,
			100 * (double)sample->deltas[i].cycles / (double)cycles);
	}
	fputc('\n', output);
	fflush(output);
}

static struct json_object *json_delta(const struct stat_delta *delta, double rate)
{
	struct json_object *object = json_object_new_object();
	char name[STAT_NAME];

	stat_call_name(name, delta->call);
	json_object_object_add(object, "name", json_object_new_string(name));
	json_object_object_add(object, "calls", json_object_new_uint64(delta->calls));
	json_object_object_add(object, "errors", json_object_new_uint64(delta->errors));
	json_object_object_add(object, "seconds", json_object_new_double((double)delta->cycles * rate / 1e9));
	return object;
}

struct json_object *stat_samples_json(const struct stat_samples *samples, double rate)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < samples->count; i++) {
		const struct stat_sample *sample = &samples->rows[i];
		struct json_object *object = json_object_new_object(), *calls = json_object_new_array();

		json_object_object_add(object, "from", json_object_new_double(sample->from));
		json_object_object_add(object, "to", json_object_new_double(sample->to));
		for (size_t k = 0; k < sample->count; k++)
			json_object_array_add(calls, json_delta(&sample->deltas[k], rate));
		json_object_object_add(object, "syscalls", calls);
		json_object_array_add(array, object);
	}
	return array;
}

void stat_samples_free(struct stat_samples *samples)
{
	for (size_t i = 0; i < samples->count; i++)
		free(samples->rows[i].deltas);
	free(samples->rows);
}
