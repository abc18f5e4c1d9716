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

#endif
