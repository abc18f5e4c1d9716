/*
 * trace: records every call for `k23 trace`, before it is made and after it returned.
 */
#include <linux/sched.h>

#include "collector.h"
#include "ring_write.h"

#define CHUNK 512u
#define MAX_STRINGS 32 /* of an argv */
#define MAX_COUNT 100000u

struct thread {
	uint32_t writer; /* this thread's number in the ring; 0: none yet */
};

static struct k23_ring *ring;

static struct record begin_record(void)
{
	struct thread *thread = k23_thread_state();

	if (!thread->writer)
		thread->writer = __atomic_add_fetch(&ring->writers, 1, __ATOMIC_RELAXED);
	return record_begin(ring, thread->writer);
}

static void put_item(struct record *record, unsigned arg, unsigned flags, const void *data, size_t size)
{
	struct k23_ring_item item = { (uint8_t)arg, (uint8_t)flags, (uint16_t)size };

	record_put(record, &item, sizeof(item));
	record_put(record, data, size);
}

/* Records a string of the program's, of which at most `limit` bytes. */
static void put_string(struct record *record, unsigned arg, unsigned long address, size_t limit)
{
	char chunk[CHUNK];

	for (;;) {
		size_t part = limit < CHUNK - 1 ? limit : CHUNK - 1;
		long r = k23_copy_string(chunk, part + 1, address);

		if (r != -ENAMETOOLONG) {
			/* Nothing is shown of a string that cannot be read to its end: k23_copy_string() promises no
			 * part. */
			put_item(record, arg, r < 0 ? K23_RING_FAULT : 0, chunk, r < 0 ? 0 : (size_t)r);
			return;
		}
		limit -= part;
		address += part;
		put_item(record, arg, limit ? K23_RING_MORE : K23_RING_CUT, chunk, part);
		if (!limit)
			return;
	}
}

/* Records the first of `size` bytes of the program's. */
static void put_bytes(struct record *record, unsigned arg, unsigned long address, size_t size)
{
	size_t limit = ring->string_size < size ? ring->string_size : size;
	unsigned end = limit < size ? K23_RING_CUT : 0;
	char chunk[CHUNK];

	for (;;) {
		size_t part = limit < CHUNK ? limit : CHUNK;

		if (k23_copy_from(chunk, address, part) < 0) {
			put_item(record, arg, K23_RING_FAULT, NULL, 0);
			return;
		}
		limit -= part;
		address += part;
		put_item(record, arg, limit ? K23_RING_MORE : end, chunk, part);
		if (!limit)
			return;
	}
}

/* The pointer at an index of an array of the program's; 0 at its end, or when it cannot be read. */
static unsigned long string_at(const struct k23_call *call, unsigned long array, size_t index)
{
	size_t size = call->arch == K23_ARCH_I386 ? sizeof(uint32_t) : sizeof(uint64_t);
	uint64_t pointer = 0;

	return k23_copy_from(&pointer, array + index * size, size) < 0 ? 0 : pointer;
}

static void put_strings(struct record *record, const struct k23_call *call, unsigned arg)
{
	unsigned long string;

	for (size_t i = 0; (string = string_at(call, call->args[arg], i)); i++) {
		if (i == MAX_STRINGS) {
			put_item(record, arg, K23_RING_ETC, NULL, 0);
			return;
		}
		put_string(record, arg, string, ring->string_size);
	}
}

static void put_count(struct record *record, const struct k23_call *call, unsigned arg)
{
	uint32_t count = 0;

	while (count < MAX_COUNT && string_at(call, call->args[arg], count))
		count++;
	put_item(record, arg, 0, &count, sizeof(count));
}

/* Records what the arguments point to when the call is made. */
static void put_inputs(struct record *record, const struct k23_call *call)
{
	const struct k23_syscall_info *info = k23_describe(call);

	for (unsigned i = 0; info && i < info->args; i++) {
		if (!call->args[i])
			continue;
		switch (info->kind[i]) {
		case K23_PATH:
			put_string(record, i, call->args[i], K23_PATH_MAX);
			break;
		case K23_STR:
			put_string(record, i, call->args[i], ring->string_size);
			break;
		case K23_BUF:
			put_bytes(record, i, call->args[i], call->args[i + 1]);
			break;
		case K23_ARGV:
			put_strings(record, call, i);
			break;
		case K23_ENVP:
			put_count(record, call, i);
			break;
		}
	}
}

