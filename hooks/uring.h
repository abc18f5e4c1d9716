/*
 * The operations that a program hands to the kernel by io_uring_enter, and what came of them, read from the program's
 * own memory: the rings of an io_uring.
 *
 * io_uring_setup says how the rings are laid out, and mmap of its descriptor where they are. The kernel takes entries
 * in the order in which they are in the ring, and says in the ring how far it has come. So those that a call will take
 * are known before the call, unless another thread, or another process, submits entries of the same io_uring at the
 * same time. Threads of a process take turns here: each call claims the entries behind those of the calls that have not
 * returned. After a call it is compared how far the kernel has come. If that is not where the claims are, what was read
 * was not what was submitted, and the record of the call says so. By this an io_uring that is not the one that the
 * descriptor stood for once is found out, too.
 *
 * Nothing here trusts the program: each read may fail, and each number is bounded.
 */
#ifndef HOOKS_URING_H
#define HOOKS_URING_H

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "fetch.h"

#define URINGS 256u		/* of a process; the one that was used least lately is forgotten for another */
#define URING_DESCRIPTORS 1024u /* likewise, by the lower bits of their number */
#define URING_REGISTERED 16u	/* of a thread: what the kernel allows */
#define URING_SIZE_MAX 65536u /* of a ring */
#define URING_PART 64u /* numbers that are read at once */
#define URING_PATIENCE 10000 /* ms to wait for another thread's turn to be over, who may have to wait for the reader */

/* Flags, calls and orders that headers may not have yet. Rings with other flags than these may be laid out in another
 * way. */
#define URING_NO_MMAP (1u << 14)
#define URING_REGISTERED_ONLY (1u << 15)
#define URING_NO_ARRAY (1u << 16)
#define URING_FLAGS_KNOWN ((1u << 18) - 1)
#define URING_REGISTER_RINGS 20u
#define URING_UNREGISTER_RINGS 21u
#define URING_RESIZE 33u
#define URING_BY_REGISTERED (1u << 31)

/* Where all is. */
struct uring_layout {
	unsigned long rings, entries; /* 0: not known */
	struct io_sqring_offsets queue;
	struct io_cqring_offsets completions;
	uint32_t queue_size, completions_size; /* powers of two */
	uint32_t flags;
	uint32_t i386; /* it was set up by an i386 call: what entries lead to has another layout */
};

struct uring {
	uint32_t lock; /* the id of the thread whose turn it is */
	uint32_t serial; /* changes when this becomes another io_uring; 0: it is none */
	uint32_t aliased; /* more than the descriptor that io_uring_setup has given stands for it */
	uint64_t device, inode, used;
	struct uring_layout layout;
	uint32_t completed; /* the completion that is to be recorded next */
	/* An epoch begins with a call when no entry is claimed that the kernel has not taken. */
	uint32_t claimed; /* the first entry that no call claims */
	uint32_t epoch;
	uint32_t pending; /* calls of this epoch that have not returned */
	uint32_t joined;  /* the last epoch in which a call claimed while others were pending */
	uint32_t doubts;  /* changes when calls that have not returned may have claimed wrong entries */
	uint32_t pid;	  /* whose claims these are: a forked child has none */
};

/* An io_uring as others refer to it; 0: none. */
typedef uint32_t uring_handle; /* its serial, and its number */

/* What a thread knows: the io_urings that it has registered. */
struct uring_thread {
	uring_handle registered[URING_REGISTERED];
};

/* A call of io_uring_enter. */
struct uring_call {
	uring_handle handle;
	struct uring *turn; /* the io_uring with which it is this thread's turn; or NULL */
	struct uring_layout layout; /* as it was when the call was made */
	int descriptor; /* -1: it is a registered one */
	uint32_t wanted; /* entries that are to be submitted */
	uint32_t start, count; /* those that it claims */
	uint32_t skipped; /* 1: behind them is one that the kernel skips */
	uint32_t epoch, doubts;
	int claims;
	uint32_t first, last; /* completions to be recorded */
	uint32_t counted; /* operations that count as unseen so far */
	struct k23_ring_submission submission;
};

static struct uring urings[URINGS];
static uint64_t uring_descriptors[URING_DESCRIPTORS]; /* the descriptor, and in the upper half the handle */
static uint32_t uring_lock_of_all; /* for the two of them */
static uint32_t uring_any; /* one has been set up */
static uint64_t uring_uses;
static struct k23_ring_unseen *uring_unseen; /* NULL: nobody wants to know */

