/*
 * For memfs: sockets with a path.
 */
#ifndef HOOKS_MEMFS_SOCKET_H
#define HOOKS_MEMFS_SOCKET_H

#include "memfs_path.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

/* Where an address has a path that goes to the kernel as another one: makes the new address. Returns its size; 0: there
 * is no such path; -errno. */
static long address_translate(struct sockaddr_un *to, unsigned long from, unsigned long size, enum k23_path_last last,
			      enum stage stage)
{
	struct { /* with a NUL behind a path that has none */
		struct sockaddr_un address;
		char end;
	} given = { { 0 }, 0 };
	char path[K23_PATH_MAX];
	long length;

	if (size <= PATH_AT || size > sizeof(given.address) || k23_copy_from(&given.address, from, size) != 0 ||
	    given.address.sun_family != AF_UNIX)
		return 0;
	length = path_translate(path, AT_FDCWD, given.address.sun_path, last, stage);
	if (length <= 0)
		return length;
	if (length >= (long)sizeof(to->sun_path))
		return -ENAMETOOLONG;
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path, (size_t)length + 1);
	return (long)PATH_AT + length + 1;
}

/* Forwards a call with an address at *at, of *size bytes, which both are arguments or what they lead to. */
static long forward_with(struct k23_call *call, unsigned long *at, unsigned long *size, enum stage stage)
{
	unsigned long old[2] = { *at, *size };
	struct sockaddr_un new;
	enum k23_path_last last = call->nr == SYS_bind ? K23_LAST_ENTRY : K23_LAST_FOLLOWED;
	long r = address_translate(&new, old[0], old[1], last, stage);

	if (r < 0)
		return r;
	if (r > 0) {
		*at = (unsigned long)&new;
		*size = (unsigned long)r;
	} else if (stage == AGAIN) {
		return -ENOENT;
	}
	r = k23_forward(call);
	*at = old[0];
	*size = old[1];
	return r == -ENOENT && stage == BEFORE ? forward_with(call, at, size, AGAIN) : r;
}

/* bind, connect and sendto: the path goes to the kernel. */
static long on_address(struct k23_call *call)
{
	unsigned long *args = call->args + (call->nr == SYS_sendto ? 4 : 1);

	return forward_with(call, &args[0], &args[1], BEFORE);
}

/* As the kernel has it: its length has the size of a pointer's here. */
struct message {
	unsigned long name, name_size;
	unsigned long buffers, buffer_count, control, control_size;
	uint32_t flags;
};
_Static_assert(sizeof(struct message) == sizeof(struct msghdr) && offsetof(struct message, flags) ==
	       offsetof(struct msghdr, msg_flags), "the kernel's");

static long on_sendmsg(struct k23_call *call)
{
	unsigned long old = call->args[1];
	struct message message;
	long r;

	if (k23_copy_from(&message, old, sizeof(message)) != 0 || !message.name)
		return k23_forward(call);
	message.name_size = (uint32_t)message.name_size;
	call->args[1] = (unsigned long)&message;
	r = forward_with(call, &message.name, &message.name_size, BEFORE);
	call->args[1] = old;
	return r;
}

/* One of several messages, and how many bytes of it were sent or received. */
struct counted_message {
	struct message message;
	uint32_t size;
};
_Static_assert(sizeof(struct counted_message) == sizeof(struct mmsghdr), "the kernel's");

#define MESSAGES 1024 /* as many as the kernel takes at once */

static bool is_unix(unsigned long name)
{
	sa_family_t family;

	return k23_copy_from(&family, name, sizeof(family)) == 0 && family == AF_UNIX;
}

/* Whether any of the messages has a name; for those that are to be sent, one of AF_UNIX. */
static bool any_has_name(unsigned long messages, unsigned count, bool are_sent)
{
	struct message message;

	for (unsigned i = 0; i < count; i++, messages += sizeof(struct counted_message))
		if (k23_copy_from(&message, messages, sizeof(message)) == 0 && message.name &&
		    (!are_sent || is_unix(message.name)))
			return true;
	return false;
}

/* The kernel sends them one after the other, too, and says how many, if there was an error only behind the first. */
static long on_sendmmsg(struct k23_call *call)
{
	unsigned count = (uint32_t)call->args[2] < MESSAGES ? (unsigned)call->args[2] : MESSAGES;
	const size_t size_at = offsetof(struct counted_message, size);
	unsigned long from = call->args[1];
	struct counted_message one;
	struct k23_call single = *call;
	long r = 0, done = 0;

	if (!any_has_name(from, count, true))
		return k23_forward(call);
	single.args[1] = (unsigned long)&one;
	single.args[2] = 1;
	for (; done < count; done++, from += sizeof(one)) {
		r = k23_copy_from(&one, from, sizeof(one));
		one.message.name_size = (uint32_t)one.message.name_size;
		if (r == 0)
			r = forward_with(&single, &one.message.name, &one.message.name_size, BEFORE);
		if (r == 1)
			r = k23_copy_to(from + size_at, &one.size, sizeof(one.size));
		if (r != 0)
			break;
	}
	return done ? done : r;
}

