/*
 * What calls about processes have.
 */
#include <linux/ioprio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "cli/render/printer.h"

/* Behind a stop's signal the kernel says whether it is at a call, and which of ptrace's events it is. */
static void add_stop(struct printer *to, const struct type *events, unsigned status)
{
	unsigned sign = WSTOPSIG(status), event = status >> 16;
	bool call = sign == (SIGTRAP | 0x80);

	line_text(to->line, "{WIFSTOPPED(s) && WSTOPSIG(s) == ");
	render_signal(to->line, (int)(call ? SIGTRAP : sign));
	line_text(to->line, call ? " | 0x80}" : "}");
	if (event) {
		line_char(to->line, '|');
		print_by_name(to, events, (struct place){ event, 0 });
		line_text(to->line, "<<16");
	}
}

void print_wait_status(struct printer *to, const struct type *type, struct place place)
{
	int status = (int)place.value;

	if (WIFEXITED(status)) {
		line_add(to->line, "{WIFEXITED(s) && WEXITSTATUS(s) == %d}", WEXITSTATUS(status));
	} else if (WIFCONTINUED(status)) {
		line_text(to->line, "{WIFCONTINUED(s)}");
	} else if (WIFSTOPPED(status)) {
		add_stop(to, type->of, (unsigned)status);
	} else {
		line_text(to->line, "{WIFSIGNALED(s) && WTERMSIG(s) == ");
		render_signal(to->line, WTERMSIG(status));
		line_text(to->line, WCOREDUMP(status) ? " && WCOREDUMP(s)}" : "}");
	}
}

const char *(*render_comm)(uint32_t tid);
uint32_t (*render_outside)(uint64_t namespace, uint32_t id);

uint32_t pid_outside(const struct printer *to, int pid)
{
	uint64_t namespace = to->call->namespace;
	uint32_t id = pid < -1 ? -(uint32_t)pid : pid > 0 ? (uint32_t)pid : 0;

	return id && namespace ? render_outside(namespace, id) : id;
}

const char *pid_comm(const struct printer *to, int pid)
{
	uint32_t outside = to->options->comms && pid > 0 ? pid_outside(to, pid) : 0;

	return outside ? render_comm(outside) : NULL;
}

/* In the words of strace, whose lines these are. */
static void add_outside(struct printer *to, int pid)
{
	uint32_t outside = to->options->namespaces && to->call->namespace ? pid_outside(to, pid) : 0;

	if (outside && outside != (uint32_t)pid)
		line_add(to->line, " /* %u in strace's PID NS */", outside);
}

/* The id of a process or a thread; 0, and negative ones, stand for others: below -1 for a group of processes. */
void print_pid(struct printer *to, const struct type *type, struct place place)
{
	int pid = (int)place.value;
	const char *comm = pid_comm(to, pid);

	(void)type;
	line_signed(to->line, pid);
	if (comm)
		render_name_of_thread(to->line, comm);
	add_outside(to, pid);
}

/* The id of a group of processes, or of a session. */
void print_group(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_signed(to->line, (int)place.value);
	add_outside(to, (int)place.value);
}

void print_cpu_set(struct printer *to, const struct type *type, struct place place)
{
	uint64_t count = count_of(to, type);
	const char *separator = "";
	unsigned char bytes[4096];

	count = count < sizeof(bytes) ? count : sizeof(bytes);
	if (!memory_read(to->call, to->phase, place.address, bytes, count)) {
		line_hex(to->line, place.address);
		return;
	}
	line_char(to->line, '[');
	for (unsigned cpu = 0; cpu < 8 * count; cpu++)
		if (bytes[cpu / 8] >> cpu % 8 & 1) {
			line_text(to->line, separator);
			separator = " ";
			line_unsigned(to->line, cpu);
		}
	line_char(to->line, ']');
}

/* Half of a set: those from `first` on. */
static void add_capabilities(struct printer *to, const struct type *names, uint32_t half, unsigned first)
{
	enum render_constants how = to->options->constants;
	const char *separator = "";

	if (how != CONSTANTS_ABBREV)
		print_hexadecimal(to, half);
	line_text(to->line, how == CONSTANTS_VERBOSE ? " /* " : "");
	for (unsigned cap = 0; cap < 32 && how != CONSTANTS_RAW; cap++)
		if (half >> cap & 1) {
			line_text(to->line, separator);
			line_text(to->line, "1<<");
			separator = "|";
			print_by_name(to, names, (struct place){ first + cap, 0 });
		}
	line_text(to->line, how == CONSTANTS_VERBOSE ? " */" : "");
}