/* Records what the arguments point to when the call has returned. */
static void put_outputs(struct record *record, const struct k23_call *call, long result)
{
	const struct k23_syscall_info *info = k23_describe(call);

	for (unsigned i = 0; info && i < info->args && !k23_failed(result); i++) {
		if (!call->args[i])
			continue;
		/* Some calls return the size that they would need. */
		if (info->kind[i] == K23_OUTBUF)
			put_bytes(record, i, call->args[i],
				  (size_t)result < call->args[i + 1] ? (size_t)result : call->args[i + 1]);
		else if (info->kind[i] == K23_FDPAIR)
			put_bytes(record, i, call->args[i], 2 * sizeof(int));
	}
}

static int record_entry(const struct k23_call *call)
{
	struct k23_ring_entry entry = { K23_RING_ENTRY, call->arch, k23_cycles(), call->nr, { 0 } };
	struct record record = begin_record();

	for (int i = 0; i < 6; i++)
		entry.args[i] = call->args[i];
	record_put(&record, &entry, sizeof(entry));
	put_inputs(&record, call);
	return record_end(&record);
}

static void record_exit(const struct k23_call *call, uint64_t start, long result)
{
	struct k23_ring_exit exit = { K23_RING_EXIT, 0, start, k23_cycles(), result };
	struct record record = begin_record();

	record_put(&record, &exit, sizeof(exit));
	put_outputs(&record, call, result);
	record_end(&record);
}

static int is_wanted(const struct k23_call *call)
{
	enum k23_channel_arch arch = call->arch == K23_ARCH_I386 ? K23_CHANNEL_I386 : K23_CHANNEL_X86_64;
	unsigned long nr = (unsigned long)call->nr;

	return nr < K23_NUMBERS ? ring->wanted[arch][nr / 64] >> nr % 64 & 1 : ring->others[arch] != 0;
}

static long on_call(struct k23_call *call)
{
	struct k23_call before;
	uint64_t start;
	long result;

	if (!ring || !is_wanted(call) || !channel_has_reader() || !record_entry(call))
		return k23_forward(call);
	before = *call; /* a later hook may change it */
	start = k23_cycles();
	result = k23_forward(call);
	record_exit(&before, start, result);
	return result;
}

/* Calls after which process ids may be those of a new PID namespace. */
static long on_namespace(struct k23_call *call)
{
	unsigned long flags = call->args[call->nr == SYS_setns ? 1 : 0];

	if (call->nr == SYS_clone3 && k23_copy_from(&flags, call->args[0], sizeof(flags)) < 0)
		flags = 0;
	if (ring && (flags & CLONE_NEWPID || (call->nr == SYS_setns && !flags)))
		__atomic_store_n(&channel->foreign_pids, 1, __ATOMIC_SEQ_CST);
	return on_call(call);
}

static int init(const struct k23_options *options)
{
	struct k23_ring_image image = { K23_RING_IMAGE, 0, k23_cycles() };
	struct record record;
	int r = channel_init(options, K23_RING_MAGIC);

	if (r < 0 || !channel)
		return r;
	ring = (struct k23_ring *)channel;
	record = begin_record();
	record_put(&record, &image, sizeof(image));
	record_end(&record);
	return 0;
}

static void fork_child(void)
{
	struct thread *thread = k23_thread_state();

	thread->writer = 0; /* the number is that of the parent's thread */
}

K23_HOOK(trace,
	.init = init,
	.fork_child = fork_child,
	.thread_size = sizeof(struct thread),
	.all = on_call,
	.calls = {
		CHANNEL_CALLS,
		{ SYS_clone, on_namespace }, { SYS_clone3, on_namespace }, { SYS_unshare, on_namespace },
		{ SYS_setns, on_namespace },
	});
