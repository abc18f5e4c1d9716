/*
 * A recorded call as text, in the manner of strace.
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
#include "core/errnoname.h"

#define RESULT_COLUMN 39

static void reserve(struct text *text, size_t more)
{
	if (text->size + more <= text->room)
		return;
	text->room = 2 * (text->size + more) + 256;
	text->data = realloc(text->data, text->room);
	if (!text->data)
		die(EXIT_K23, "out of memory");
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return;
	reserve(text, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(text->data + text->size, (size_t)length + 1, format, args);
	va_end(args);
	text->size += (size_t)length;
}

/* The next item of an argument, from *at on. False: there is none. */
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

/* As in a C string: the shortest octal form that a following digit does not change. */
static void add_escaped(struct text *text, const unsigned char *data, size_t size)
{
	static const char special[] = "\"\\\n\t\r\f\v", letters[] = "\"\\ntrfv";

	for (size_t i = 0; i < size; i++) {
		const char *found = data[i] ? strchr(special, data[i]) : NULL;

		if (found)
			text_add(text, "\\%c", letters[found - special]);
		else if (data[i] >= ' ' && data[i] < 0x7f)
			text_add(text, "%c", data[i]);
		else
			text_add(text, i + 1 < size && is_digit(data[i + 1]) ? "\\%03o" : "\\%o", data[i]);
	}
}

/* One string or buffer of an argument, from *at on, quoted. False: none was recorded, or it could not be read. */
static bool add_quoted(struct text *text, const struct items *items, size_t *at, unsigned arg)
{
	size_t begin = text->size;
	const unsigned char *data;
	struct k23_ring_item item;

	text_add(text, "\"");
	do {
		if (!next_item(items, at, arg, &item, &data) || item.flags & K23_RING_FAULT) {
			text->size = begin;
			return false;
		}
		add_escaped(text, data, item.size);
	} while (item.flags & K23_RING_MORE);
	text_add(text, item.flags & K23_RING_CUT ? "\"..." : "\"");
	return true;
}

static void add_address(struct text *text, uint64_t address)
{
	if (address)
		text_add(text, "0x%llx", (unsigned long long)address);
	else
		text_add(text, "NULL");
}

static void add_strings(struct text *text, const struct call *call, unsigned arg)
{
	const char *separator = "";
	const unsigned char *data;
	struct k23_ring_item item;
	size_t at = 0, here = 0;

	if (!call->entry->args[arg]) {
		text_add(text, "NULL");
		return;
	}
	text_add(text, "[");
	while (next_item(&call->in, &here, arg, &item, &data)) {
		text_add(text, "%s", separator);
		separator = ", ";
		if (item.flags & K23_RING_ETC)
			text_add(text, "...");
		else if (!add_quoted(text, &call->in, &at, arg))
			text_add(text, "???");
		at = here = at > here ? at : here;
	}
	text_add(text, "]");
}

static void add_environment(struct text *text, const struct call *call, unsigned arg)
{
	const unsigned char *data;
	struct k23_ring_item item;
	uint32_t count;
	size_t at = 0;

	add_address(text, call->entry->args[arg]);
	if (!next_item(&call->in, &at, arg, &item, &data) || item.size != sizeof(count))
		return;
	memcpy(&count, data, sizeof(count));
	text_add(text, " /* %u var%s */", count, count == 1 ? "" : "s");
}

static void add_pair(struct text *text, const struct call *call, unsigned arg)
{
	const unsigned char *data;
	struct k23_ring_item item;
	size_t at = 0;
	int pair[2];

	if (!next_item(&call->out, &at, arg, &item, &data) || item.size != sizeof(pair)) {
		add_address(text, call->entry->args[arg]);
		return;
	}
	memcpy(pair, data, sizeof(pair));
	text_add(text, "[%d, %d]", pair[0], pair[1]);
}

static void add_signal(struct text *text, int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name)
		text_add(text, "SIG%s", name);
	else if (sig >= 34 && sig <= 64) /* what is left of the real-time signals, as strace has them */
		text_add(text, "SIGRT_%d", sig - 32);
	else
		text_add(text, "%d", sig);
}

static void add_hex(struct text *text, uint64_t value)
{
	/* A 32-bit argument that the program's compiler sign-extended. */
	if (value >> 31 == 0x1ffffffff)
		value = (uint32_t)value;
	text_add(text, value ? "0x%llx" : "0", (unsigned long long)value);
}