/* --- turns */

static int uring_is_gone(uint32_t tid)
{
	return k23_syscall(SYS_tgkill, (unsigned)k23_pid(), tid, 0, 0, 0, 0) == -ESRCH;
}

/* A thread of a process that shares this memory may be killed when it is its turn, and fork copies a thread's turn into
 * a process that does not have the thread. */
static int uring_begin_turn(uint32_t *lock)
{
	static const struct timespec moment = { 0, 1000000 };
	uint32_t self = (uint32_t)k23_tid(), holder = 0;

	for (int tries = 0; tries < 100 + URING_PATIENCE; tries++) {
		if (__atomic_compare_exchange_n(lock, &holder, self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return 1;
		if (tries < 100)
			__builtin_ia32_pause();
		else if (uring_is_gone(holder))
			continue; /* and takes its turn */
		else
			k23_syscall(SYS_nanosleep, (unsigned long)&moment, 0, 0, 0, 0, 0);
		holder = 0;
	}
	return 0;
}

static void uring_end_turn(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* --- which io_uring it is */

static uring_handle uring_handle_of(const struct uring *uring)
{
	return uring->serial << 16 | (uint32_t)(uring - urings);
}

static int uring_is(const struct uring *uring, uring_handle handle)
{
	return handle && __atomic_load_n(&uring->serial, __ATOMIC_RELAXED) == handle >> 16;
}

/* Begins a turn with an io_uring. NULL: there is none, or it has been forgotten, or another turn does not end. */
static struct uring *uring_take(uring_handle handle)
{
	struct uring *uring = &urings[handle % URINGS];

	if (!uring_is(uring, handle) || !uring_begin_turn(&uring->lock))
		return NULL;
	if (uring_is(uring, handle))
		return uring;
	uring_end_turn(&uring->lock);
	return NULL;
}

static uring_handle uring_by_descriptor(int fd)
{
	uint64_t known = __atomic_load_n(&uring_descriptors[(unsigned)fd % URING_DESCRIPTORS], __ATOMIC_RELAXED);

	return fd >= 0 && (uint32_t)known == (uint32_t)fd ? (uring_handle)(known >> 32) : 0;
}

static void uring_set_descriptor(int fd, uring_handle handle)
{
	__atomic_store_n(&uring_descriptors[(unsigned)fd % URING_DESCRIPTORS], (uint64_t)handle << 32 | (uint32_t)fd,
			 __ATOMIC_RELAXED);
}

/* The io_uring of a descriptor that has come into being in another way, if that can be told: as kernels from 5.16 on
 * give each an inode of its own. */
static uring_handle uring_by_inode(int fd)
{
	uring_handle found = 0;
	struct stat status;

	if (k23_failed(k23_syscall(SYS_fstat, (unsigned)fd, (unsigned long)&status, 0, 0, 0, 0)))
		return 0;
	for (struct uring *uring = urings; uring < urings + URINGS; uring++) {
		if (!uring->serial || uring->inode != status.st_ino || uring->device != status.st_dev)
			continue;
		if (found)
			return 0;
		found = uring_handle_of(uring);
	}
	if (found) {
		urings[found % URINGS].aliased = 1;
		uring_set_descriptor(fd, found);
	}
	return found;
}

static uring_handle uring_of(const struct uring_thread *thread, unsigned long fd, int registered)
{
	uring_handle handle;

	if (registered)
		return (uint32_t)fd < URING_REGISTERED ? thread->registered[(uint32_t)fd] : 0;
	handle = uring_by_descriptor((int)fd);
	if (uring_is(&urings[handle % URINGS], handle))
		return handle;
	return uring_any ? uring_by_inode((int)fd) : 0;
}

/* --- what the program does with io_urings */

static void uring_lay_out(struct uring_layout *layout, const struct io_uring_params *params)
{
	/* In headers that are older than IORING_SETUP_NO_MMAP, user_addr has another name. */
	const __u64 *entries = (const __u64 *)(&params->sq_off + 1) - 1;
	const __u64 *rings = (const __u64 *)(&params->cq_off + 1) - 1;

	layout->queue = params->sq_off;
	layout->completions = params->cq_off;
	layout->queue_size = params->sq_entries;
	layout->completions_size = params->cq_entries;
	layout->entries = layout->flags & URING_NO_MMAP ? *entries : 0;
	layout->rings = layout->flags & URING_NO_MMAP ? *rings : 0;
}

/* One that is free, or is not needed most. */
static struct uring *uring_to_use(int fd)
{
	uring_handle closed = uring_by_descriptor(fd); /* as there is another one now */
	struct uring *uring = urings;

	for (unsigned i = 0; i < URINGS && uring->serial; i++)
		if (!urings[i].serial || urings[i].used < uring->used)
			uring = &urings[i];
	if (uring->serial && uring_is(&urings[closed % URINGS], closed) && !urings[closed % URINGS].aliased)
		uring = &urings[closed % URINGS];
	return uring;
}

/* Makes this another io_uring. fd: -1 if it has no descriptor. */
static uring_handle uring_become(struct uring *uring, const struct io_uring_params *params, int fd, int i386)
{
	uint32_t serial = (uring->serial + 1) % 0x10000, lock = uring->lock;
	struct stat status = { 0 };

	if (fd >= 0)
		k23_syscall(SYS_fstat, (unsigned)fd, (unsigned long)&status, 0, 0, 0, 0);
	*uring = (struct uring){
		.lock = lock,
		.serial = serial ? serial : 1,
		.device = status.st_dev,
		.inode = status.st_ino,
		.used = __atomic_add_fetch(&uring_uses, 1, __ATOMIC_RELAXED),
		.layout.flags = params->flags,
		.layout.i386 = (uint32_t)i386,
	};
	uring_lay_out(&uring->layout, params);
	if (fd >= 0)
		uring_set_descriptor(fd, uring_handle_of(uring));
	__atomic_store_n(&uring_any, 1, __ATOMIC_RELAXED);
	return uring_handle_of(uring);
}

/* Returns 0 if it cannot be noted. */
static uring_handle uring_add(const struct io_uring_params *params, int fd, int i386)
{
	uring_handle handle = 0;
	struct uring *uring;

	if (!uring_begin_turn(&uring_lock_of_all))
		return 0;
	uring = uring_to_use(fd);
	if (uring_begin_turn(&uring->lock)) {
		handle = uring_become(uring, params, fd, i386);
		uring_end_turn(&uring->lock);
	}
	uring_end_turn(&uring_lock_of_all);
	return handle;
}

static int uring_is_size(uint32_t size)
{
	return size && !(size & (size - 1)) && size <= URING_SIZE_MAX;
}

static int uring_is_laid_out(const struct io_uring_params *params)
{
	return uring_is_size(params->sq_entries) && uring_is_size(params->cq_entries);
}

static void uring_set_up(struct uring_thread *thread, const struct k23_call *call, long result)
{
	struct io_uring_params params;
	uring_handle handle = 0;
	int registered;

	if (result < 0 || call->tampered & K23_TAMPERED_RESULT)
		return;
	if (k23_copy_from(&params, call->args[1], sizeof(params)) < 0)
		params = (struct io_uring_params){ 0 };
	registered = (params.flags & URING_REGISTERED_ONLY) != 0;
	if (!(params.flags & ~URING_FLAGS_KNOWN) && uring_is_laid_out(&params))
		handle = uring_add(&params, registered ? -1 : (int)result, call->arch == K23_ARCH_I386);
	if (registered && result < (long)URING_REGISTERED)
		thread->registered[result] = handle;
	if (uring_unseen && (!handle || params.flags & IORING_SETUP_SQPOLL))
		__atomic_add_fetch(&uring_unseen->instances, 1, __ATOMIC_RELAXED);
}

/* Memory of a descriptor was mapped. */
static void uring_mapped(int fd, uint64_t offset, unsigned long flags, long address)
{
	struct uring *uring = k23_failed(address) || !(flags & MAP_SHARED) ? NULL : uring_take(uring_by_descriptor(fd));

	if (!uring)
		return;
	if (offset == IORING_OFF_SQES)
		uring->layout.entries = (unsigned long)address;
	else if (offset == IORING_OFF_SQ_RING || (offset == IORING_OFF_CQ_RING && !uring->layout.rings))
		uring->layout.rings = (unsigned long)address; /* the same memory by either offset */
	uring_end_turn(&uring->lock);
}

/* Rings were registered, or are so no more. */
static void uring_register_rings(struct uring_thread *thread, const struct k23_call *call, long count, int registers)
{
	struct io_uring_rsrc_update update;
	uring_handle handle;

	for (long i = 0; i < count && i < (long)URING_REGISTERED; i++) {
		if (k23_copy_from(&update, call->args[2] + (unsigned long)i * sizeof(update), sizeof(update)) < 0)
			return;
		handle = registers ? uring_of(thread, update.data, 0) : 0;
		if (handle)
			urings[handle % URINGS].aliased = 1;
		if (update.offset < URING_REGISTERED)
			thread->registered[update.offset] = handle;
	}
}

/* The rings have another size now, and are to be mapped again. */
static void uring_resized(const struct uring_thread *thread, const struct k23_call *call)
{
	struct uring *uring = uring_take(uring_of(thread, call->args[0], (call->args[1] & URING_BY_REGISTERED) != 0));
	struct io_uring_params params;

	if (!uring)
		return;
	if (k23_copy_from(&params, call->args[2], sizeof(params)) < 0 || !uring_is_laid_out(&params))
		uring->layout.rings = uring->layout.entries = 0;
	else
		uring_lay_out(&uring->layout, &params);
	uring_end_turn(&uring->lock);
}

static void uring_registered(struct uring_thread *thread, const struct k23_call *call, long result)
{
	uint32_t what = (uint32_t)call->args[1] & ~URING_BY_REGISTERED;

	if (what == URING_REGISTER_RINGS || what == URING_UNREGISTER_RINGS)
		uring_register_rings(thread, call, result, what == URING_REGISTER_RINGS);
	else if (what == URING_RESIZE && result == 0)
		uring_resized(thread, call);
}

/* --- a call of io_uring_enter: before it */

static int uring_read(const struct uring_layout *layout, uint32_t offset, uint32_t *value)
{
	return k23_copy_from(value, layout->rings + offset, sizeof(*value)) == 0;
}

/* Which entries are at some places of the queue. Returns how many of them are known, at most URING_PART. */
static uint32_t uring_read_queue(const struct uring_layout *layout, uint32_t place, uint32_t count, uint32_t *numbers)
{
	uint32_t at = place & (layout->queue_size - 1), room = layout->queue_size - at;

	count = count < room ? count : room;
	count = count < URING_PART ? count : URING_PART;
	if (layout->flags & URING_NO_ARRAY)
		for (uint32_t i = 0; i < count; i++)
			numbers[i] = at + i;
	else if (k23_copy_from(numbers, layout->rings + layout->queue.array + at * sizeof(*numbers),
			       count * sizeof(*numbers)) < 0)
		return 0;
	return count;
}

/* Claims so many entries, or those up to one that does not exist, where the kernel stops. False: the queue cannot be
 * read. */
static int uring_count(struct uring_call *enter, uint32_t limit)
{
	uint32_t numbers[URING_PART], part;

	for (enter->count = 0; enter->count < limit; enter->count += part) {
		part = uring_read_queue(&enter->layout, enter->start + enter->count, limit - enter->count, numbers);
		if (!part)
			return 0;
		for (uint32_t i = 0; i < part; i++)
			if (numbers[i] >= enter->layout.queue_size) {
				enter->count += i;
				enter->skipped = 1;
				return 1;
			}
	}
	return 1;
}

/* Where the call's entries begin: head is how far the kernel has come. */
static void uring_find_start(struct uring_call *enter, uint32_t head)
{
	struct uring *uring = enter->turn;
	int others = uring->pid == (uint32_t)k23_pid() && uring->pending && head != uring->claimed;

	if (others && (int32_t)(head - uring->claimed) < 0) {
		uring->joined = uring->epoch;
	} else {
		uring->doubts += (uint32_t)others; /* the kernel is farther than this process's calls can bring it */
		uring->pid = (uint32_t)k23_pid();
		uring->claimed = head;
		uring->epoch++;
		uring->pending = 0;
	}
	enter->start = uring->claimed;
}

static uint32_t uring_claim(struct uring_call *enter)
{
	const struct uring_layout *layout = &enter->layout;
	struct uring *uring = enter->turn;
	uint32_t head, tail, there;

	if (layout->flags & IORING_SETUP_SQPOLL)
		return K23_RING_POLLED;
	if (!layout->rings || !layout->entries)
		return K23_RING_UNKNOWN;
	if (!uring_read(layout, layout->queue.head, &head) || !uring_read(layout, layout->queue.tail, &tail) ||
	    tail - head > layout->queue_size)
		return K23_RING_UNREADABLE;
	uring_find_start(enter, head);
	there = (int32_t)(tail - enter->start) > 0 ? tail - enter->start : 0;
	if (!uring_count(enter, enter->wanted < there ? enter->wanted : there))
		return K23_RING_UNREADABLE;
	uring->claimed = enter->start + enter->count + enter->skipped;
	uring->pending++;
	enter->epoch = uring->epoch;
	enter->doubts = uring->doubts;
	enter->claims = 1;
	return K23_RING_SEEN;
}

/* Begins a turn, which uring_made() ends. Until then no other call that is known of is made that could take the entries
 * which this call claims, so that they stay as they are. */
static void uring_begin(struct uring_call *enter, const struct uring_thread *thread, const struct k23_call *call)
{
	int registered = (call->args[3] & IORING_ENTER_REGISTERED_RING) != 0;

	*enter = (struct uring_call){
		.handle = uring_of(thread, call->args[0], registered),
		.descriptor = registered ? -1 : (int)call->args[0],
		.wanted = (uint32_t)call->args[1],
		.submission.submitted = (uint32_t)call->args[1],
	};
	enter->turn = uring_take(enter->handle);
	if (enter->turn) {
		enter->turn->used = __atomic_add_fetch(&uring_uses, 1, __ATOMIC_RELAXED);
		enter->layout = enter->turn->layout;
	}
	if (enter->wanted)
		enter->submission.unseen = enter->turn ? uring_claim(enter) : K23_RING_UNKNOWN;
}

static void uring_put_submission(struct fetch *fetch, const struct uring_call *enter)
{
	fetch_put_kind(fetch, K23_RING_SUBMISSION, K23_RING_COUNT, 0, &enter->submission, sizeof(enter->submission));
}

/* An operation, and what it leads to, by a copy of it, which does not change. */
static int uring_put_operation(struct fetch *fetch, const struct uring_layout *layout, uint32_t number)
{
	unsigned shift = layout->flags & IORING_SETUP_SQE128 ? 1 : 0;
	unsigned long address = layout->entries + ((unsigned long)number << shift) * sizeof(struct io_uring_sqe);
	struct io_uring_sqe operation;

	if (k23_copy_from(&operation, address, sizeof(operation)) < 0)
		return 0;
	fetch_put_kind(fetch, K23_RING_OPERATION, 0, address, &operation, sizeof(operation));
	if (layout->i386)
		return 1;
	fetch_children(fetch, &fetch_nodes[FETCH_io_uring_sqe], (unsigned long)&operation);
	if (fetch->request->descriptors && !(operation.flags & IOSQE_FIXED_FILE))
		fetch_descriptor(fetch, operation.fd);
	return 1;
}

/* Returns whether all could be read. */
static int uring_put_claimed(struct fetch *fetch, const struct uring_call *enter)
{
	uint32_t numbers[URING_PART], part;

	for (uint32_t done = 0; done < enter->count; done += part) {
		part = uring_read_queue(&enter->layout, enter->start + done, enter->count - done, numbers);
		if (!part)
			return 0;
		for (uint32_t i = 0; i < part; i++)
			if (numbers[i] >= enter->layout.queue_size ||
			    !uring_put_operation(fetch, &enter->layout, numbers[i]))
				return 0;
	}
	return 1;
}

/* Records the operations that the call claims. */
static void uring_put_operations(struct fetch *fetch, struct uring_call *enter)
{
	if (!enter->wanted)
		return;
	fetch->whole = 0;
	if (enter->claims && !uring_put_claimed(fetch, enter))
		enter->submission.unseen = K23_RING_UNREADABLE;
	uring_put_submission(fetch, enter);
}

/* Counts operations as unseen, or that fewer are. */
static void uring_count_unseen(struct uring_call *enter, uint32_t unseen)
{
	if (uring_unseen && unseen != enter->counted)
		__atomic_add_fetch(&uring_unseen->operations, (uint64_t)unseen - enter->counted, __ATOMIC_RELAXED);
	enter->counted = unseen;
}

/* Right before the call, in which the process may be killed. recorded: its operations are, as far as they are known. */
static void uring_made(struct uring_call *enter, int recorded)
{
	if (enter->turn)
		uring_end_turn(&enter->turn->lock);
	uring_count_unseen(enter, recorded && !enter->submission.unseen ? 0 : enter->wanted);
}

/* --- after it */

/* Whether the entries that were submitted are the first that the call has claimed. head: how far the kernel is now. */
static int uring_settle(struct uring_call *enter, uint32_t head)
{
	struct uring *uring = enter->turn;
	uint32_t submitted = enter->submission.submitted, end = enter->start + enter->count + enter->skipped;

	if (enter->epoch != uring->epoch)
		return submitted == enter->count && enter->doubts == uring->doubts;
	uring->pending--;
	enter->submission.shared = uring->joined == uring->epoch;
	if (submitted < enter->count) {
		if (uring->claimed == end)
			uring->claimed = enter->start + submitted;
		else
			uring->doubts++; /* others have begun with the entries behind those */
	} else if (!uring->pending && enter->skipped && head == uring->claimed - 1) {
		uring->claimed = head; /* the kernel has stopped before that one */
	}
	if (uring->pending ? (int32_t)(uring->claimed - head) < 0 : uring->claimed != head)
		uring->doubts++; /* others than this process have submitted */
	return submitted <= enter->count && enter->doubts == uring->doubts;
}

/* How many entries the kernel took, which the result does not say if a hook has made it up. */
static uint32_t uring_submitted(const struct uring_call *enter, const struct k23_call *call, long result, uint32_t head)
{
	if (call->tampered & K23_TAMPERED_RESULT)
		return enter->claims && head - enter->start <= enter->count ? head - enter->start : 0;
	return result > 0 && enter->wanted ? (uint32_t)result : 0;
}

/* Which completions are new. */
static void uring_find_completions(struct uring_call *enter)
{
	uint32_t size = enter->layout.completions_size, *completed = &enter->turn->completed, tail;

	if (!enter->layout.rings || !uring_read(&enter->layout, enter->layout.completions.tail, &tail))
		return;
	enter->first = tail - *completed > size ? tail - size : *completed;
	enter->last = *completed = tail;
}

static void uring_check(struct uring_call *enter, const struct k23_call *call, long result)
{
	uint32_t head = enter->start;
	int known = enter->turn && (!enter->claims || uring_read(&enter->layout, enter->layout.queue.head, &head));

	enter->submission.submitted = uring_submitted(enter, call, result, head);
	if (enter->claims && (!known || !uring_settle(enter, head))) {
		enter->submission.unseen = K23_RING_DISTURBED;
		if (enter->descriptor >= 0 && head == enter->start)
			uring_set_descriptor(enter->descriptor, 0); /* it may stand for another io_uring now */
	}
	if (known)
		uring_find_completions(enter);
}

static void uring_end(struct uring_call *enter, const struct k23_call *call, long result, int recorded)
{
	enter->turn = uring_take(enter->handle);
	uring_check(enter, call, result);
	if (enter->turn)
		uring_end_turn(&enter->turn->lock);
	uring_count_unseen(enter, recorded && !enter->submission.unseen ? 0 : enter->submission.submitted);
}

/* Records the new completions, but for those that may have been overwritten meanwhile. */
static void uring_put_completions(struct fetch *fetch, const struct uring_call *enter)
{
	const struct uring_layout *layout = &enter->layout;
	unsigned shift = layout->flags & IORING_SETUP_CQE32 ? 1 : 0;
	struct io_uring_cqe completion;
	uint32_t tail;

	if (enter->wanted)
		uring_put_submission(fetch, enter);
	for (uint32_t i = enter->first; i != enter->last; i++) {
		uint32_t at = (i & (layout->completions_size - 1)) << shift;
		unsigned long address = layout->rings + layout->completions.cqes + at * sizeof(completion);

		if (k23_copy_from(&completion, address, sizeof(completion)) < 0 ||
		    !uring_read(layout, layout->completions.tail, &tail))
			return;
		if (tail - i <= layout->completions_size)
			fetch_put_kind(fetch, K23_RING_COMPLETION, 0, address, &completion, sizeof(completion));
	}
}

#endif
