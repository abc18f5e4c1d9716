/*
 * connect: connections and datagrams go elsewhere by rules: k23 run --hook connect:rules=FILE -- curl http://10.0.0.1/
 *
 * Programs are told the addresses that they asked for. The rules are read once, when the run begins, and kept in run
 * state, as are those addresses. See k23-connect(7).
 */
#include <k23/hook.h>

#include "connect_asked.h"
#include "connect_rules.h"

#define MESSAGES 1024u /* UIO_MAXIOV */

static struct state {
	uint32_t ready;
	struct rules rules;
	struct asked_table asked;
} *state;

static int type_of(int fd)
{
	socklen_t size = sizeof(int);
	int type = -1;

	k23_syscall(SYS_getsockopt, (unsigned)fd, SOL_SOCKET, SO_TYPE, (unsigned long)&type, (unsigned long)&size, 0);
	return type;
}

/* Makes an address as the kernel would tell it. Returns its size. */
static uint32_t normalise(union address *address, uint32_t size)
{
	char path[sizeof(address->un.sun_path) + 1] = "", absolute[sizeof(path)];

	switch (address->any.sa_family) {
	case AF_INET:
		memset(address->in.sin_zero, 0, sizeof(address->in.sin_zero));
		return size < sizeof(address->in) ? size : sizeof(address->in);
	case AF_INET6:
		address->in6.sin6_flowinfo = 0;
		return size < sizeof(address->in6) ? size : sizeof(address->in6);
	default:
		if (address->any.sa_family != AF_UNIX || !address->un.sun_path[0] ||
		    size <= offsetof(struct sockaddr_un, sun_path))
			return size;
		memcpy(path, address->un.sun_path, size - offsetof(struct sockaddr_un, sun_path));
		if (k23_path_absolute(absolute, sizeof(absolute) - 1, AT_FDCWD, path) < 0)
			return size;
		memset(address->un.sun_path, 0, sizeof(address->un.sun_path));
		memcpy(address->un.sun_path, absolute, strlen(absolute));
		return (uint32_t)(offsetof(struct sockaddr_un, sun_path) + strlen(absolute) + 1);
	}
}

/* Gives the address to go to instead of one of the program's. Returns its size, or 0: to that one. */
static uint32_t redirect(int fd, union address *to, unsigned long from, unsigned long size, bool connects)
{
	struct asked entry = { .cookie = 0 };
	int type;

	memset(to, 0, sizeof(*to));
	size = size < sizeof(*to) ? size : sizeof(*to);
	if (!from || size < sizeof(to->any.sa_family) || k23_copy_from(to, from, size) < 0)
		return 0;
	size = entry.size = normalise(to, (uint32_t)size);
	entry.asked = *to;
	type = type_of(fd);
	size = rules_apply(&state->rules, to, (uint32_t)size, type);
	entry.went = *to;
	connects |= type == SOCK_STREAM; /* a sendto() that connects */
	if (size)
		asked_note(&state->asked, fd, connects, &entry);
	else
		asked_forget(&state->asked, fd, connects ? NULL : to);
	return (uint32_t)size;
}

/* Makes a call, one of whose arguments is an address, and the next one its size. */
static long forward(struct k23_call *call, int at, bool connects)
{
	const unsigned long address = call->args[at], size = call->args[at + 1];
	union address to;
	uint32_t to_size = redirect((int)call->args[0], &to, address, size & 0xffffffff, connects);
	long result;

	if (to_size) {
		call->args[at] = (unsigned long)&to;
		call->args[at + 1] = to_size;
	}
	result = k23_forward(call);
	call->args[at] = address;
	call->args[at + 1] = size;
	return result;
}

static long on_connect(struct k23_call *call)
{
	return forward(call, 1, true);
}

static long on_sendto(struct k23_call *call)
{
	return forward(call, 4, false);
}

/* The header of a message, with another address if a rule says so. */
static bool redirect_message(int fd, struct msghdr *message, union address *to, unsigned long from)
{
	uint32_t size;

	if (k23_copy_from(message, from, sizeof(*message)) < 0)
		return false;
	size = redirect(fd, to, (unsigned long)message->msg_name, message->msg_namelen, false);
	if (!size)
		return false;
	message->msg_name = to;
	message->msg_namelen = size;
	return true;
}

static long on_sendmsg(struct k23_call *call)
{
	const unsigned long from = call->args[1];
	struct msghdr message;
	union address to;
	long result;

	if (redirect_message((int)call->args[0], &message, &to, from))
		call->args[1] = (unsigned long)&message;
	result = k23_forward(call);
	call->args[1] = from;
	return result;
}

/* One by one, as the kernel does: what comes after one that failed is not sent. */
static long send_each(struct k23_call *call, unsigned long vector, unsigned count)
{
	unsigned sent = 0;
	long result = 0;

	call->nr = SYS_sendmsg;
	call->args[2] = call->args[3];
	while (sent < count) {
		unsigned long at = vector + sent * sizeof(struct mmsghdr);
		unsigned length;

		call->args[1] = at;
		result = on_sendmsg(call);
		if (result < 0)
			break;
		length = (unsigned)result;
		if (k23_copy_to(at + offsetof(struct mmsghdr, msg_len), &length, sizeof(length)) < 0) {
			result = -EFAULT;
			break;
		}
		sent++;
	}
	return sent ? (long)sent : result;
}

