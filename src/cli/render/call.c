/*
 * A line for a recorded call.
 */
#include <errno.h>
#include <string.h>

#include "cli/render/printer.h"
#include "core/describe.h"
#include "core/error_name.h"

#define ERRORS 4095

bool is_error(int64_t result)
{
	return result < 0 && result >= -ERRORS;
}

const char *restart_text(int64_t result)
{
	switch (-result) {
	case RESTART_SYS:
		return "ERESTARTSYS (To be restarted if SA_RESTART is set)";
	case RESTART_NOINTR:
		return "ERESTARTNOINTR (To be restarted)";
	case RESTART_NOHAND:
		return "ERESTARTNOHAND (To be restarted if no handler)";
	case RESTART_BLOCK:
		return "ERESTART_RESTARTBLOCK (Interrupted by signal)";
	}
	return NULL;
}

/* Whether a signal has interrupted the call. */
static bool is_interrupted(const struct call *call)
{
	return (call->result == -EINTR || restart_text(call->result)) && !(call->tampered & K23_TAMPERED_RESULT);
}

int64_t noted_result(const struct call *call, const struct call_types *types)
{
	const struct restarts *restarts = &types->restarts;
	unsigned noted = restarts->plain;

	if (!is_interrupted(call))
		return call->result;
	if (restarts->special && call->entry->args[restarts->argument])
		noted = restarts->special;
	return noted ? -(int64_t)noted : call->result;
}

bool call_succeeded(const struct call *call)
{
	return call->outcome == OUTCOME_RESULT && !is_error(call->result);
}

bool call_interrupted(const struct call *call)
{
	return call->outcome == OUTCOME_RESULT && is_interrupted(call);
}

/* Whether an argument shows memory that the kernel writes. */
static bool shows_output(const struct printer *to, const struct type *type)
{
	if (type->form == FORM_SELECT &&
	    (type->terms->source == TERM_RESULT || type->terms->source == TERM_FAILED))
		return true; /* what is shown depends on the result */
	type = choose_type(to, type);
	return type->print == print_pointer &&
	       (type->direction == OUT || type->direction == CHANGE || type->direction == REPLACED ||
		type->direction == INTERRUPTED);
}

/* Adds the arguments, or only those that come before what the kernel writes. Returns whether these are all. */
static bool add_arguments(struct printer *to, const struct call_types *types, unsigned count, bool known_only)
{
	const char *separator = "";

	if (types->whole && known_only)
		return false;
	if (types->whole) {
		types->whole->print(to, types->whole, (struct place){ 0, 0 });
		return true;
	}
	for (unsigned i = 0; i < count && types->arguments[i]; i++) {
		const struct type *type = choose_type(to, types->arguments[i]);

		if (type->print == print_nothing)
			continue;
		line_text(to->line, separator);
		separator = ", ";
		if (known_only && shows_output(to, types->arguments[i]))
			return false;
		to->phase = PHASE_ENTRY;
		print_argument(to, type, to->call->entry->args[i]);
	}
	return true;
}

void print_error(struct printer *to, int64_t result)
{
	const char *name = core_error_name((long)result);

	if (name)
		line_add(to->line, "-1 %s (%s)", name, strerror((int)-result));
	else
		line_add(to->line, "-1 (errno %d)", (int)-result);
}

bool is_sigreturn(const struct call_types *types)
{
	return types && types->result->print == print_sigreturn;
}

bool is_raw(const struct call *call, const struct render_options *options)
{
	return options->raw && k23_ring_has_call(options->raw, call->entry->arch, call->entry->nr);
}