/* Makes the kernel's address, of `size` bytes, the program's. Returns its size. */
static uint32_t address_to_program(struct sockaddr_storage *found, uint32_t size)
{
	struct sockaddr_un *address = (struct sockaddr_un *)found;
	size_t length = k23_strlen(base);
	char path[K23_PATH_MAX];

	if (size <= PATH_AT || address->sun_family != AF_UNIX || !k23_starts_with(address->sun_path, base) ||
	    address->sun_path[length] != '/')
		return size;
	size = (uint32_t)(PATH_AT + (size_t)path_to_program(path, address->sun_path + length) + 1);
	memcpy(address->sun_path, path, size - PATH_AT);
	return size;
}

/* accept, getpeername, getsockname and recvfrom: the path that the kernel has goes to the program. */
static long on_address_asked(struct k23_call *call)
{
	unsigned long *args = call->args + (call->nr == SYS_recvfrom ? 4 : 1), old[2] = { args[0], args[1] };
	uint32_t room, size = sizeof(struct sockaddr_storage) - 1;
	struct sockaddr_storage found;
	long r;

	if (!old[0] || !old[1] || k23_copy_from(&room, old[1], sizeof(room)) != 0 || (int)room < 0)
		return k23_forward(call);
	memset(&found, 0, sizeof(found));
	args[0] = (unsigned long)&found;
	args[1] = (unsigned long)&size;
	r = k23_forward(call);
	args[0] = old[0];
	args[1] = old[1];
	if (k23_failed(r))
		return r;
	size = address_to_program(&found, size);
	if ((size && k23_copy_to(old[0], &found, size < room ? size : room) != 0) ||
	    k23_copy_to(old[1], &size, sizeof(size)) != 0)
		return -EFAULT;
	return r;
}

/* Where a received message's name goes in place of the program's memory. */
struct received {
	struct sockaddr_storage name;
	unsigned long wanted;
	uint32_t room;
};

static bool wants_name(const struct message *message)
{
	return message->name && (int)message->name_size >= 0;
}

static void ask_name(struct message *message, struct received *received)
{
	received->wanted = message->name;
	received->room = (uint32_t)message->name_size;
	memset(&received->name, 0, sizeof(received->name));
	message->name = (unsigned long)&received->name;
	message->name_size = sizeof(received->name) - 1;
}

/* Gives the program, whose message is at `to`, what the kernel writes: not the name's address, and not what is beside
 * its size. */
static long give_message(unsigned long to, const struct message *message, struct received *received)
{
	uint32_t size = (uint32_t)message->name_size, room = received->room;

	if (message->name == (unsigned long)&received->name) {
		size = address_to_program(&received->name, size);
		if (size && k23_copy_to(received->wanted, &received->name, size < room ? size : room) != 0)
			return -EFAULT;
	}
	if ((message->name && k23_copy_to(to + offsetof(struct message, name_size), &size, sizeof(size)) != 0) ||
	    k23_copy_to(to + offsetof(struct message, control_size), &message->control_size,
			sizeof(message->control_size)) != 0 ||
	    k23_copy_to(to + offsetof(struct message, flags), &message->flags, sizeof(message->flags)) != 0)
		return -EFAULT;
	return 0;
}

static long on_recvmsg(struct k23_call *call)
{
	unsigned long old = call->args[1];
	struct received received;
	struct message message;
	long r;

	if (k23_copy_from(&message, old, sizeof(message)) != 0 || !wants_name(&message))
		return k23_forward(call);
	ask_name(&message, &received);
	call->args[1] = (unsigned long)&message;
	r = k23_forward(call);
	call->args[1] = old;
	if (k23_failed(r))
		return r;
	return give_message(old, &message, &received) ? -EFAULT : r;
}

/* As on_recvmsg(), in memory of its own. */
static long receive_messages(struct k23_call *call, struct counted_message *messages, struct received *received,
			     unsigned count)
{
	unsigned long old[2] = { call->args[1], call->args[2] }, to = old[0];
	long r;

	if (k23_copy_from(messages, old[0], count * sizeof(*messages)) != 0)
		return k23_forward(call);
	for (unsigned i = 0; i < count; i++)
		if (wants_name(&messages[i].message))
			ask_name(&messages[i].message, &received[i]);
	call->args[1] = (unsigned long)messages;
	call->args[2] = count;
	r = k23_forward(call);
	call->args[1] = old[0];
	call->args[2] = old[1];
	for (long i = 0; i < r; i++, to += sizeof(*messages))
		if (give_message(to, &messages[i].message, &received[i]) != 0 ||
		    k23_copy_to(to + offsetof(struct counted_message, size), &messages[i].size,
				sizeof(messages[i].size)) != 0)
			return i ? i : -EFAULT;
	return r;
}

static long on_recvmmsg(struct k23_call *call)
{
	unsigned count = (uint32_t)call->args[2] < MESSAGES ? (unsigned)call->args[2] : MESSAGES;
	size_t size = count * (sizeof(struct counted_message) + sizeof(struct received));
	struct counted_message *messages;
	long r;

	if (!any_has_name(call->args[1], count, false))
		return k23_forward(call);
	r = k23_syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0);
	if (k23_failed(r))
		return r;
	messages = (struct counted_message *)r;
	r = receive_messages(call, messages, (struct received *)(messages + count), count);
	k23_syscall(SYS_munmap, (unsigned long)messages, size, 0, 0, 0, 0);
	return r;
}

#endif
