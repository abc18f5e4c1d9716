/*
 * Messages of netlink that are put together, and given to a socket that takes none.
 */
#ifndef TESTS_LINES_MESSAGES_H
#define TESTS_LINES_MESSAGES_H

#include "calls.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#define NOTHING MSG_OOB /* a netlink socket takes no message with this flag */

/* strace knows a socket's protocol when it has an address. */
static int open_netlink(int protocol)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	bind(fd, (struct sockaddr *)&any, sizeof(any));
	return fd;
}

/* A message that is being put together. */
static union {
	struct nlmsghdr head;
	unsigned char bytes[1024];
} message;

static void begin(unsigned type, unsigned flags, const void *header, size_t size)
{
	memset(&message, 0, sizeof(message));
	message.head.nlmsg_len = (unsigned)(NLMSG_HDRLEN + size);
	message.head.nlmsg_type = (unsigned short)type;
	message.head.nlmsg_flags = (unsigned short)flags;
	message.head.nlmsg_seq = 7;
	memcpy(message.bytes + NLMSG_HDRLEN, header, size);
}

static void *add(unsigned type, const void *data, size_t size)
{
	struct nlattr *attribute = (void *)(message.bytes + NLMSG_ALIGN(message.head.nlmsg_len));

	*attribute = (struct nlattr){ (unsigned short)(NLA_HDRLEN + size), (unsigned short)type };
	memcpy(attribute + 1, data, size);
	message.head.nlmsg_len = (unsigned)(NLMSG_ALIGN(message.head.nlmsg_len) + NLA_HDRLEN + NLA_ALIGN(size));
	return attribute;
}

static void add_number(unsigned type, unsigned number)
{
	add(type, &number, sizeof(number));
}

/* Ends an attribute that has those which come behind it. */
static void nested(struct nlattr *nest)
{
	nest->nla_len = (unsigned short)(message.bytes + message.head.nlmsg_len - (unsigned char *)nest);
}

static void put(int fd)
{
	CALL(sendto, fd, &message, message.head.nlmsg_len, NOTHING, NULL, 0l);
}

#endif
