/*
 * Short transfers, for the hook `inject`: a call that reads or writes is made for less than the program asks for.
 */
#ifndef HOOKS_INJECT_SHORT_H
#define HOOKS_INJECT_SHORT_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "inject_rules.h"

#define VECTORS 1024u /* UIO_MAXIOV */

/* How a call says what it transfers. */
enum transfer { BY_SIZE = 1, BY_VECTOR, BY_MESSAGE };

/* With the argument that is a size, an array of vectors (the next is their number) or a message. */
static const struct {
	uint16_t nr;
	uint8_t how, argument;
} transfers[] = {
	{ SYS_read, BY_SIZE, 2 },	    { SYS_write, BY_SIZE, 2 },	  { SYS_pread64, BY_SIZE, 2 },
	{ SYS_pwrite64, BY_SIZE, 2 },	    { SYS_recvfrom, BY_SIZE, 2 }, { SYS_sendto, BY_SIZE, 2 },
	{ SYS_sendfile, BY_SIZE, 3 },	    { SYS_splice, BY_SIZE, 4 },	  { SYS_tee, BY_SIZE, 2 },
	{ SYS_copy_file_range, BY_SIZE, 4 }, { SYS_getrandom, BY_SIZE, 1 }, { SYS_readv, BY_VECTOR, 1 },
	{ SYS_writev, BY_VECTOR, 1 },	    { SYS_preadv, BY_VECTOR, 1 }, { SYS_pwritev, BY_VECTOR, 1 },
	{ SYS_preadv2, BY_VECTOR, 1 },	    { SYS_pwritev2, BY_VECTOR, 1 }, { SYS_vmsplice, BY_VECTOR, 1 },
	{ SYS_recvmsg, BY_MESSAGE, 1 },	    { SYS_sendmsg, BY_MESSAGE, 1 },
};

/* How much the rule lets through of a size: something, if there is something. */
static uint64_t short_of(const struct k23_inject_rule *rule, uint64_t size)
{
	uint64_t bytes = rule->percent ? size / 100 * rule->percent + size % 100 * rule->percent / 100 : rule->bytes;

	bytes = bytes ? bytes : 1;
	return bytes < size ? bytes : size;
}

/* Cuts vectors. Returns how many are left; *cut: whether any was cut or left out. */
static unsigned long cut_vectors(const struct k23_inject_rule *rule, struct iovec *vectors, unsigned long count,
				 int *cut)
{
	uint64_t total = 0, left;
	unsigned long i;

	for (i = 0; i < count; i++)
		total += vectors[i].iov_len;
	left = short_of(rule, total);
	*cut = left < total;
	for (i = 0; i < count && left; i++) {
		if (vectors[i].iov_len > left)
			vectors[i].iov_len = left;
		left -= vectors[i].iov_len;
	}
	return *cut ? i : count;
}

static long forward_vectors(const struct k23_inject_rule *rule, struct k23_call *call, unsigned long *address,
			    unsigned long *count, int *cut)
{
	unsigned long old_address = *address, old_count = *count;
	struct iovec vectors[VECTORS];
	long result;

	if (old_count > VECTORS || k23_copy_from(vectors, old_address, old_count * sizeof(*vectors)) < 0)
		return k23_forward(call);
	*address = (unsigned long)vectors;
	*count = cut_vectors(rule, vectors, old_count, cut);
	result = k23_forward(call);
	*address = old_address;
	*count = old_count;
	return result;
}

static long forward_message(const struct k23_inject_rule *rule, struct k23_call *call, unsigned long *argument,
			    int *cut)
{
	unsigned long address = *argument;
	struct msghdr message;
	unsigned long vectors, count;
	long result;

	if (k23_copy_from(&message, address, sizeof(message)) < 0)
		return k23_forward(call);
	*argument = (unsigned long)&message;
	vectors = (unsigned long)message.msg_iov;
	count = message.msg_iovlen;
	result = forward_vectors(rule, call, (unsigned long *)&message.msg_iov, &message.msg_iovlen, cut);
	*argument = address;
	message.msg_iov = (struct iovec *)vectors;
	message.msg_iovlen = count;
	/* What the kernel has filled. */
	if (call->nr == SYS_recvmsg && result >= 0)
		k23_copy_to(address, &message, sizeof(message));
	return result;
}

static long forward_size(const struct k23_inject_rule *rule, struct k23_call *call, unsigned long *size, int *cut)
{
	unsigned long old = *size;
	long result;

	*size = short_of(rule, old);
	*cut = *size < old;
	result = k23_forward(call);
	*size = old;
	return result;
}

/* Makes the call for less. *cut: whether that was possible. */
static long forward_short(const struct k23_inject_rule *rule, struct k23_call *call, int *cut)
{
	unsigned i = 0;
	unsigned long *argument;

	while (i < sizeof(transfers) / sizeof(transfers[0]) && transfers[i].nr != call->nr)
		i++;
	if (call->arch != K23_ARCH_X86_64 || i == sizeof(transfers) / sizeof(transfers[0]))
		return k23_forward(call);
	argument = &call->args[transfers[i].argument];
	switch ((enum transfer)transfers[i].how) {
	case BY_SIZE:
		return forward_size(rule, call, argument, cut);
	case BY_VECTOR:
		return forward_vectors(rule, call, argument, argument + 1, cut);
	case BY_MESSAGE:
		return forward_message(rule, call, argument, cut);
	}
	return k23_forward(call);
}

#endif