static long on_sendmmsg(struct k23_call *call)
{
	const struct k23_call before = *call;
	unsigned count = (unsigned)call->args[2];
	struct msghdr message;
	union address to;
	long result;

	count = count < MESSAGES ? count : MESSAGES;
	for (unsigned i = 0; i < count; i++) {
		if (!redirect_message((int)call->args[0], &message, &to, call->args[1] + i * sizeof(struct mmsghdr)))
			continue;
		result = send_each(call, call->args[1], count);
		call->nr = before.nr;
		memcpy(call->args, before.args, sizeof(call->args));
		return result;
	}
	return k23_forward(call);
}

/* The program was told where something went, or came from: it is to see what it asked for. size: of its buffer. */
static void restore(int fd, bool peer, unsigned long address, unsigned size, unsigned long size_at)
{
	union address went = { .any = { .sa_family = AF_UNSPEC } };
	unsigned went_size = 0;
	struct asked entry;

	if (!address || k23_copy_from(&went_size, size_at, sizeof(went_size)) < 0)
		return;
	went_size = went_size < size ? went_size : size;
	if (k23_copy_from(&went, address, went_size < sizeof(went) ? went_size : sizeof(went)) < 0 ||
	    !asked_get(&state->asked, fd, peer ? NULL : &went, &entry))
		return;
	k23_copy_to(address, &entry.asked, entry.size < size ? entry.size : size);
	k23_copy_to(size_at, &entry.size, sizeof(entry.size));
}

/* A call that tells an address at one of its arguments, and its size where the next one points to. */
static long forward_and_restore(struct k23_call *call, int at, bool peer)
{
	const int fd = (int)call->args[0];
	const unsigned long address = call->args[at], size_at = call->args[at + 1];
	unsigned size = 0;
	long result;

	if (address)
		k23_copy_from(&size, size_at, sizeof(size));
	result = k23_forward(call);
	if (!k23_failed(result))
		restore(fd, peer, address, size, size_at);
	return result;
}

static long on_getpeername(struct k23_call *call)
{
	return forward_and_restore(call, 1, true);
}

static long on_recvfrom(struct k23_call *call)
{
	return forward_and_restore(call, 4, false);
}

static long on_recvmsg(struct k23_call *call)
{
	const int fd = (int)call->args[0];
	const unsigned long at = call->args[1];
	struct msghdr message = { .msg_name = NULL };
	long result;

	k23_copy_from(&message, at, sizeof(message));
	result = k23_forward(call);
	if (!k23_failed(result))
		restore(fd, false, (unsigned long)message.msg_name, message.msg_namelen,
			at + offsetof(struct msghdr, msg_namelen));
	return result;
}

static long on_recvmmsg(struct k23_call *call)
{
	const int fd = (int)call->args[0];
	const unsigned long vector = call->args[1];
	unsigned count = (unsigned)call->args[2];
	unsigned sizes[MESSAGES];
	struct mmsghdr message;
	long result;

	count = count < MESSAGES ? count : MESSAGES;
	for (unsigned i = 0; i < count; i++)
		if (k23_copy_from(&sizes[i], vector + i * sizeof(message) + offsetof(struct msghdr, msg_namelen),
				  sizeof(sizes[i])) < 0)
			sizes[i] = 0;
	result = k23_forward(call);
	for (long i = 0; i < result && i < (long)count; i++) {
		unsigned long at = vector + (unsigned long)i * sizeof(message);

		if (k23_copy_from(&message, at, sizeof(message)) == 0)
			restore(fd, false, (unsigned long)message.msg_hdr.msg_name, sizes[i],
				at + offsetof(struct msghdr, msg_namelen));
	}
	return result;
}

/* What would go round the rules: requests of io_uring, and the calls of i386, which could not take our addresses. */
static long absent(struct k23_call *call)
{
	(void)call;
	return -ENOSYS;
}

static long on_i386(struct k23_call *call)
{
	const struct k23_syscall_info *info = k23_describe(call);
	static const char *const names[] = {
		"socketcall", "connect", "sendto", "sendmsg", "sendmmsg", "io_uring_setup",
	};

	for (size_t i = 0; info && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(info->name, names[i]) == 0)
			return -ENOSYS;
	return k23_forward(call);
}

static int init(const struct k23_options *options)
{
	const char *path = k23_option(options, "rules");
	int r = 0;

	state = (struct state *)k23_run_state();
	if (!path || !*path)
		return k23_refuse("it needs rules=FILE");
	if (!state)
		return k23_refuse("the rules of the run are not to be had in this process");
	if (!state->ready)
		r = rules_read(&state->rules, path);
	state->ready = 1;
	return r;
}

#define ON(call) { SYS_##call, on_##call },
K23_HOOK(connect, .init = init, .run_size = sizeof(struct state), .i386 = on_i386, .calls = {
	ON(connect) ON(sendto) ON(sendmsg) ON(sendmmsg) ON(getpeername) ON(recvfrom) ON(recvmsg) ON(recvmmsg)
	{ SYS_io_uring_setup, absent },
});
