/*
 * Specifications of hooks, FILE[:KEY=VALUE,...], as --hook has them.
 */
#ifndef CLI_HOOK_SPEC_H
#define CLI_HOOK_SPEC_H

#include <stdbool.h>
#include <stdio.h>

/* Adds an option to a specification that so far has none, or some: with a backslash before what would end it. */
void hook_spec_add(FILE *spec, const char *option, bool first);

/* That of the hook which runs a policy, FILE.py[:OPTIONS]: with the policy's text, as its file may be out of reach
 * later. Of another file it is the same specification. Dies when the policy cannot be read. */
const char *hook_spec_of_policy(const char *spec);

/* The path of a specification's file, allocated: of a hook that comes with k23 if it has no slash. *options is what
 * stands behind the colon. Dies when no such hook comes with k23. */
char *hook_spec_file(const char *spec, const char **options);

#endif
