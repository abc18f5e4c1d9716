/*
 * What k23 inject --explore tries: places by what can go wrong with their calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "cli/call_set.h"
#include "cli/inject/explore.h"
#include "core/describe.h"

static const struct {
	const char *name, *faults;
} table[] = {
#include "faults.inc"
};

/* What can go wrong with a call: words; NULL: nothing that is known. */
static const char *faults_of(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].faults;
	return NULL;
}

static const char *name_of(long nr)
{
	struct k23_syscall_info info;

	return core_describe(K23_ARCH_X86_64, nr, &info) ? info.name : NULL;
}

/* A set of calls that an option takes. */
static void read_calls(struct k23_ring_calls *calls, const char *option, const char *text)
{
	char *unknown = call_set_read(calls, text);

	if (unknown)
		die_usage("inject", "%s: there is no system call or set of calls '%s'", option, unknown);
}

/* The calls that the user wants, as far as it is known what can go wrong with them. */
static void read_wanted(struct k23_ring_calls *wanted, const struct explore_options *options)
{
	read_calls(wanted, "--calls", options->calls ? options->calls : "all");
	memset(wanted->bits[K23_CHANNEL_I386], 0, sizeof(wanted->bits[K23_CHANNEL_I386]));
	memset(wanted->others, 0, sizeof(wanted->others));
	for (long nr = 0; nr < (long)K23_NUMBERS; nr++)
		if (!name_of(nr) || !faults_of(name_of(nr)))
			wanted->bits[K23_CHANNEL_X86_64][nr / 64] &= ~(1ull << nr % 64);
}

void explore_want(struct k23_ring_calls *wanted, const struct explore_options *options)
{
	static const long memory[] = { SYS_mmap, SYS_brk };

	read_wanted(wanted, options);
	/* EXHAUSTED has to know how many of these there were. */
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		wanted->bits[K23_CHANNEL_X86_64][memory[i] / 64] |= 1ull << memory[i] % 64;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Which occurrences are meant: those from this one on, if `open`. */
static char *when_of(const struct explore_plan *plan, const struct k23_explore_occurrence *occurrence, uint64_t of_run,
		     uint64_t of_thread, bool open)
{
	char *when, thread[DESCENT_TEXT];
	int size;

	descent_write(thread, &occurrence->thread);
	/* Threads and processes take turns in another way each time. */
	if (plan->threads)
		size = asprintf(&when, "per=thread:thread=%s:when=%llu%s", thread, (unsigned long long)of_thread,
				open ? "+" : "");
	else
		size = asprintf(&when, "when=%llu%s", (unsigned long long)of_run, open ? "+" : "");
	if (size < 0)
		die(EXIT_K23, "out of memory");
	return when;
}

/* From this call on there is no memory. */
static char *exhausted(const struct explore_plan *plan, long nr, const struct k23_explore_occurrence *occurrence)
{
	/* Without threads a thread's calls are all. */
	uint64_t mmap = occurrence->mmaps + (nr != SYS_mmap), brk = occurrence->brks + (nr != SYS_brk);
	char *when_mmap = when_of(plan, occurrence, mmap, mmap, true);
	char *when_brk = when_of(plan, occurrence, brk, brk, true);
	char *rules;

	if (asprintf(&rules, "mmap:error=ENOMEM:%s|brk:arg1>0:retval=0:%s", when_mmap, when_brk) < 0)
		die(EXIT_K23, "out of memory");
	free(when_mmap);
	free(when_brk);
	return rules;
}

/* The rules for a fault, which is a word of the table. */
static char *rules_of(const struct explore_plan *plan, long nr, const struct k23_explore_occurrence *occurrence,
		      const char *fault, size_t length)
{
	char *when, *rules;

	if (starts_with(fault, "EXHAUSTED"))
		return exhausted(plan, nr, occurrence);
	when = when_of(plan, occurrence, occurrence->of_run, occurrence->of_thread, false);
	if (asprintf(&rules, "%s:%s%.*s:%s", name_of(nr), *fault == 'E' ? "error=" : "", (int)length, fault, when) < 0)
		die(EXIT_K23, "out of memory");
	free(when);
	return rules;
}

static bool is_harmless(const char *fault)
{
	return starts_with(fault, "EINTR") || starts_with(fault, "error=EINTR") || starts_with(fault, "short=");
}

/* A place that is to be tried. */
struct candidate {
	const struct k23_explore_place *place;
	struct watch_name process;
};

static void add_place(struct explore_plan *plan, const struct candidate *candidate, uint64_t repeat, bool serious)
{
	const struct k23_explore_place *place = candidate->place;
	const char *faults = faults_of(name_of(place->nr));
	uint32_t count = place->count < K23_EXPLORE_OCCURRENCES ? place->count : K23_EXPLORE_OCCURRENCES;

	plan->places++;
	for (uint32_t i = 0; i < count && i < repeat; i++) {
		for (const char *fault = faults; *fault; fault += strspn(fault, " ")) {
			size_t length = strcspn(fault, " ");

			plan->faults = reallocarray(plan->faults, plan->count + 1, sizeof(*plan->faults));
			if (!plan->faults)
				die(EXIT_K23, "out of memory");
			plan->faults[plan->count++] = (struct explore_fault){
				.rules = rules_of(plan, place->nr, &place->occurrences[i], fault, length),
				/* The program may have written to it. */
				.place = strndup(place->text, sizeof(place->text)),
				.process = candidate->process,
				.serious = serious && !is_harmless(fault),
			};
			fault += length;
		}
	}
}

/* The same in each run, whichever process comes first: of each program one process, then another one of those that have
 * several, and so on; in each, by call, and then in the order in which the first thread came there. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *first = a, *second = b;
	const struct k23_explore_place *x = first->place, *y = second->place;
	int order = k23_descent_compare(&x->process, &y->process);

	if (first->process.number != second->process.number)
		return first->process.number < second->process.number ? -1 : 1;
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (!order)
		order = k23_descent_compare(&x->occurrences[0].thread, &y->occurrences[0].thread);
	return order ? order : x->occurrences[0].of_thread < y->occurrences[0].of_thread ? -1 : 1;
}

struct explore_plan explore_plan_make(const struct k23_exploration *exploration,
				      const struct watch_processes *processes, const struct explore_options *options)
{
	struct candidate *candidates = calloc(K23_EXPLORE_PLACES, sizeof(*candidates));
	struct explore_plan plan = { .threads = exploration->births > 0 };
	struct k23_ring_calls noticed, wanted;
	size_t count = 0;

	if (!candidates)
		die(EXIT_K23, "out of memory");
	read_wanted(&wanted, options);
	for (size_t i = 0; i < K23_EXPLORE_PLACES; i++) {
		const struct k23_explore_place *place = &exploration->places[i];

		if (place->known && place->count && k23_ring_has_call(&wanted, K23_ARCH_X86_64, place->nr) &&
		    place->nr < K23_NUMBERS && (options->loader || !place->loader)) {
			watch_name(&candidates[count].process, processes, &place->process);
			candidates[count++].place = place;
		}
	}
	qsort(candidates, count, sizeof(*candidates), compare_candidates);
	read_calls(&noticed, "--noticed", options->noticed ? options->noticed : "none");
	for (size_t i = 0; i < count; i++)
		add_place(&plan, &candidates[i], options->repeat,
			  k23_ring_has_call(&noticed, K23_ARCH_X86_64, candidates[i].place->nr));
	free(candidates);
	return plan;
}

void explore_plan_free(struct explore_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->faults[i].rules);
		free(plan->faults[i].place);
	}
	free(plan->faults);
}
