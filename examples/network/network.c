/*
 * network: gives the processes of a run a TCP of their own. See README.md.
 *
 * A TCP socket is a Unix socket of the kernel, which stands for an object of the hook (k23-fd(7)): data, waiting, poll,
 * select and epoll, dup, fork, execve and the end of a process are the kernel's. The hook answers for addresses.
 */
#include <k23/fd.h>

#include <netinet/in.h>

#define SOCKETS 65536u
#define PORTS 65536u
#define FIRST_PORT 32768u /* of those that a socket gets that asks for none */
#define BACKLOG 4096u     /* a full queue refuses a Unix socket that would not wait, where TCP tries again */

union address {
	sa_family_t family; /* 0: there is none */
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct object {
	uint64_t serial, family;
};

/* What accept() returns has the object of the socket that listens. The rest is known by whom it is connected to. */
struct endpoint {
	uint64_t serial;
	uint64_t listens;
	union address local, remote;
};

struct state {
	struct k23_fds fds;
	uint64_t serial, port;
	uint64_t owners[2][PORTS]; /* serials, by family and port */
	struct endpoint endpoints[SOCKETS];
};

static struct endpoint *endpoint_of(struct state *state, const struct object *object)
{
	struct endpoint *endpoint = &state->endpoints[object->serial % SOCKETS];

	return endpoint->serial == object->serial ? endpoint : NULL;
}

/* The endpoint of a descriptor, or NULL if it is no such socket. */
static struct endpoint *find(int fd, struct object *object)
{
	struct state *state = k23_run_state();

	if (!state || k23_fd_object(&state->fds, fd, object, sizeof(*object)) != 0)
		return NULL;
	return endpoint_of(state, object);
}

/* Whether a socket is still there: as long as a descriptor of it is open anywhere, no other stands for its object. */
static int lives(struct state *state, uint64_t serial, sa_family_t family)
{
	struct object object = { serial, family };
	long fd = k23_syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0), r;

	if (k23_failed(fd))
		return 1;
	r = k23_fd_socket(&state->fds, (int)fd, &object, sizeof(object));
	k23_syscall(SYS_close, (unsigned)fd, 0, 0, 0, 0, 0);
	return r != 0;
}

static long on_socket(struct k23_call *call)
{
	int family = (int)call->args[0], type = (int)call->args[1], protocol = (int)call->args[2];
	struct state *state = k23_run_state();
	struct object object = { 0, (uint64_t)family };
	struct endpoint *endpoint;
	long fd, r;

	if (!state || (family != AF_INET && family != AF_INET6) ||
	    (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM || (protocol && protocol != IPPROTO_TCP))
		return k23_forward(call);
	call->args[0] = AF_UNIX;
	call->args[2] = 0;
	fd = k23_forward(call);
	call->args[0] = (unsigned long)family;
	call->args[2] = (unsigned long)protocol;
	if (k23_failed(fd))
		return fd;
	do {
		object.serial = __atomic_add_fetch(&state->serial, 1, __ATOMIC_RELAXED);
		endpoint = &state->endpoints[object.serial % SOCKETS];
	} while (endpoint->serial &&
		 (lives(state, endpoint->serial, AF_INET) || lives(state, endpoint->serial, AF_INET6)));
	*endpoint = (struct endpoint){ .serial = object.serial };
	r = k23_fd_socket(&state->fds, (int)fd, &object, sizeof(object));
	if (!r)
		return fd;
	k23_syscall(SYS_close, (unsigned)fd, 0, 0, 0, 0, 0);
	return r;
}

/* An address of the program's, for a socket of a family. */
static long read_address(union address *address, sa_family_t family, unsigned long from, unsigned length)
{
	size_t size = family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);

	memset(address, 0, sizeof(*address));
	if (length < size)
		return -EINVAL;
	if (k23_copy_from(address, from, size))
		return -EFAULT;
	return address->family == family ? 0 : -EAFNOSUPPORT;
}