static void add_argument(struct text *text, const struct call *call, unsigned arg, enum k23_kind kind)
{
	bool narrow = call->entry->arch == K23_ARCH_I386;
	uint64_t value = call->entry->args[arg];
	size_t at = 0;

	switch (kind) {
	case K23_INT:
	case K23_FD:
		text_add(text, "%d", (int)value);
		break;
	case K23_DIRFD:
		text_add(text, (int)value == AT_FDCWD ? "AT_FDCWD" : "%d", (int)value);
		break;
	case K23_LONG:
		text_add(text, "%lld", narrow ? (long long)(int)value : (long long)value);
		break;
	case K23_UINT:
		text_add(text, "%u", (unsigned)value);
		break;
	case K23_ULONG:
		text_add(text, "%llu", (unsigned long long)value);
		break;
	case K23_HEX:
		add_hex(text, value);
		break;
	case K23_MODE:
		text_add(text, (unsigned)value ? "0%o" : "%o", (unsigned)value);
		break;
	case K23_SIGNAL:
		add_signal(text, (int)value);
		break;
	case K23_STR:
	case K23_PATH:
	case K23_BUF:
		if (!add_quoted(text, &call->in, &at, arg))
			add_address(text, value);
		break;
	case K23_OUTBUF:
		if (!add_quoted(text, &call->out, &at, arg))
			add_address(text, value);
		break;
	case K23_ARGV:
		add_strings(text, call, arg);
		break;
	case K23_ENVP:
		add_environment(text, call, arg);
		break;
	case K23_FDPAIR:
		add_pair(text, call, arg);
		break;
	case K23_PTR:
	case K23_NONE:
		add_address(text, value);
		break;
	}
}

/* open's mode means something only when a file may be made. */
static unsigned argument_count(const struct k23_syscall_info *info, const struct k23_ring_entry *entry)
{
	if (info->args < 2 || info->kind[info->args - 1] != K23_MODE || strncmp(info->name, "open", 4) != 0)
		return info->args;
	return info->args - !(entry->args[info->args - 2] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
}

/* The kernel's own values for calls that are to be made again: it never shows them to the program. */
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

static void add_result(struct text *text, const struct call *call, enum k23_kind kind)
{
	int64_t result = call->result;
	const char *restart = restart_name(result), *name = core_error_name((long)result);

	if (call->outcome == OUTCOME_NONE)
		text_add(text, "?");
	else if (call->outcome == OUTCOME_UNKNOWN)
		text_add(text, "? (result not recorded)");
	else if (restart)
		text_add(text, "? %s", restart);
	else if (result < 0 && result >= -4095 && name)
		text_add(text, "-1 %s (%s)", name, strerror((int)-result));
	else if (result < 0 && result >= -4095)
		text_add(text, "-1 (errno %d)", (int)-result);
	else if (kind == K23_PTR)
		text_add(text, result ? "0x%llx" : "NULL", (unsigned long long)result);
	else if (kind == K23_HEX)
		text_add(text, "0x%llx", (unsigned long long)result);
	else if (kind == K23_MODE)
		text_add(text, "0%llo", (unsigned long long)result);
	else
		text_add(text, "%lld", (long long)result);
}

void render_call(struct text *text, const struct call *call)
{
	const struct k23_ring_entry *entry = call->entry;
	struct k23_syscall_info info = {
		.args = 6,
		.kind = { K23_HEX, K23_HEX, K23_HEX, K23_HEX, K23_HEX, K23_HEX },
	};
	size_t begin = text->size;
	unsigned count;

	if (entry->arch == K23_ARCH_I386)
		text_add(text, "i386:");
	if (core_describe(entry->arch, (long)entry->nr, &info))
		text_add(text, "%s(", info.name);
	else
		text_add(text, "syscall_0x%llx(", (unsigned long long)entry->nr);
	count = info.name ? argument_count(&info, entry) : info.args;
	for (unsigned i = 0; i < count; i++) {
		if (i)
			text_add(text, ", ");
		add_argument(text, call, i, info.kind[i]);
	}
	text_add(text, ")");
	while (text->size - begin < RESULT_COLUMN)
		text_add(text, " ");
	text_add(text, " = ");
	add_result(text, call, info.result);
}
