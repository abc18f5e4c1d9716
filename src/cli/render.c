/*
 * A line for a recorded call, in the manner of strace.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/render.h"
#include "core/describe.h"
#include "core/error_name.h"

#define RESULT_COLUMN 39

static void make_room(struct line *line, size_t more)
{
	if (line->size + more <= line->room)
		return;
	line->room = 2 * (line->size + more) + 256;
	line->data = realloc(line->data, line->room);
	if (!line->data)
		die(EXIT_K23, "out of memory");
}

void line_add(struct line *line, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return;
	make_room(line, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(line->data + line->size, (size_t)length + 1, format, args);
	va_end(args);
	line->size += (size_t)length;
}

/* Finds the next item of an argument, from *at on. False: there is none. */
static bool next_item(const struct items *items, size_t *at, unsigned arg, struct k23_ring_item *item,
		      const unsigned char **data)
{
	while (items->size - *at >= sizeof(*item)) {
		memcpy(item, items->data + *at, sizeof(*item));
		*at += sizeof(*item);
		if (item->size > items->size - *at)
			return false;
		*data = items->data + *at;
		*at += item->size;
		if (item->arg == arg)
			return true;
	}
	return false;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '7';
}

/* Adds bytes as in a C string. A byte that cannot be printed has the shortest octal form that a following digit does
 * not change. */
static void add_escaped(struct line *line, const unsigned char *data, size_t size)
{
	static const char special[] = "\"\\\n\t\r\f\v", letters[] = "\"\\ntrfv";

	for (size_t i = 0; i < size; i++) {
		const char *found = data[i] ? strchr(special, data[i]) : NULL;

		if (found)
			line_add(line, "\\%c", letters[found - special]);
		else if (data[i] >= ' ' && data[i] < 0x7f)
			line_add(line, "%c", data[i]);
		else
			line_add(line, i + 1 < size && is_digit(data[i + 1]) ? "\\%03o" : "\\%o", data[i]);
	}
}

/* Adds the next string or buffer of an argument, from *at on, in quotes. False: none was recorded, or it could not be
 * read. */
static bool add_quoted(struct line *line, const struct items *items, size_t *at, unsigned arg)
{
	size_t begin = line->size;
	const unsigned char *data;
	struct k23_ring_item item;

	line_add(line, "\"");
	do {
		if (!next_item(items, at, arg, &item, &data) || item.flags & K23_RING_FAULT) {
			line->size = begin;
			return false;
		}
		add_escaped(line, data, item.size);
	} while (item.flags & K23_RING_MORE);
	line_add(line, item.flags & K23_RING_CUT ? "\"..." : "\"");
	return true;
}

static void add_address(struct line *line, uint64_t address)
{
	if (address)
		line_add(line, "0x%llx", (unsigned long long)address);
	else
		line_add(line, "NULL");
}

static void add_strings(struct line *line, const struct call *call, unsigned arg)
{
	const char *separator = "";
	const unsigned char *data;
	struct k23_ring_item item;
	size_t at = 0, here = 0;

	if (!call->entry->args[arg]) {
		line_add(line, "NULL");
		return;
	}
	line_add(line, "[");
	while (next_item(&call->in, &here, arg, &item, &data)) {
		line_add(line, "%s", separator);
		separator = ", ";
		if (item.flags & K23_RING_ETC)
			line_add(line, "...");
		else if (!add_quoted(line, &call->in, &at, arg))
			line_add(line, "???");
		at = here = at > here ? at : here;
	}
	line_add(line, "]");
}

static void add_environment(struct line *line, const struct call *call, unsigned arg)
{
	const unsigned char *data;
	struct k23_ring_item item;
	uint32_t count;
	size_t at = 0;

	add_address(line, call->entry->args[arg]);
	if (!next_item(&call->in, &at, arg, &item, &data) || item.size != sizeof(count))
		return;
	memcpy(&count, data, sizeof(count));
	line_add(line, " /* %u var%s */", count, count == 1 ? "" : "s");
}

static void add_pair(struct line *line, const struct call *call, unsigned arg)
{
	const unsigned char *data;
	struct k23_ring_item item;
	size_t at = 0;
	int pair[2];

	if (!next_item(&call->out, &at, arg, &item, &data) || item.size != sizeof(pair)) {
		add_address(line, call->entry->args[arg]);
		return;
	}
	memcpy(pair, data, sizeof(pair));
	line_add(line, "[%d, %d]", pair[0], pair[1]);
}

static void add_signal(struct line *line, int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name)
		line_add(line, "SIG%s", name);
	else if (sig >= 34 && sig <= 64) /* what is left of the real-time signals, as strace has them */
		line_add(line, "SIGRT_%d", sig - 32);
	else
		line_add(line, "%d", sig);
}