static long write_address(const union address *address, unsigned long to, unsigned long length_at)
{
	int size = address->family == AF_INET ? sizeof(address->v4) : sizeof(address->v6), room;

	if (k23_copy_from(&room, length_at, sizeof(room)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (k23_copy_to(to, address, (size_t)(room < size ? room : size)) ||
	    k23_copy_to(length_at, &size, sizeof(size)))
		return -EFAULT;
	return 0;
}

static in_port_t *port_of(union address *address)
{
	return address->family == AF_INET ? &address->v4.sin_port : &address->v6.sin6_port;
}

static int is_mapped(const union address *address)
{
	return address->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

/* The same address, as a socket of IPv6 is told one of IPv4. */
static union address as_family(const union address *address, uint64_t family)
{
	union address mapped = { .v6 = { .sin6_family = AF_INET6, .sin6_port = address->v4.sin_port } };

	if (address->family == family || address->family != AF_INET)
		return *address;
	mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&mapped.v6.sin6_addr.s6_addr[12], &address->v4.sin_addr, sizeof(address->v4.sin_addr));
	return mapped;
}

/* Makes a port the socket's, unless a socket that lives has it. */
static int take(struct state *state, const struct object *object, unsigned port)
{
	uint64_t *owner = &state->owners[object->family == AF_INET6][port];
	uint64_t old = __atomic_load_n(owner, __ATOMIC_ACQUIRE);

	return (!old || !lives(state, old, (sa_family_t)object->family)) &&
	       __atomic_compare_exchange_n(owner, &old, object->serial, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Gives a socket its address, with a port that is free if it names none. */
static long bind_to(const struct object *object, struct endpoint *endpoint, union address *address)
{
	struct state *state = k23_run_state();
	unsigned port = ntohs(*port_of(address)), tries = PORTS - FIRST_PORT;

	if (port && !take(state, object, port))
		return -EADDRINUSE;
	while (!port && tries--) {
		unsigned next = (unsigned)__atomic_fetch_add(&state->port, 1, __ATOMIC_RELAXED);

		next = FIRST_PORT + next % (PORTS - FIRST_PORT);
		port = take(state, object, next) ? next : 0;
	}
	if (!port)
		return -EADDRINUSE;
	*port_of(address) = htons((uint16_t)port);
	endpoint->local = *address;
	return 0;
}

static long on_bind(struct k23_call *call)
{
	struct object object;
	struct endpoint *endpoint = find((int)call->args[0], &object);
	union address address;
	long r;

	if (!endpoint)
		return k23_forward(call);
	r = read_address(&address, (sa_family_t)object.family, call->args[1], (unsigned)call->args[2]);
	if (r || endpoint->local.family)
		return r ? r : -EINVAL;
	return bind_to(&object, endpoint, &address);
}

static long on_listen(struct k23_call *call)
{
	unsigned long backlog = call->args[1];
	struct object object;
	struct endpoint *endpoint = find((int)call->args[0], &object);
	union address any = { .family = (sa_family_t)object.family };
	long r;

	if (!endpoint)
		return k23_forward(call);
	r = endpoint->local.family ? 0 : bind_to(&object, endpoint, &any);
	if (r)
		return r;
	endpoint->listens = 1;
	call->args[1] = BACKLOG;
	r = k23_forward(call);
	call->args[1] = backlog;
	return r;
}

/* Every address is one of this machine's. */
static void find_ends(const union address *asked, union address *local, union address *remote)
{
	*remote = *asked;
	if (asked->family == AF_INET && !asked->v4.sin_addr.s_addr)
		remote->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (asked->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&asked->v6.sin6_addr))
		remote->v6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	*local = *remote;
	*port_of(local) = 0;
	if (local->family == AF_INET && ntohl(local->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET)
		local->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static long on_connect(struct k23_call *call)
{
	struct state *state = k23_run_state();
	unsigned long old[2] = { call->args[1], call->args[2] };
	struct object object, there = { 0 };
	struct endpoint *endpoint = find((int)call->args[0], &object);
	union address asked, local, remote;
	struct sockaddr_un address;
	uint16_t port;
	long r;

	if (!endpoint)
		return k23_forward(call);
	r = read_address(&asked, (sa_family_t)object.family, old[0], (unsigned)old[1]);
	if (r)
		return r;
	port = ntohs(*port_of(&asked));
	there.family = object.family == AF_INET || is_mapped(&asked) ? AF_INET : AF_INET6;
	there.serial = state->owners[there.family == AF_INET6][port];
	if (!there.serial && there.family == AF_INET) {
		there.family = AF_INET6;
		there.serial = state->owners[1][port];
	}
	find_ends(&asked, &local, &remote);
	r = !there.serial ? -ECONNREFUSED : endpoint->local.family ? 0 : bind_to(&object, endpoint, &local);
	if (r)
		return r;
	if (!endpoint->remote.family)
		endpoint->remote = remote;
	call->args[1] = (unsigned long)&address;
	call->args[2] = (unsigned long)k23_fd_address(&state->fds, &there, sizeof(there), &address);
	r = k23_forward(call);
	call->args[1] = old[0];
	call->args[2] = old[1];
	return r;
}

/* The address of one end of a socket. */
static long find_end(int fd, const struct object *object, struct endpoint *endpoint, int of_peer,
		     union address *address)
{
	struct state *state = k23_run_state();
	struct object peer;
	long r = k23_fd_peer(&state->fds, fd, &peer, sizeof(peer));
	struct endpoint *other = r ? NULL : endpoint_of(state, &peer);

	if (of_peer && !other)
		return -ENOTCONN;
	if (endpoint->listens && other) /* it comes of accept() */
		*address = of_peer ? other->local : other->remote;
	else
		*address = of_peer ? endpoint->remote : endpoint->local;
	if (!address->family)
		address->family = (sa_family_t)object->family;
	*address = as_family(address, object->family);
	return 0;
}

static long on_name(struct k23_call *call)
{
	int fd = (int)call->args[0];
	struct object object;
	struct endpoint *endpoint = find(fd, &object);
	union address address;
	long r;

	if (!endpoint)
		return k23_forward(call);
	r = find_end(fd, &object, endpoint, call->nr == SYS_getpeername, &address);
	return r ? r : write_address(&address, call->args[1], call->args[2]);
}

static long on_accept(struct k23_call *call)
{
	unsigned long old[2] = { call->args[1], call->args[2] };
	struct object object;
	struct endpoint *endpoint = find((int)call->args[0], &object);
	union address address;
	long fd, r;

	if (!endpoint)
		return k23_forward(call);
	call->args[1] = call->args[2] = 0;
	fd = k23_forward(call);
	call->args[1] = old[0];
	call->args[2] = old[1];
	if (k23_failed(fd) || !old[0])
		return fd;
	r = find_end((int)fd, &object, endpoint, 1, &address);
	if (!r)
		r = write_address(&address, old[0], old[1]);
	if (!r)
		return fd;
	k23_syscall(SYS_close, (unsigned)fd, 0, 0, 0, 0, 0);
	return r;
}

static int is_internet(int level)
{
	return level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6;
}

static long on_setsockopt(struct k23_call *call)
{
	int level = (int)call->args[1], name = (int)call->args[2];
	struct object object;

	if ((is_internet(level) || (level == SOL_SOCKET && name == SO_REUSEPORT)) && find((int)call->args[0], &object))
		return 0;
	return k23_forward(call);
}

static long on_getsockopt(struct k23_call *call)
{
	int level = (int)call->args[1], name = (int)call->args[2], size = sizeof(int), room, value = 0;
	int is_kind = level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_PROTOCOL);
	struct object object;

	if ((!is_internet(level) && !is_kind) || !find((int)call->args[0], &object))
		return k23_forward(call);
	if (is_kind)
		value = name == SO_DOMAIN ? (int)object.family : IPPROTO_TCP;
	if (k23_copy_from(&room, call->args[4], sizeof(room)))
		return -EFAULT;
	size = room < size ? room : size;
	if (size < 0)
		return -EINVAL;
	if (k23_copy_to(call->args[3], &value, (size_t)size) || k23_copy_to(call->args[4], &size, sizeof(size)))
		return -EFAULT;
	return 0;
}

/* TCP does not look at the address, and tells none. */
static long on_transfer(struct k23_call *call)
{
	unsigned long old[2] = { call->args[4], call->args[5] };
	struct object object;
	int none = 0;
	long r;

	if (!old[0] || !find((int)call->args[0], &object))
		return k23_forward(call);
	if (call->nr == SYS_recvfrom && k23_copy_to(old[1], &none, sizeof(none)))
		return -EFAULT;
	call->args[4] = call->args[5] = 0;
	r = k23_forward(call);
	call->args[4] = old[0];
	call->args[5] = old[1];
	return r;
}

K23_HOOK(network, .run_size = sizeof(struct state),
	.calls = { { SYS_socket, on_socket },
		   { SYS_bind, on_bind },
		   { SYS_listen, on_listen },
		   { SYS_connect, on_connect },
		   { SYS_accept, on_accept },
		   { SYS_accept4, on_accept },
		   { SYS_getsockname, on_name },
		   { SYS_getpeername, on_name },
		   { SYS_setsockopt, on_setsockopt },
		   { SYS_getsockopt, on_getsockopt },
		   { SYS_sendto, on_transfer },
		   { SYS_recvfrom, on_transfer } });
