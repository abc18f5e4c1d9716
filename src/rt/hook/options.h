/*
 * The options of a hook, and its start.
 */
#ifndef RT_HOOK_OPTIONS_H
#define RT_HOOK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <k23/types.h>

/* From now on the options of the hook with this name are looked up. ctx: boot */
void rt_options_begin(const char *hook);
/* What k23_option() returns. ctx: boot | entry */
const char *rt_options_find(const struct k23_options *options, const char *key);
/* Whether the hook has looked up all of its options. If not, there is a message that names one. ctx: boot */
bool rt_options_known(const struct k23_options *options);
/* What k23_refuse() says. ctx: boot */
void rt_options_refuse(const char *why);
/* Whether it has said something. ctx: boot */
bool rt_options_refused(void);

#endif