static void add_set(struct printer *to, const struct type *names, uint32_t low, uint32_t high)
{
	if (!low && !high)
		line_char(to->line, '0');
	if (low)
		add_capabilities(to, names, low, 0);
	if (high) {
		line_text(to->line, low ? "|" : "");
		add_capabilities(to, names, high, 32);
	}
}

/* Two structures of three words: the low and the high halves of three sets. */
void print_capabilities(struct printer *to, const struct type *type, struct place place)
{
	static const char *const names[] = { "{effective=", ", permitted=", ", inheritable=" };
	uint32_t words[6];

	if (!memory_read(to->call, to->phase, place.address, words, sizeof(words))) {
		line_hex(to->line, place.address);
		return;
	}
	for (unsigned i = 0; i < COUNT(names); i++) {
		line_text(to->line, names[i]);
		add_set(to, type->of, words[i], words[i + 3]);
	}
	line_char(to->line, '}');
}

/* The number of a key; some stand for the caller's keyrings. */
void print_key(struct printer *to, const struct type *type, struct place place)
{
	const char *name = constant_name(type->of, (uint32_t)place.value);
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)place.value);
	if (name)
		print_named(to, number, name);
	else
		line_text(to->line, number);
	if (!name && *type->of->unknown != '-' && to->options->constants != CONSTANTS_RAW)
		line_add(to->line, " /* %s */", type->of->unknown);
}

/* What names a System V object. */
void print_key_number(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	if (place.value)
		line_hex(to->line, place.value);
	else
		print_named(to, "0", "IPC_PRIVATE");
}

void print_ioprio(struct printer *to, const struct type *type, struct place place)
{
	enum render_constants how = to->options->constants;

	if (how != CONSTANTS_ABBREV)
		line_signed(to->line, (int)place.value);
	if (how == CONSTANTS_RAW)
		return;
	line_text(to->line, how == CONSTANTS_VERBOSE ? " /* IOPRIO_PRIO_VALUE(" : "IOPRIO_PRIO_VALUE(");
	print_enumerator(to, type->of, (struct place){ (uint32_t)place.value >> IOPRIO_CLASS_SHIFT, 0 });
	line_add(to->line, ", %u)", (unsigned)place.value & ((1u << IOPRIO_CLASS_SHIFT) - 1));
	line_text(to->line, how == CONSTANTS_VERBOSE ? " */" : "");
}

/* A constant that is a part of a number. One that is not known is shown as the shifted number that it is. */
static void print_shifted(struct printer *to, const struct type *type, uint64_t value, unsigned shift)
{
	bool known = constant_name(type, value);

	if (known)
		print_enumerator(to, type, (struct place){ value, 0 });
	else
		line_hex(to->line, value);
	line_add(to->line, "<<%u", shift);
	if (!known && to->options->constants != CONSTANTS_RAW)
		line_add(to->line, " /* %s */", type->unknown);
	line_text(to->line, "|");
}

/* What FUTEX_WAKE_OP does with the second word, in five parts of a number. */
void print_wake_op(struct printer *to, const struct type *type, struct place place)
{
	const struct field *names = type->of->members;
	unsigned op = (unsigned)place.value;

	if (op >> 31)
		print_shifted(to, names[0].type, op >> 28 & 8, 28);
	print_shifted(to, names[1].type, op >> 28 & 7, 28);
	line_hex(to->line, op >> 12 & 0xfff);
	line_text(to->line, "<<12|");
	print_shifted(to, names[2].type, op >> 24 & 15, 24);
	line_hex(to->line, op & 0xfff);
}

/* What is at an offset of struct user: a register, or another member. */
void print_user_offset(struct printer *to, const struct type *type, struct place place)
{
	const struct constant *members = type->of->members, *member = &members[0];
	char number[32], name[64], more[32] = "";

	if (place.value > sizeof(struct user)) {
		line_hex(to->line, place.value);
		return;
	}
	for (unsigned i = 0; i < type->of->member_count && members[i].value <= place.value; i++)
		member = &members[i];
	if (place.value > member->value)
		snprintf(more, sizeof(more), "+%u", (unsigned)(place.value - member->value));
	if (place.value == sizeof(struct user))
		snprintf(name, sizeof(name), "sizeof(struct user)");
	else if (member->value < offsetof(struct user, u_fpvalid))
		snprintf(name, sizeof(name), "8*%s%s", member->name, more);
	else
		snprintf(name, sizeof(name), "offsetof(struct user, %s)%s", member->name, more);
	snprintf(number, sizeof(number), "%u", (unsigned)place.value);
	print_named(to, number, name);
}
