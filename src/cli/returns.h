/*
 * Whether the kernel leaves alone what the processor predicts returns by (rt/x86_64/returns.h).
 */
#ifndef CLI_RETURNS_H
#define CLI_RETURNS_H

#include <stdbool.h>

struct bundle;

/* What `--returns` says. */
enum returns { RETURNS_MEASURED, RETURNS_FILL, RETURNS_PAIRED };

/* Nanoseconds for a system call and a few returns after it: with nothing in between, and where addresses were put on
 * the processor's stack of returns. */
struct returns_cost {
	double paired, fill;
};

/* Takes some 20 microseconds. */
struct returns_cost returns_measure(void);

/* Whether returns are to be paired where they cost this: if that is clearly less, since a busy machine must not change
 * it. */
bool returns_are_paired(struct returns_cost cost);

/* Whether the bundle's returns are to be paired. outer: the bundle that this process runs under, whose own handling of
 * calls would be measured: as there; or NULL. */
bool returns_choose(enum returns returns, const struct bundle *outer);

/* Sets *returns by its name. False: there is no such name. */
bool returns_named(const char *name, enum returns *returns);

#endif
