/*
 * Descriptors, and what they stand for.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "cli/render/printer.h"

/* ADDRESS:PORT. False: it is the address of no family that is known, or of a socket that is not bound. */
static bool add_internet_address(struct line *line, const unsigned char *address, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (size == sizeof(in)) {
		memcpy(&in, address, sizeof(in));
		if (in.sin_family != AF_INET || !in.sin_port)
			return false;
		line_add(line, "%s:%u", inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)), ntohs(in.sin_port));
		return true;
	}
	if (size != sizeof(in6))
		return false;
	memcpy(&in6, address, sizeof(in6));
	if (in6.sin6_family != AF_INET6 || !in6.sin6_port)
		return false;
	line_add(line, "[%s]:%u", inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text)), ntohs(in6.sin6_port));
	return true;
}

/* Says what is known of a socket; inode: its number. False: nothing is. */
typedef bool add_socket_fn(struct printer *to, const struct piece *inode, const struct k23_ring_descriptor *details);

static bool add_internet_socket(struct printer *to, const struct piece *inode,
				const struct k23_ring_descriptor *details)
{
	size_t before;

	(void)inode;
	if (!add_internet_address(to->line, details->local, details->local_size))
		return false;
	before = to->line->size;
	line_text(to->line, "->");
	if (!add_internet_address(to->line, details->peer, details->peer_size))
		to->line->size = before;
	return true;
}

static bool add_unix_socket(struct printer *to, const struct piece *inode, const struct k23_ring_descriptor *details)
{
	const unsigned char *path = details->local + offsetof(struct sockaddr_un, sun_path);
	size_t size = details->local_size;

	line_bytes(to->line, (const char *)inode->data, inode->size);
	if (size <= offsetof(struct sockaddr_un, sun_path))
		return true;
	size -= offsetof(struct sockaddr_un, sun_path);
	line_text(to->line, *path ? "," : ",@");
	print_text(to, path + !*path, *path ? strnlen((const char *)path, size) : size - 1, false);
	return true;
}

static bool add_netlink_socket(struct printer *to, const struct piece *inode, const struct k23_ring_descriptor *details)
{
	static const char prefix[] = "NETLINK_";
	const char *name = constant_name(type_netlink_protocol, details->protocol);
	struct sockaddr_nl address;

	(void)inode;
	if (details->local_size != sizeof(address))
		return false;
	memcpy(&address, details->local, sizeof(address));
	if (!address.nl_pid)
		return false;
	if (name)
		line_add(to->line, "%s:%u", name + sizeof(prefix) - 1, address.nl_pid);
	else
		line_add(to->line, "%u:%u", details->protocol, address.nl_pid);
	return true;
}

/* How the sockets of a protocol are shown, by the begin of its name. */
static const struct {
	const char *name;
	add_socket_fn *add;
} protocols[] = {
	{ "TCP", add_internet_socket }, { "UDP", add_internet_socket }, { "DCCP", add_internet_socket },
	{ "RAW", NULL },		{ "PING", NULL },		{ "UNIX", add_unix_socket },
	{ "NETLINK", add_netlink_socket },
};

/* PROTOCOL:[WHAT], or, if nothing is known of it, PROTOCOL:[INODE]; of other protocols what the kernel says. */
static void add_socket(struct printer *to, const struct piece *file, const struct k23_ring_descriptor *details)
{
	static const char before[] = "socket:[";
	struct piece inode = { file->data + sizeof(before) - 1, file->size - sizeof(before), 0 };
	size_t i = 0;

	while (i < COUNT(protocols) && strncmp(details->name, protocols[i].name, strlen(protocols[i].name)) != 0)
		i++;
	if (i == COUNT(protocols) || file->size <= sizeof(before) ||
	    memcmp(file->data, before, sizeof(before) - 1) != 0) {
		print_characters_of(to, file->data, file->size);
		return;
	}
	line_text(to->line, details->name);
	line_text(to->line, ":[");
	if (!protocols[i].add || !protocols[i].add(to, &inode, details))
		line_bytes(to->line, (const char *)inode.data, inode.size);
	line_char(to->line, ']');
}

/* Whether more is known of a descriptor than its path, and is to be shown. */
bool descriptor_details(const struct printer *to, int fd, struct k23_ring_descriptor *details)
{
	if (!memory_descriptor_details(to->call, to->phase, fd, details))
		return false;
	if (!details->mode)
		return to->options->fds & FDS_PIDFDS;
	return S_ISSOCK(details->mode) ? *details->name && to->options->fds & FDS_SOCKETS :
					 (to->options->fds & FDS_DEVICES) != 0;
}

/* What a descriptor is open on, if that is to be shown. */
bool descriptor_file(const struct printer *to, int fd, struct piece *file)
{
	struct k23_ring_descriptor details;

	return to->options->fds && memory_descriptor(to->call, to->phase, fd, file) &&
	       (to->options->fds & FDS_PATHS || descriptor_details(to, fd, &details));
}

/* What a descriptor is open on, in angle brackets. */
static void add_open_file(struct printer *to, int fd)
{
	struct k23_ring_descriptor details;
	struct piece file;
	size_t deleted;
	bool known;

	if (!descriptor_file(to, fd, &file))
		return;
	known = descriptor_details(to, fd, &details);
	line_char(to->line, '<');
	if (known && !details.mode) {
		line_add(to->line, "pid:%u>", (unsigned)details.device);
		return;
	}
	if (known && S_ISSOCK(details.mode)) {
		add_socket(to, &file, &details);
		line_char(to->line, '>');
		return;
	}
	deleted = memory_deleted(&file);
	print_path_characters(to, file.data, file.size - deleted);
	if (known)
		line_add(to->line, "<%s %u:%u>", S_ISCHR(details.mode) ? "char" : "block", major(details.device),
			 minor(details.device));
	line_text(to->line, deleted ? ">(deleted)" : ">");
}

void print_descriptor(struct printer *to, const struct type *type, struct place place)
{
	(void)type;
	line_signed(to->line, (int32_t)place.value);
	add_open_file(to, (int)place.value);
}

void print_directory(struct printer *to, const struct type *type, struct place place)
{
	if ((int32_t)place.value != AT_FDCWD) {
		print_descriptor(to, type, place);
		return;
	}
	print_named(to, "-100", "AT_FDCWD");
	add_open_file(to, AT_FDCWD);
}
