#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/call_set.h"
#include "cli/name_set.h"
#include "cli/trace/format.h"
#include "cli/trace/option_rows.h"
#include "cli/trace/options.h"
#include "cli/trace/stack.h"
#include "cli/trace/summary.h"
#include "cli/verdict.h"
#include "version.h"

#define DEFAULT_BUFFER (8ul << 20)
#define MIN_BUFFER (64ul << 10)
#define MAX_BUFFER (4ul << 30)
#define MAX_STRING 65535
#define MAX_COLUMN 10000

/* That which is being parsed, for messages. */
static const char *command_name;

/* Which of some words the text is: dies if none. names ends with NULL. */
static unsigned parse_word(const char *option, const char *text, const char *const *names)
{
	unsigned i = 0;

	while (names[i] && strcmp(text, names[i]) != 0)
		i++;
	if (!names[i])
		die_usage(command_name, "%s does not take '%s'", option, text);
	return i;
}

static unsigned parse_digits(const char *option, const char *text)
{
	static const char *const names[] = { "s", "ms", "us", "ns", NULL };

	return text ? 3 * parse_word(option, text, names) : 6;
}

/* [[format:]FORMAT[,[precision:]PRECISION]] */
static void parse_clock(struct trace_style *style, const char *text)
{
	static const char *const names[] = { "none", "time", "unix", NULL };
	static const char option[] = "--absolute-timestamps";
	char *list, *rest, *word;

	if (style->clock == CLOCK_NONE || !text) {
		style->clock = CLOCK_TIME;
		style->clock_digits = 0;
	}
	if (!text)
		return;
	list = rest = strdup(text);
	if (!list)
		die(EXIT_K23, "out of memory");
	while ((word = strsep(&rest, ","))) {
		bool format = strncmp(word, "format:", 7) == 0, precision = strncmp(word, "precision:", 10) == 0;

		if (precision || (!format && strlen(word) <= 2))
			style->clock_digits = parse_digits(option, precision ? word + 10 : word);
		else
			style->clock = parse_word(option, format ? word + 7 : word, names);
	}
	free(list);
}

/* -t, -tt, -ttt */
static void step_clock(struct trace_style *style)
{
	if (style->clock == CLOCK_TIME && style->clock_digits)
		style->clock = CLOCK_UNIX;
	else if (style->clock == CLOCK_TIME)
		style->clock_digits = 6;
	else if (style->clock == CLOCK_NONE)
		style->clock = CLOCK_TIME;
}

static void step_quiet(struct trace_style *style)
{
	if (!(style->quiet & QUIET_ATTACH))
		style->quiet |= QUIET_ATTACH | QUIET_PERSONALITY | QUIET_VERDICT;
	else if (!(style->quiet & QUIET_EXIT))
		style->quiet |= QUIET_EXIT;
	else
		style->quiet = ~0u;
}

static const struct trace_format *parse_format(const char *text)
{
	for (const struct trace_format *const *format = trace_formats; *format; format++)
		if (strcmp((*format)->name, text) == 0)
			return *format;
	die_usage(command_name, "--format does not take '%s'", text);
}

static void parse_hex(struct trace_style *style, const char *text)
{
	static const char *const names[] = { "none", "non-ascii-chars", "non-ascii", "all", NULL };

	style->render.hex = text ? parse_word("--strings-in-hex", text, names) : HEX_ALL;
}

static void parse_decode_fds(struct trace_style *style, const char *text)
{
	static const char *const names[] = { "path", "dev", "pidfd", "socket", NULL };

	style->render.fds = text ? (unsigned)name_set_parse("kind of descriptor information", text, names) & FDS_ALL :
				   FDS_PATHS;
}

static void parse_decode_pids(struct trace_style *style, const char *text)
{
	static const char *const names[] = { "comm", "pidns", NULL };
	uint64_t set = text ? name_set_parse("kind of process information", text, names) : ~0ull;

	style->render.comms = set & 1;
	style->render.namespaces = set & 2;
}

