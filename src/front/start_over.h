/*
 * The way out of the front: what it does not do itself, the tool does.
 */
#ifndef FRONT_START_OVER_H
#define FRONT_START_OVER_H

/* What start_over() will execute the tool with. */
void start_over_with(char **argv);
/* Becomes the tool, k23-tool, with the same arguments. Nothing that the front has done until then may show. */
void start_over(void) __attribute__((noreturn));

#endif
