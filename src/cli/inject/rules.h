/*
 * All rules of a command that injects faults, and the hook that gets them.
 */
#ifndef CLI_INJECT_RULES_H
#define CLI_INJECT_RULES_H

#include "cli/inject/rule.h"
#include "cli/segment.h"

struct inject_rules {
	struct inject_rule *at;
	size_t count;
};

/* Takes -e and its like: "inject=RULE", "fault=RULE", or "RULE". Dies if that is wrong. */
void inject_rules_add(struct inject_rules *rules, const char *text, const struct inject_defaults *defaults);

/* Makes rules be as those of strace, which tampers only with calls that it shows: those of the set, with one of the
 * paths, if there are any. Of several rules for a call only the last one holds. */
void inject_rules_restrict(struct inject_rules *rules, const struct k23_ring_calls *shown, char *const *paths,
			   size_t path_count);

/*
 * The specification of the hook, for launch_hook(). at: where in the segment's memory, in bytes, the hook has room for
 * a struct k23_injections. beside: the memory is another hook's, too, which counts who has it. Dies if there are too
 * many rules.
 */
char *inject_hook_spec(const struct inject_rules *rules, const struct segment *segment, size_t at, bool beside,
		       const char *command);

#endif
