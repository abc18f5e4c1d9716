/*
 * What `k23 doctor` finds out: a table of the tools, and one of what the machine has for them.
 */
#ifndef CLI_DOCTOR_DOCTOR_H
#define CLI_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum verdict { OK, LIMITED, MISSING };

struct finding {
	enum verdict verdict;
	char tried[256];   /* what was tried, and what came of it */
	const char *means; /* for run, stat, trace and patching; NULL: nothing is amiss */
	const char *todo;  /* what to do about it; NULL: nothing */
};

/* Sets the verdict, and what was tried. */
void finding_set(struct finding *finding, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is to be found out, by a function of its own, or by calls that go well or do not. */
struct check {
	const char *name;
	void (*run)(struct finding *finding);
	/* If there is no `run`: makes the calls, each by TRY (machine.c), and returns whether they went well. */
	bool (*calls)(void);
	const char *works;    /* what to say then */
	enum verdict verdict; /* if not, and what it means and what to do */
	const char *means, *todo;
};

/* The tools, each tried on a guest of k23's own. The first is `run`. */
extern const struct check doctor_tools[];
extern const size_t doctor_tool_count;
/* What they need of the machine. */
extern const struct check doctor_machine[];
extern const size_t doctor_machine_count;

/* Runs a check that has no function of its own. */
void doctor_try_calls(const struct check *check, struct finding *finding);

/* The guest: `k23 doctor --guest`. Returns its exit status. */
int doctor_guest(void);

#endif
