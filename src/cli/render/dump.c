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

static void add_vector(struct dump *to, uint64_t address, uint64_t count)
{
	struct iovec part;

	for (uint64_t i = 0; i < count && to->left; i++) {
		if (!memory_read(to->call, to->phase, address + i * sizeof(part), &part, sizeof(part)))
			return;
		if (part.iov_len > to->left)
			part.iov_len = (size_t)to->left;
		to->left -= part.iov_len;
		if (!part.iov_len)
			continue;
		line_add(to->line, "\n * %zu bytes in buffer %llu", part.iov_len, (unsigned long long)i);
		add_data(to, (uint64_t)(uintptr_t)part.iov_base, part.iov_len);
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
	struct msghdr message;

	if (memory_read(to->call, to->phase, to->call->entry->args[1], &message, sizeof(message)))
		add_vector(to, (uint64_t)(uintptr_t)message.msg_iov, message.msg_iovlen);
}

static void dump_messages(struct dump *to)
{
	uint64_t address = to->call->entry->args[1];
	struct mmsghdr message;

	for (int64_t i = 0; i < to->call->result; i++, address += sizeof(message)) {
		if (!memory_read(to->call, to->phase, address, &message, sizeof(message)))
			return;
		line_add(to->line, "\n = %zu buffers in vector %lld", message.msg_hdr.msg_iovlen, (long long)i);
		to->left = to->phase == PHASE_ENTRY ? UINT64_MAX : message.msg_len;
		add_vector(to, (uint64_t)(uintptr_t)message.msg_hdr.msg_iov, message.msg_hdr.msg_iovlen);
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