static void add_result(struct printer *to, const struct call_types *types)
{
	const struct call *call = to->call;
	int64_t result = types ? noted_result(call, types) : call->result;
	const struct type *type = types ? choose_type(to, types->result) : NULL;

	if (call->outcome == OUTCOME_NONE && !is_sigreturn(types)) {
		line_char(to->line, '?');
	} else if (call->outcome == OUTCOME_UNKNOWN) {
		line_text(to->line, "? (result not recorded)");
	} else if (restart_text(result)) {
		line_text(to->line, "? ");
		line_text(to->line, restart_text(result));
	} else if (is_error(result)) {
		print_error(to, result);
	} else if (is_raw(call, to->options) && !is_sigreturn(types)) {
		line_hex(to->line, (uint64_t)result);
	} else if (type && type->print != print_signed) {
		type->print(to, type, (struct place){ (uint64_t)result, 0 });
	} else {
		line_unsigned(to->line, (uint64_t)result); /* if it were negative it would be an error */
	}
}

/* What hooks have done to the call. */
static void add_tampering(struct line *line, uint32_t tampered)
{
	if (tampered & K23_TAMPERED_ARGS)
		line_text(line, tampered & K23_TAMPERED_RESULT ? " (INJECTED: args, retval)" : " (INJECTED: args)");
	else if (tampered & K23_TAMPERED_RESULT)
		line_text(line, " (INJECTED)");
	if (tampered & K23_TAMPERED_TIME)
		line_text(line, " (DELAYED)");
}

static void add_numbers(struct line *line, const struct k23_ring_entry *entry, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		line_text(line, i ? ", " : "");
		line_hex(line, entry->args[i]);
	}
}

const struct call_types *types_of(const struct k23_ring_entry *entry, struct k23_syscall_info *info)
{
	const struct call_types *types = type_of_call(entry->arch, (uint64_t)entry->nr);

	return types && core_describe(entry->arch, (long)entry->nr, info) ? types : NULL;
}

const struct type *type_behind(const struct printer *to, unsigned argument)
{
	const struct call_types *types = type_of_call(to->call->entry->arch, (uint64_t)to->call->entry->nr);
	const struct type *type = types ? types->arguments[argument] : NULL;

	return type && type->form == FORM_POINTER ? type->of : NULL;
}

void render_name(struct line *line, const struct k23_ring_entry *entry)
{
	struct k23_syscall_info info = { 0 };

	if (entry->arch == K23_ARCH_I386)
		line_text(line, "i386:");
	if (types_of(entry, &info))
		line_text(line, info.name);
	else
		line_add(line, "syscall_0x%llx", (unsigned long long)entry->nr);
}

/* set: NULL is all calls. */
static bool has_call(const struct k23_ring_calls *set, const struct call *call)
{
	return !set || k23_ring_has_call(set, call->entry->arch, call->entry->nr);
}

struct printer printer_of(struct line *line, const struct call *call, const struct render_options *options)
{
	uint64_t left = call_succeeded(call) ? (uint64_t)call->result : UINT64_MAX;

	return (struct printer){
		.line = line,
		.call = call,
		.options = options,
		.verbose = options->verbose && has_call(options->whole, call),
		.followed = has_call(options->followed, call),
		.phase = PHASE_ENTRY,
		.left = left,
	};
}

static bool render(struct line *line, const struct call *call, const struct render_options *options, bool known_only)
{
	struct printer to = printer_of(line, call, options);
	struct k23_syscall_info info = { 0 };
	const struct call_types *types = types_of(call->entry, &info);

	render_name(line, call->entry);
	line_char(line, '(');
	if (types && is_raw(call, options)) {
		add_numbers(line, call->entry, is_sigreturn(types) ? 0 : info.args);
		return true;
	}
	if (types)
		return add_arguments(&to, types, info.args, known_only);
	add_numbers(line, call->entry, COUNT(call->entry->args));
	return true;
}

void render_arguments(struct line *line, const struct call *call, const struct render_options *options)
{
	render(line, call, options, false);
}

bool render_begin(struct line *line, const struct call *call, const struct render_options *options)
{
	return render(line, call, options, true);
}

void render_result(struct line *line, const struct call *call, const struct render_options *options)
{
	struct printer to = printer_of(line, call, options);
	struct k23_syscall_info info = { 0 };

	to.phase = PHASE_EXIT;
	to.left = UINT64_MAX;
	add_result(&to, types_of(call->entry, &info));
	add_tampering(line, call->tampered);
}
