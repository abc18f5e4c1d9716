/*
 * Signals.
 */
#include <limits.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/render/printer.h"
#include "core/describe.h"

#define SIGNALS 64
#define FIRST_REALTIME 32 /* the kernel's; the C library keeps some of those for itself */

/* Where the registers are in the frame that rt_sigreturn takes: behind uc_flags, uc_link and uc_stack; the one that
 * becomes the result is the 14th. */
#define FRAME_RAX (40 + 13 * 8)

static void add_name(struct line *line, int sig)
{
	const char *name = sig == SIGIO ? "IO" : sigabbrev_np(sig); /* the C library has POLL for it */

	if (name)
		line_text(line, name);
	else if (sig == FIRST_REALTIME)
		line_text(line, "RTMIN");
	else if (sig > FIRST_REALTIME && sig <= SIGNALS)
		line_add(line, "RT_%d", sig - FIRST_REALTIME);
	else
		line_add(line, "%d", sig);
}

static bool has_name(int sig)
{
	return sigabbrev_np(sig) || (sig >= FIRST_REALTIME && sig <= SIGNALS);
}

void render_signal(struct line *line, int sig)
{
	line_text(line, has_name(sig) ? "SIG" : "");
	add_name(line, sig);
}

static void add_signal(struct printer *to, int sig, enum render_constants how, const char *prefix)
{
	if (how != CONSTANTS_ABBREV)
		line_signed(to->line, sig);
	line_text(to->line, how == CONSTANTS_VERBOSE ? " /* " : "");
	if (how != CONSTANTS_RAW) {
		line_text(to->line, prefix);
		add_name(to->line, sig);
	}
	line_text(to->line, how == CONSTANTS_VERBOSE ? " */" : "");
}

void print_signal(struct printer *to, const struct type *type, struct place place)
{
	int sig = (int)place.value;
	enum render_constants how = has_name(sig) ? to->options->constants : CONSTANTS_RAW;

	if (type && !type->is_signed && place.value > INT_MAX) {
		line_unsigned(to->line, place.value); /* more than a signal's number */
		return;
	}
	add_signal(to, sig, how, "SIG");
}

/* A result: 0 is none. */
void print_signal_number(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_unsigned(to->line, place.value);
	if (!place.value)
		return;
	line_text(to->line, " (");
	render_signal(to->line, (int)place.value);
	line_char(to->line, ')');
}

/* A set with most of the signals is shown by what it has not. */
void print_signal_set(struct printer *to, const struct type *type, struct place place)
{
	uint64_t set = 0;
	const char *separator = "";

	if (!memory_read(to->call, to->phase, place.address, &set, (size_t)count_of(to, type))) {
		line_hex(to->line, place.address);
		return;
	}
	if (__builtin_popcountll(set) >= SIGNALS * 2 / 3) {
		line_char(to->line, '~');
		set = ~set;
	}
	line_char(to->line, '[');
	for (int sig = 1; sig <= SIGNALS; sig++)
		if (set >> (sig - 1) & 1) {
			line_text(to->line, separator);
			separator = " ";
			add_signal(to, sig, to->options->constants, "");
		}
	line_char(to->line, ']');
}

void print_handler(struct printer *to, const struct type *type, struct place place)
{
	static const char *const names[] = { "SIG_DFL", "SIG_IGN" };
	char number[24];

	snprintf(number, sizeof(number), "%#llx", (unsigned long long)place.value);
	if (place.value < COUNT(names))
		print_named(to, number, names[place.value]);
	else if (place.value == UINT64_MAX)
		print_named(to, number, "SIG_ERR");
	else
		print_address(to, type, place);
}

void print_sigval(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_add(to->line, "{sival_int=%d, sival_ptr=", (int)place.value);
	print_address(to, type, place);
	line_char(to->line, '}');
}

/* The status in a siginfo: an exit status, or a signal. */
void print_wait_code(struct printer *to, const struct type *type, struct place place)
{
	int code = (int)read_number(to, to->base + offsetof(siginfo_t, si_code), sizeof(int), true);

	if (code == CLD_EXITED)
		line_signed(to->line, (int)place.value);
	else
		print_signal(to, type, place);
}

void print_errno(struct printer *to, const struct type *type, struct place place)
{
	const char *name = place.value ? strerrorname_np((int)place.value) : NULL;
	char number[16];

	(void)type;
	snprintf(number, sizeof(number), "%u", (unsigned)place.value);
	if (name)
		print_named(to, number, name);
	else
		line_text(to->line, number);
}

static void print_call_name(struct printer *to, uint32_t arch, struct place place)
{
	struct k23_syscall_info call;
	char number[16], name[64];

	if ((arch != K23_ARCH_X86_64 && arch != K23_ARCH_I386) || !core_describe(arch, (long)place.value, &call)) {
		line_unsigned(to->line, (unsigned)place.value);
		return;
	}
	snprintf(number, sizeof(number), "%u", (unsigned)place.value);
	snprintf(name, sizeof(name), "__NR_%s", call.name);
	print_named(to, number, name);
}

/* The number of a call of the architecture that comes next. */
void print_syscall_number(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	print_call_name(to, (uint32_t)read_number(to, place.address + sizeof(int), sizeof(uint32_t), false), place);
}

/* The number of a tracee's call: behind its architecture and two addresses. */
void print_tracee_call(struct printer *to, const struct type *type, struct place place)
{
	uint64_t arch = place.address - offsetof(struct ptrace_syscall_info, entry) +
			offsetof(struct ptrace_syscall_info, arch);

	(void)type;
	print_call_name(to, (uint32_t)read_number(to, arch, sizeof(uint32_t), false), place);
}

struct place siginfo_place(struct recorded_siginfo *recorded, const siginfo_t *info, uint64_t namespace)
{
	struct k23_ring_item head = { (uint64_t)(uintptr_t)info, sizeof(*info), 0, 0 };

	recorded->entry = (struct k23_ring_entry){ .type = K23_RING_ENTRY, .arch = K23_ARCH_X86_64 };
	memcpy(recorded->memory, &head, sizeof(head));
	memcpy(recorded->memory + sizeof(head), info, sizeof(*info));
	recorded->call = (struct call){
		.entry = &recorded->entry,
		.in = { recorded->memory, sizeof(recorded->memory) },
		.outcome = OUTCOME_NONE,
		.namespace = namespace,
	};
	return (struct place){ 0, head.address };
}

void render_siginfo(struct line *line, const siginfo_t *info, uint64_t namespace,
		    const struct render_options *options)
{
	struct recorded_siginfo recorded;
	struct place place = siginfo_place(&recorded, info, namespace);
	struct printer to = printer_of(line, &recorded.call, options);

	type_siginfo->print(&to, type_siginfo, place);
}

/* The result of rt_sigreturn is what the interrupted code had in the register for results. */
void print_sigreturn(struct printer *to, const struct type *type, struct place place)
{
	int64_t result;

	(void)type;
	(void)place;
	to->phase = PHASE_ENTRY;
	result = (int64_t)read_number(to, to->call->entry->args[0] + FRAME_RAX, sizeof(uint64_t), true);
	if (is_error(result))
		print_error(to, result);
	else
		line_signed(to->line, result);
}