static unsigned parse_statuses(const char *text)
{
	static const char *const names[] = { "successful", "failed", "unfinished", "unavailable", "detached", NULL };

	return (unsigned)name_set_parse("status of a call", text, names) & STATUS_ALL;
}

static unsigned parse_quiet(const char *text)
{
	static const char *const names[] = {
		"attach", "exit exits", "path-resolution", "personality", "thread-execve superseded", "verdict", NULL,
	};

	return (unsigned)name_set_parse("kind of message", text, names);
}

/* QUALIFIER=SET, or a set of calls. */
static void parse_expression(struct trace_options *to, const char *text)
{
	static const struct {
		const char *names; /* separated by spaces */
		int option;
		const char *absent;
	} qualifiers[] = {
		{ "trace t", TRACE, NULL },
		{ "signal signals s", SIGNAL, NULL },
		{ "status", STATUS, NULL },
		{ "read reads r", READ, NULL },
		{ "write writes w", WRITE, NULL },
		{ "quiet silent silence q", QUIET, NULL },
		{ "decode-fds decode-fd", DECODE_FDS, NULL },
		{ "raw x", RAW, NULL },
		{ "abbrev a", ABBREV, NULL },
		{ "verbose v", VERBOSE, NULL },
		{ "inject", INJECT, NULL },
		{ "fault", FAULT, NULL },
		{ "kvm", 0, "strace shows why a KVM processor stopped, k23 does not" },
		{ "decode-pids decode-pid", DECODE_PIDS, NULL },
	};
	size_t length = strcspn(text, "=");

	for (size_t i = 0; text[length] && i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++)
		for (const char *name = qualifiers[i].names; *name; name += strspn(name, " ")) {
			size_t size = strcspn(name, " ");

			if (size == length && strncmp(name, text, size) == 0) {
				if (qualifiers[i].absent)
					die_usage(command_name, "-e %.*s: %s", (int)length, text, qualifiers[i].absent);
				trace_option_take(to, qualifiers[i].option, text + length + 1);
				return;
			}
			name += size;
		}
	to->calls = text;
}

static void add_injection(struct trace_options *to, const char *kind, const char *text)
{
	static const struct inject_defaults defaults = { "trace", K23_INJECT_THREAD, 0 };
	char *rule;

	if (asprintf(&rule, "%s%s", kind, text) < 0)
		die(EXIT_K23, "out of memory");
	inject_rules_add(&to->injections, rule, &defaults);
}

static void set_variable(const char *text)
{
	char *name = strdup(text), *value = name ? strchr(name, '=') : NULL;

	if (!name)
		die(EXIT_K23, "out of memory");
	if (value)
		*value++ = '\0';
	if ((value ? setenv(name, value, 1) : unsetenv(name)) != 0)
		die_usage(command_name, "-E takes NAME=VALUE or NAME, not %s", text);
	free(name);
}

/* The options that change how lines look. False: it is none of those. */
static bool take_style(struct trace_style *style, int option, const char *argument)
{
	static const char *const constants[] = { "abbrev", "raw", "verbose", NULL };

	switch (option) {
	case 't':
		return step_clock(style), true;
	case CLOCK:
		return parse_clock(style, argument), true;
	case 'r':
	case RELATIVE:
		style->relative = true;
		style->relative_digits = parse_digits("--relative-timestamps", argument);
		return true;
	case 'T':
	case DURATIONS:
		style->durations = true;
		style->duration_digits = parse_digits("--syscall-times", argument);
		return true;
	case 'n':
		return style->numbers = true;
	case 'i':
		return style->instructions = true;
	case 'a':
		style->column = (unsigned)option_size(command_name, "-a", argument, 0, MAX_COLUMN);
		return true;
	case 's':
		style->render.string = option_size(command_name, "-s", argument, 0, MAX_STRING);
		return true;
	case 'v':
		style->render.whole = NULL;
		return style->render.verbose = true;
	case 'x':
		style->render.hex = style->render.hex < HEX_TEXT ? HEX_TEXT : HEX_ALL;
		return true;
	case HEX:
		return parse_hex(style, argument), true;
	case 'X':
		style->render.constants = parse_word("-X", argument, constants);
		return true;
	case 'y':
		style->render.fds = style->render.fds ? FDS_ALL : FDS_PATHS;
		return true;
	case 'Y':
		return style->render.comms = true;
	case PIDNS_TRANSLATION:
		return style->render.namespaces = true;
	case DECODE_PIDS:
		return parse_decode_pids(style, argument), true;
	case DECODE_FDS:
		return parse_decode_fds(style, argument), true;
	case 'q':
		return step_quiet(style), true;
	}
	return false;
}