static void add_hex(struct line *line, uint64_t value)
{
	/* A 32-bit argument that the program's compiler sign-extended. */
	if (value >> 31 == 0x1ffffffff)
		value = (uint32_t)value;
	line_add(line, value ? "0x%llx" : "0", (unsigned long long)value);
}

static void add_argument(struct line *line, const struct call *call, unsigned arg, enum k23_kind kind)
{
	bool narrow = call->entry->arch == K23_ARCH_I386;
	uint64_t value = call->entry->args[arg];
	size_t at = 0;

	switch (kind) {
	case K23_INT:
	case K23_FD:
		line_add(line, "%d", (int)value);
		break;
	case K23_DIRFD:
		line_add(line, (int)value == AT_FDCWD ? "AT_FDCWD" : "%d", (int)value);
		break;
	case K23_LONG:
		line_add(line, "%lld", narrow ? (long long)(int)value : (long long)value);
		break;
	case K23_UINT:
		line_add(line, "%u", (unsigned)value);
		break;
	case K23_ULONG:
		line_add(line, "%llu", (unsigned long long)value);
		break;
	case K23_HEX:
		add_hex(line, value);
		break;
	case K23_MODE:
		line_add(line, (unsigned)value ? "0%o" : "%o", (unsigned)value);
		break;
	case K23_SIGNAL:
		add_signal(line, (int)value);
		break;
	case K23_STR:
	case K23_PATH:
	case K23_BUF:
		if (!add_quoted(line, &call->in, &at, arg))
			add_address(line, value);
		break;
	case K23_OUTBUF:
		if (!add_quoted(line, &call->out, &at, arg))
			add_address(line, value);
		break;
	case K23_ARGV:
		add_strings(line, call, arg);
		break;
	case K23_ENVP:
		add_environment(line, call, arg);
		break;
	case K23_FDPAIR:
		add_pair(line, call, arg);
		break;
	case K23_PTR:
	case K23_NONE:
		add_address(line, value);
		break;
	}
}

/* How many arguments are shown: the mode of open and its like means something only when a file may be made. */
static unsigned argument_count(const struct k23_syscall_info *info, const struct k23_ring_entry *entry)
{
	if (info->args < 2 || info->kind[info->args - 1] != K23_MODE || strncmp(info->name, "open", 4) != 0)
		return info->args;
	return info->args - !(entry->args[info->args - 2] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
}

/* The name of a result that the kernel has for a call that is to be made again; the program never sees such a
 * result. */
static const char *restart_name(int64_t result)
{
	switch (-result) {
	case 512:
		return "ERESTARTSYS (To be restarted if SA_RESTART is set)";
	case K23_ERESTART:
		return "ERESTARTNOINTR (To be restarted)";
	case 514:
		return "ERESTARTNOHAND (To be restarted if no handler)";
	case 516:
		return "ERESTART_RESTARTBLOCK (Interrupted by signal)";
	}
	return NULL;
}

static void add_result(struct line *line, const struct call *call, enum k23_kind kind)
{
	int64_t result = call->result;
	const char *restart = restart_name(result), *name = core_error_name((long)result);

	if (call->outcome == OUTCOME_NONE)
		line_add(line, "?");
	else if (call->outcome == OUTCOME_UNKNOWN)
		line_add(line, "? (result not recorded)");
	else if (restart)
		line_add(line, "? %s", restart);
	else if (result < 0 && result >= -4095 && name)
		line_add(line, "-1 %s (%s)", name, strerror((int)-result));
	else if (result < 0 && result >= -4095)
		line_add(line, "-1 (errno %d)", (int)-result);
	else if (kind == K23_PTR)
		line_add(line, result ? "0x%llx" : "NULL", (unsigned long long)result);
	else if (kind == K23_HEX)
		line_add(line, "0x%llx", (unsigned long long)result);
	else if (kind == K23_MODE)
		line_add(line, "0%llo", (unsigned long long)result);
	else
		line_add(line, "%lld", (long long)result);
}

void render_call(struct line *line, const struct call *call)
{
	const struct k23_ring_entry *entry = call->entry;
	struct k23_syscall_info info = {
		.args = 6,
		.kind = { K23_HEX, K23_HEX, K23_HEX, K23_HEX, K23_HEX, K23_HEX },
	};
	size_t begin = line->size;
	unsigned count;

	if (entry->arch == K23_ARCH_I386)
		line_add(line, "i386:");
	if (core_describe(entry->arch, (long)entry->nr, &info))
		line_add(line, "%s(", info.name);
	else
		line_add(line, "syscall_0x%llx(", (unsigned long long)entry->nr);
	count = info.name ? argument_count(&info, entry) : info.args;
	for (unsigned i = 0; i < count; i++) {
		if (i)
			line_add(line, ", ");
		add_argument(line, call, i, info.kind[i]);
	}
	line_add(line, ")");
	while (line->size - begin < RESULT_COLUMN)
		line_add(line, " ");
	line_add(line, " = ");
	add_result(line, call, info.result);
}
