/*
 * What calls read and write, as bytes: the lines of -e read= and -e write=.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "cli/cli.h"
#include "cli/render/printer.h"
#include "core/describe.h"

#define ROW 16u
#define OFFSET_DIGITS 5

struct dump {
	struct line *line;
	const struct call *call;
	enum phase phase;
	uint64_t left; /* how many bytes the call is about, of those that are not shown yet */
};

typedef void dump_fn(struct dump *to);

static void add_row(struct line *line, int digits, size_t offset, const unsigned char *data, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	char bytes[3 * ROW + 1], text[ROW];

	memset(bytes, ' ', sizeof(bytes));
	memset(text, ' ', sizeof(text));
	for (size_t i = 0; i < size; i++) {
		char *byte = bytes + 3 * i + (i >= ROW / 2);

		byte[0] = hex[data[i] >> 4];
		byte[1] = hex[data[i] & 15];
		text[i] = (char)(data[i] >= ' ' && data[i] < 0x7f ? data[i] : '.');
	}
	line_add(line, "\n | %0*zx  ", digits, offset);
	line_bytes(line, bytes, sizeof(bytes));
	line_char(line, ' ');
	line_bytes(line, text, sizeof(text));
	line_text(line, " |");
}

static void add_data(struct dump *to, uint64_t address, uint64_t size)
{
	const struct items *items = to->phase == PHASE_ENTRY ? &to->call->in : &to->call->out;
	size_t room = size < items->size ? (size_t)size : items->size, known;
	int digits = snprintf(NULL, 0, "%llx", (unsigned long long)(size ? size - 1 : 0));
	unsigned char *data = malloc(room + 1);

	if (!data)
		die(EXIT_K23, "out of memory");
	known = memory_read_part(to->call, to->phase, address, data, room);
	digits = digits < OFFSET_DIGITS ? OFFSET_DIGITS : digits;
	for (size_t at = 0; at < known; at += ROW)
		add_row(to->line, digits, at, data + at, known - at < ROW ? known - at : ROW);
	if (known < size)
		line_add(to->line, "\n | %llu bytes more, which were not recorded",
			 (unsigned long long)(size - known));
	free(data);
}

/* A vector has two words; a message has its address and length as the third and the fourth one, and of several, each
 * has eight, the last of which begins with the number of bytes that came. */
enum { VECTOR_WORDS = 2, MESSAGE_VECTOR = 2, MESSAGE_LENGTH = 7, MESSAGE_WORDS = 8 };

static unsigned word_size(const struct dump *to)
{
	return to->call->entry->arch == K23_ARCH_I386 ? sizeof(uint32_t) : sizeof(uint64_t);
}

/* Two words of the program's. */
static bool read_words(const struct dump *to, uint64_t address, uint64_t *first, uint64_t *second)
{
	unsigned size = word_size(to);

	*first = *second = 0;
	return memory_read(to->call, to->phase, address, first, size) &&
	       memory_read(to->call, to->phase, address + size, second, size);
}

static void add_vector(struct dump *to, uint64_t address, uint64_t count)
{
	uint64_t base, length;

	for (uint64_t i = 0; i < count && to->left; i++) {
		if (!read_words(to, address + i * VECTOR_WORDS * word_size(to), &base, &length))
			return;
		if (length > to->left)
			length = to->left;
		to->left -= length;
		if (!length)
			continue;
		line_add(to->line, "\n * %llu bytes in buffer %llu", (unsigned long long)length,
			 (unsigned long long)i);
		add_data(to, base, length);
	}
}

/* The result of recvfrom may be longer than the buffer. */
static void dump_read(struct dump *to)
{
	uint64_t size = to->call->entry->args[2];

	add_data(to, to->call->entry->args[1], to->left < size ? to->left : size);
}

/* What is given to the kernel is dumped whole, however much of it the kernel took. */
static void dump_written(struct dump *to)
{
	add_data(to, to->call->entry->args[1], to->call->entry->args[2]);
}

static void dump_vector(struct dump *to)
{
	add_vector(to, to->call->entry->args[1], to->call->entry->args[2]);
}

static void dump_message(struct dump *to)
{
	uint64_t vector, count;

	if (read_words(to, to->call->entry->args[1] + MESSAGE_VECTOR * word_size(to), &vector, &count))
		add_vector(to, vector, count);
}

static void dump_messages(struct dump *to)
{
	uint64_t address = to->call->entry->args[1], vector, count;
	unsigned size = word_size(to);

	for (int64_t i = 0; i < to->call->result; i++, address += MESSAGE_WORDS * size) {
		uint32_t length;

		if (!read_words(to, address + MESSAGE_VECTOR * size, &vector, &count) ||
		    !memory_read(to->call, to->phase, address + MESSAGE_LENGTH * size, &length, sizeof(length)))
			return;
		line_add(to->line, "\n = %llu buffers in vector %lld", (unsigned long long)count, (long long)i);
		to->left = to->phase == PHASE_ENTRY ? UINT64_MAX : length;
		add_vector(to, vector, count);
	}
}

static const struct {
	const char *name;
	enum k23_ring_dump data;
	dump_fn *dump;
} dumps[] = {
	{ "read", K23_RING_READ, dump_read },
	{ "pread64", K23_RING_READ, dump_read },
	{ "recvfrom", K23_RING_READ, dump_read },
	{ "mq_timedreceive", K23_RING_READ, dump_read },
	{ "readv", K23_RING_READ, dump_vector },
	{ "preadv", K23_RING_READ, dump_vector },
	{ "preadv2", K23_RING_READ, dump_vector },
	{ "recvmsg", K23_RING_READ, dump_message },
	{ "recvmmsg", K23_RING_READ, dump_messages },
	{ "write", K23_RING_WRITTEN, dump_written },
	{ "pwrite64", K23_RING_WRITTEN, dump_written },
	{ "sendto", K23_RING_WRITTEN, dump_written },
	{ "mq_timedsend", K23_RING_WRITTEN, dump_written },
	{ "writev", K23_RING_WRITTEN, dump_vector },
	{ "pwritev", K23_RING_WRITTEN, dump_vector },
	{ "pwritev2", K23_RING_WRITTEN, dump_vector },
	{ "vmsplice", K23_RING_WRITTEN, dump_vector },
	{ "sendmsg", K23_RING_WRITTEN, dump_message },
	{ "sendmmsg", K23_RING_WRITTEN, dump_messages },
};

void render_dump(struct line *line, const struct call *call, const struct k23_ring_request *request)
{
	struct dump to = { line, call, PHASE_EXIT, (uint64_t)call->result };
	int fd = (int)call->entry->args[0];
	struct k23_syscall_info info;

	if (!request->dumps || !call_succeeded(call) ||
	    !core_describe(call->entry->arch, (long)call->entry->nr, &info))
		return;
	for (size_t i = 0; i < COUNT(dumps); i++) {
		if (strcmp(dumps[i].name, info.name) != 0 ||
		    !k23_ring_has_descriptor(&request->dumped[dumps[i].data], fd))
			continue;
		if (dumps[i].data == K23_RING_WRITTEN) {
			to.phase = PHASE_ENTRY;
			to.left = UINT64_MAX;
		}
		dumps[i].dump(&to);
	}
}