/* The options that say what is shown. False: it is none of those. */
static bool take_filter(struct trace_style *style, int option, const char *argument)
{
	switch (option) {
	case SIGNAL:
		style->signals = name_set_parse_signals(argument);
		return true;
	case STATUS:
		style->statuses = parse_statuses(argument);
		return true;
	case 'z':
		style->statuses = STATUS_SUCCESSFUL;
		return true;
	case 'Z':
		style->statuses = STATUS_FAILED;
		return true;
	case QUIET:
		style->quiet = parse_quiet(argument ? argument : "attach,personality");
		return true;
	}
	return false;
}

/* False: it is none of the summary. */
static bool take_summary(struct trace_summary *summary, int option, const char *argument)
{
	switch (option) {
	case 'c':
	case 'C':
		if (summary->wanted && summary->only != (option == 'c'))
			die_usage(command_name, "-c and -C exclude each other");
		summary->wanted = true;
		summary->only = option == 'c';
		return true;
	case 'S':
		summary->order = argument;
		return true;
	case 'U':
		summary->columns = argument;
		return true;
	case 'w':
		return true;
	}
	return false;
}

/* Makes the set that of all other calls. */
static void invert(struct k23_ring_calls *set)
{
	for (int arch = 0; arch < K23_CHANNEL_ARCHES; arch++) {
		for (size_t i = 0; i < K23_NUMBERS / 64; i++)
			set->bits[arch][i] = ~set->bits[arch][i];
		set->others[arch] = !set->others[arch];
	}
}

void trace_option_take(struct trace_options *to, int option, const char *argument)
{
	static const char *const fulls[] = { "block", "drop", NULL };
	static const char *const interruptibles[] = {
		"1", "anywhere", "always", "2", "waiting", "3", "never", "4", "never_tstp", NULL,
	};
	static int follows;
	int gap_status = verdict_option("trace", option, argument);

	if (gap_status)
		to->gap_status = gap_status;
	if (gap_status || take_style(&to->style, option, argument) || take_filter(&to->style, option, argument) ||
	    take_summary(&to->summary, option, argument))
		return;
	switch (option) {
	case 'e':
		parse_expression(to, argument);
		break;
	case TRACE:
		to->calls = argument;
		break;
	case 'P':
		path_filter_add(&to->paths, argument);
		break;
	case INJECT:
		add_injection(to, "inject=", argument);
		break;
	case FAULT:
		add_injection(to, "fault=", argument);
		break;
	case ABBREV:
		call_set_parse(&to->whole, argument);
		invert(&to->whole);
		to->style.render.whole = &to->whole;
		to->style.render.verbose = true;
		break;
	case VERBOSE:
		call_set_parse(&to->followed, argument);
		to->style.render.followed = &to->followed;
		break;
	case RAW:
		call_set_parse(&to->raw, argument);
		to->style.render.raw = &to->raw;
		break;
	case READ:
		to->dumped[K23_RING_READ] = argument;
		break;
	case WRITE:
		to->dumped[K23_RING_WRITTEN] = argument;
		break;
	case 'f':
		to->separate |= ++follows > 1;
		break;
	case SEPARATE:
		to->separate = true;
		break;
	case 'b':
		if (strcmp(argument, "execve") != 0)
			die_usage(command_name, "-b takes execve, not %s", argument);
		to->detach_on_exec = true;
		break;
	case 'o':
		to->output = argument;
		break;
	case 'k':
		to->stacks = true;
		break;
	case 'A':
		to->append = true;
		break;
	case FORMAT:
		to->format = parse_format(argument);
		break;
	case FULL:
		to->full = parse_word("--full", argument, fulls) ? K23_RING_DROP : K23_RING_BLOCK;
		break;
	case BUFFER:
		to->buffer = option_size(command_name, "--buffer", argument, MIN_BUFFER, MAX_BUFFER);
		break;
	case 'E':
		set_variable(argument);
		break;
	case 'u':
		to->launch.user = argument;
		break;
	case 'V':
		puts("k23 " K23_VERSION);
		exit(finish_stdout(0));
	case 'I':
		parse_word("-I", argument, interruptibles);
		break;
	case SECCOMP_BPF:
	case 'D':
	case DAEMONIZE:
		break;
	default:
		launch_option(&to->launch, command_name, option, argument);
	}
}

