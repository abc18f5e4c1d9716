/*
 * The client's side of abi/run_memory.h.
 *
 * ctx: entry | helper, for all here.
 */
#include "inject/run_memory.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/net.h>
#include <linux/prctl.h>
#include <linux/socket.h>
#include <linux/time_types.h>
#include <linux/uio.h>

#include "abi/kernel.h"
#include "abi/run_memory.h"
#include "core/gaps.h"
#include "core/string.h"

/* How often a request that gets no answer is made. */
#define TRIES 4
/* For how long a keeper that lives, but is stopped, is waited for. */
#define PATIENCE 100 /* moments */
static const struct __kernel_timespec moment = { .tv_nsec = 100000000 };

static bool has_keeper(const struct run_memory *memory)
{
	return (__atomic_load_n(&memory->keeper, __ATOMIC_RELAXED) & RUN_MEMORY_KEEPER_MASK) != 0;
}

/* Puts a request into a free mailbox. Returns that; NULL: none has become free. Many may wait for that, and must leave
 * the processors to the keeper: each longer, from 1 ms to 64 ms, and all in all for some 10 s. */
static uint64_t *post(struct run_memory *memory, uint64_t request)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 };

	for (int i = 0; i < 160 && has_keeper(memory); i++) {
		for (uint32_t n = 0; n < RUN_MEMORY_MAILBOXES; n++) {
			uint64_t *box = &memory->mailboxes[(n + (uint32_t)(request >> 32)) % RUN_MEMORY_MAILBOXES];
			uint64_t none = 0;

			if (__atomic_compare_exchange_n(box, &none, request, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
				return box;
		}
		sys(nanosleep, &soon, 0);
		if (soon.tv_nsec < 64000000)
			soon.tv_nsec *= 2;
	}
	return NULL;
}

/* Waits until the keeper has answered, which empties the mailbox. */
static long await_answer(struct run_memory *memory, uint64_t *box, uint64_t request)
{
	__atomic_add_fetch(&memory->bell, 1, __ATOMIC_SEQ_CST);
	sys(futex, &memory->bell, FUTEX_WAKE, 1);
	for (int i = 0; i < PATIENCE && has_keeper(memory); i++) {
		if (__atomic_load_n(box, __ATOMIC_SEQ_CST) != request)
			return 0;
		sys(futex, box, FUTEX_WAIT, (uint32_t)request, &moment);
	}
	if (!__atomic_compare_exchange_n(box, &request, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return 0;
	return has_keeper(memory) ? -ETIMEDOUT : -ESRCH;
}

static bool has_answer(int32_t socket)
{
	char byte;

	return sys(recvfrom, socket, &byte, sizeof(byte), KERNEL_MSG_PEEK | KERNEL_MSG_DONTWAIT, NULL, NULL) == 1;
}

/* Takes the descriptor out of the answer. Returns it or -errno. */
static long take_answer(int32_t socket)
{
	/* As the kernel lays out a control message with one descriptor. */
	struct {
		uint64_t size;
		int32_t level, type;
		int32_t descriptor, padding;
	} control = { .descriptor = -1 };
	char byte;
	struct iovec data = { &byte, 1 };
	struct {
		void *name;
		uint32_t name_size;
		struct iovec *data;
		uint64_t data_count;
		void *control;
		uint64_t control_size;
		uint32_t flags;
	} message = { .data = &data, .data_count = 1, .control = &control, .control_size = sizeof(control) };
	long r = sys(recvmsg, socket, &message, KERNEL_MSG_CMSG_CLOEXEC | KERNEL_MSG_DONTWAIT);

	if (failed(r))
		return r;
	return control.level == KERNEL_SOL_SOCKET && control.type == KERNEL_SCM_RIGHTS ? control.descriptor : -EPERM;
}

/* Closes both sockets: the second before there is a third descriptor, for which there may be no number. */
static long ask(struct run_memory *memory, const int32_t sockets[2])
{
	uint64_t request = run_memory_request((int32_t)sys(getpid), sockets[1]), *box;
	struct run_memory_sign sign = { memory->cookie, request };
	long r = sys(write, sockets[0], &sign, sizeof(sign));

	for (int i = 0; !failed(r) && i < TRIES && !has_answer(sockets[0]); i++) {
		box = post(memory, request);
		r = box ? await_answer(memory, box, request) : has_keeper(memory) ? -ETIMEDOUT : -ESRCH;
	}
	sys(close, sockets[1]);
	if (!failed(r))
		r = take_answer(sockets[0]);
	sys(close, sockets[0]);
	return r;
}

long inj_fetch_memory(uint64_t address)
{
	struct run_memory *memory = (struct run_memory *)address;
	int32_t sockets[2];
	long r;

	/* As the image before has not got it, the next one does not. */
	if (address <= 1)
		return address ? -ESRCH : -EACCES;
	if (memory->magic != RUN_MEMORY_MAGIC)
		return -EINVAL;
	if (!has_keeper(memory))
		return -ESRCH;
	r = sys(socketpair, KERNEL_AF_UNIX, KERNEL_SOCK_SEQPACKET | KERNEL_SOCK_CLOEXEC, 0, sockets);
	return failed(r) ? r : ask(memory, sockets);
}

void inj_fetch_memories(const struct bundle *bundle, const uint64_t *addresses, int32_t owner,
			struct start_block *block)
{
	block->memory_owner = owner;
	/* Where the system wants it (Yama), the keeper must be named, whose id in here is not known. */
	if (owner && bundle->memory_count)
		sys(prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	for (uint32_t i = 0; i < bundle->memory_count; i++) {
		long r = inj_fetch_memory(addresses ? addresses[i] : bundle->memories[i].address);

		block->memories[i] = !failed(r) ? (int32_t)r + 1 : r == -ESRCH ? -1 : 0;
		if (!failed(r) && !owner)
			sys(fcntl, r, F_SETFD, 0);
	}
}

void inj_close_memories(struct start_block *block)
{
	for (uint32_t i = 0; i < BUNDLE_MAX_MEMORIES; i++)
		if (block->memories[i] > 0)
			sys(close, block->memories[i] - 1);
	memset(block->memories, 0, sizeof(block->memories));
}

void inj_note_gap(const struct bundle *bundle, const uint64_t *addresses, enum gap gap, const char *path)
{
	for (uint32_t i = 0; i < bundle->memory_count; i++) {
		uint64_t address = addresses ? addresses[i] : bundle->memories[i].address;

		if (address > 1)
			core_gaps_add(&((struct run_memory *)address)->gaps, gap, 1, path);
	}
}