/* Only calls that are shown are tampered with. */
static void restrict_injections(struct trace_options *to)
{
	struct k23_ring_calls shown;

	call_set_parse(&shown, to->calls);
	inject_rules_restrict(&to->injections, &shown, to->paths.paths, to->paths.count);
}

void trace_options_begin(struct trace_options *to, const struct command *command)
{
	*to = (struct trace_options){
		.format = &trace_text,
		.calls = "all",
		.buffer = DEFAULT_BUFFER,
		.full = K23_RING_BLOCK,
		.style = { .column = 40, .statuses = STATUS_ALL, .signals = ~0ull, .render = { .string = 32 } },
	};
	command_name = command->name;
	if (command->program)
		launch_hook(&to->launch, "trace"); /* the first of the chain; its options are added later */
}

void trace_options_end(struct trace_options *to, const struct command *command, int argc, char **argv)
{
	summary_check(&to->summary);
	if (to->separate && to->summary.wanted)
		die_usage(command_name, "-ff goes with neither -c nor -C");
	if (to->separate && to->output && (*to->output == '|' || *to->output == '!'))
		die_usage(command_name, "-ff writes files: it does not go with a command (-o '%s')", to->output);
	if (to->format != &trace_text && to->summary.wanted)
		die_usage(command_name, "--format=%s is for events: it goes with neither -c nor -C", to->format->name);
	if (to->format == &trace_perfetto && (!to->output || to->append || to->separate))
		die_usage(command_name, "--format=perfetto needs a file of its own: -o FILE, without -A or -ff");
	if (to->output)
		to->style.quiet |= QUIET_ATTACH | QUIET_PERSONALITY;
	path_filter_resolve(&to->paths, to->style.quiet & QUIET_PATH_RESOLUTION);
	restrict_injections(to);
	if (!to->output)
		to->separate = false;
	if (optind == argc)
		die_usage(command_name, "no %s is given", command->program ? "program" : "file");
	to->launch.argv = argv + optind;
}

void trace_options_parse(struct trace_options *to, const struct command *command, int argc, char **argv)
{
	int option;

	trace_options_begin(to, command);
	while ((option = option_next(command, argc, argv)) != -1)
		trace_option_take(to, option, optarg);
	trace_options_end(to, command, argc, argv);
}

const char *trace_options_output(const struct trace_options *options)
{
	return options->separate && !options->format->common ? NULL : options->output;
}

void trace_options_request(const struct trace_options *options, struct k23_ring_request *request)
{
	render_request(&options->style.render, request);
	if (options->paths.count)
		request->descriptors = K23_RING_ALL_DESCRIPTORS;
	request->detach_on_exec = options->detach_on_exec;
	request->namespaces = options->style.render.namespaces;
	request->stack_size = options->stacks ? STACK_SIZE : 0;
	call_set_parse(&request->wanted, options->calls);
	for (int i = 0; i < K23_RING_DUMPS; i++)
		if (options->dumped[i]) {
			name_set_parse_descriptors(&request->dumped[i], options->dumped[i]);
			request->dumps = 1;
		}
}
