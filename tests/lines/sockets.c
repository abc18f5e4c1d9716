#include "calls.h"

#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

static void made(void)
{
	static const int made[][3] = {
		{ AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0 }, { AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP }, { AF_INET, SOCK_DGRAM, IPPROTO_IP },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE }, { AF_NETLINK, SOCK_RAW, NETLINK_GENERIC },
		{ AF_PACKET, SOCK_RAW, 0x300 }, { AF_VSOCK, SOCK_STREAM, 0 },
		{ AF_ALG, SOCK_SEQPACKET, 0 }, { 77, SOCK_RAW, 77 },
		{ AF_UNSPEC, SOCK_RDM, 5 },
	};
	int pair[2];

	for (unsigned i = 0; i < sizeof(made) / sizeof(*made); i++) {
		long fd = CALL(socket, made[i][0], made[i][1], made[i][2]);

		CALL(close, fd);
	}
	CALL(socketpair, AF_UNIX, SOCK_SEQPACKET, 0, pair);
	close(pair[0]);
	close(pair[1]);
	CALL(socketpair, AF_INET, SOCK_STREAM, 0, pair);
}

static void addresses(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = 0x3412, .sin_addr.s_addr = 0x0100007f };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 0x3412, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_scope_id = 1 };
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = 5 };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = 0x300, .sll_ifindex = 1, .sll_halen = 6 };
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = 2, .svm_port = 3 };
	struct sockaddr_un un = { AF_UNIX, "a path" }, abstract = { AF_UNIX, "\0abstract" };
	struct sockaddr other = { 99, "some data" };
	const struct {
		void *address;
		int size;
	} short_of[] = {
		{ &in, 15 }, { &in6, 24 }, { &in6, 23 }, { &nl, 11 }, { &ll, 20 }, { &ll, 19 }, { &other, 3 },
		{ &other, 2 },
	};

	CALL(bind, -1, &in, sizeof(in));
	CALL(bind, -1, &in6, sizeof(in6));
	CALL(bind, -1, &nl, sizeof(nl));
	CALL(bind, -1, &ll, sizeof(ll));
	CALL(bind, -1, &vm, sizeof(vm));
	CALL(bind, -1, &un, sizeof(un));
	CALL(bind, -1, &un, 6);
	CALL(bind, -1, &un, 2);
	CALL(bind, -1, &abstract, 11);
	CALL(connect, -1, &other, sizeof(other));
	for (unsigned i = 0; i < sizeof(short_of) / sizeof(*short_of); i++)
		CALL(bind, -1, short_of[i].address, short_of[i].size);
	CALL(connect, -1, BAD, 16);
	CALL(connect, -1, NULL, 0);
}

static void streams(void)
{
	struct sockaddr_un address = { AF_UNIX, "socket" }, peer;
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), fd;
	socklen_t size = sizeof(peer);
	char text[50];

	CALL(bind, server, &address, sizeof(address));
	CALL(listen, server, 5);
	CALL(connect, client, &address, sizeof(address));
	fd = (int)CALL(accept4, server, &peer, &size, SOCK_CLOEXEC);
	size = sizeof(peer);
	CALL(getsockname, fd, &peer, &size);
	size = 5;
	CALL(getpeername, client, &peer, &size);
	CALL(getpeername, server, &peer, &size);
	CALL(sendto, client, "hello", 5, MSG_NOSIGNAL, NULL, 0l);
	CALL(recvfrom, fd, text, 50, MSG_DONTWAIT, NULL, NULL);
	CALL(recvfrom, fd, text, 50, MSG_DONTWAIT | MSG_PEEK, NULL, NULL);
	size = sizeof(peer);
	CALL(accept, server, NULL, POISON);
	CALL(shutdown, client, SHUT_RDWR);
	CALL(shutdown, client, 77);
	close(fd);
	close(client);
	close(server);
}

static void datagrams(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f }, from;
	int one = socket(AF_INET, SOCK_DGRAM, 0), two = socket(AF_INET, SOCK_DGRAM, 0);
	char text[50], more[50];
	struct iovec out[] = { { "first", 5 }, { "second", 6 } }, in[] = { { text, 7 }, { more, 50 } };
	struct msghdr message = { &address, sizeof(address), out, 2, NULL, 0, 0 };
	struct msghdr received = { &from, sizeof(from), in, 2, NULL, 0, 0 };
	struct mmsghdr many[2] = { { message, 0 }, { message, 0 } }, got[2];
	struct timespec none = { 0, 0 };
	socklen_t size = sizeof(address);

	address.sin_port = htons(34567);
	CALL(bind, one, &address, size);
	CALL(getsockname, one, &address, &size);
	CALL(sendto, two, "text", 4, 0, &address, sizeof(address));
	size = sizeof(from);
	CALL(sendmsg, two, &message, MSG_NOSIGNAL);
	CALL(recvmsg, one, &received, MSG_DONTWAIT);
	received.msg_namelen = sizeof(from);
	CALL(recvmsg, one, &received, MSG_DONTWAIT);
	CALL(recvmsg, one, &received, MSG_DONTWAIT);
	CALL(sendmsg, -1, BAD, 0);
	many[0].msg_hdr = many[1].msg_hdr = message;
	CALL(sendmmsg, two, many, 2, 0);
	memset(got, 0, sizeof(got));
	got[0].msg_hdr = got[1].msg_hdr = received;
	CALL(recvmmsg, one, got, 2, MSG_DONTWAIT, &none);
	close(one);
	close(two);
}

static void rights(void)
{
	char control[100], text[10];
	struct iovec io = { "x", 1 }, in = { text, 10 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control };
	struct msghdr received = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = control,
				   .msg_controllen = sizeof(control) };
	struct cmsghdr *head = (struct cmsghdr *)control;
	struct ucred who = { getpid(), 0, 0 };
	int pair[2], fds[2] = { 0, 1 }, on = 1;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return;
	memset(control, 0, sizeof(control));
	*head = (struct cmsghdr){ CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(head), fds, sizeof(fds));
	message.msg_controllen = CMSG_SPACE(sizeof(fds));
	CALL(sendmsg, pair[0], &message, 0);
	CALL(recvmsg, pair[1], &received, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	CALL(setsockopt, pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	memset(control, 0, sizeof(control));
	*head = (struct cmsghdr){ CMSG_LEN(sizeof(who)), SOL_SOCKET, SCM_CREDENTIALS };
	memcpy(CMSG_DATA(head), &who, sizeof(who));
	message.msg_controllen = CMSG_SPACE(sizeof(who));
	CALL(sendmsg, pair[0], &message, 0);
	received.msg_controllen = sizeof(control);
	CALL(recvmsg, pair[1], &received, MSG_DONTWAIT);
	close(pair[0]);
	close(pair[1]);
}

static void options(void)
{
	static const struct {
		int level, name;
		socklen_t size;
	} known[] = {
		{ SOL_SOCKET, SO_TYPE }, { SOL_SOCKET, SO_ERROR }, { SOL_SOCKET, SO_RCVBUF },
		{ SOL_SOCKET, SO_DOMAIN },
		{ SOL_SOCKET, SO_PROTOCOL }, { SOL_SOCKET, SO_LINGER, 8 }, { SOL_SOCKET, SO_RCVTIMEO, 16 },
		{ SOL_SOCKET, SO_KEEPALIVE },
		{ SOL_SOCKET, SO_REUSEADDR }, { SOL_TCP, TCP_NODELAY }, { SOL_TCP, TCP_MAXSEG }, { SOL_IP, IP_TTL },
		{ SOL_IP, IP_TOS }, { SOL_SOCKET, SO_PEERCRED, 12 }, { SOL_SOCKET, 77 }, { 99, 99 },
		{ SOL_IPV6, IPV6_V6ONLY },
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	static const int other[] = { SO_TYPE, SO_DOMAIN, SO_MAX_PACING_RATE, SO_BINDTOIFINDEX, SO_TIMESTAMPING,
				     SO_RCVMARK, SO_TXREHASH, SO_RCVTIMEO, 78 };
	static const unsigned char zero[8];
	struct timeval timeout = { 5, 6 };
	struct linger linger = { 1, 2 };
	char buffer[64];
	socklen_t size;

	for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size = known[i].size ? known[i].size : 4;
		CALL(getsockopt, fd, known[i].level, known[i].name, buffer, &size);
	}
	CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	CALL(setsockopt, fd, SOL_TCP, TCP_NODELAY, &on, sizeof(on));
	CALL(setsockopt, fd, SOL_IP, IP_TTL, &on, sizeof(on));
	CALL(setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	CALL(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	CALL(setsockopt, fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
	CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, BAD, sizeof(on));
	/* Of sizes that a number has not, and those that are taken for none. */
	for (unsigned i = 0; i < sizeof(other) / sizeof(*other); i++)
		for (socklen_t room = 3; room < 6; room++) {
			size = room;
			CALL(getsockopt, fd, SOL_SOCKET, other[i], buffer, &size);
			CALL(setsockopt, fd, SOL_SOCKET, other[i], &zero, room);
		}
	/* iptables */
	size = 4;
	CALL(getsockopt, fd, SOL_IP, 64, buffer, &size);
	CALL(setsockopt, fd, SOL_IP, 65, buffer, 4);
	CALL(getsockopt, -1, SOL_IPV6, 68, buffer, &size);
	CALL(setsockopt, -1, SOL_IPV6, 64, buffer, 4);
	CALL(setsockopt, nl, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &on, sizeof(on));
	CALL(setsockopt, fd, 99, 99, "12345", 5);
	close(fd);
	close(nl);
}

static void groups(void)
{
	struct ip_mreq four = { { htonl(0xe0000003) }, { htonl(INADDR_LOOPBACK) } };
	struct ipv6_mreq six = { { { { 0xff, 2, [15] = 0xc } } }, 1 };
	struct group_req any = { .gr_interface = 1 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET6, SOCK_DGRAM, 0);

	memcpy(&any.gr_group, &(struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xe0000003) },
	       sizeof(struct sockaddr_in));
	CALL(setsockopt, fd, SOL_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four));
	CALL(setsockopt, fd, SOL_IP, IP_DROP_MEMBERSHIP, &four, sizeof(four));
	CALL(setsockopt, fd, SOL_IP, IP_ADD_MEMBERSHIP, &four, 7);
	CALL(setsockopt, fd, SOL_IP, MCAST_JOIN_GROUP, &any, sizeof(any));
	CALL(setsockopt, fd, SOL_IP, MCAST_LEAVE_GROUP, &any, 5);
	CALL(setsockopt, other, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &six, sizeof(six));
	CALL(setsockopt, other, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &six, 19);
	close(fd);
	close(other);
}

/* Options of which there may be less than the kernel has, and those of packets. */
static void parts(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, pair[2];
	struct packet_mreq member = { 1, PACKET_MR_PROMISC, 6, { 1, 2, 3, 4, 5, 6 } };
	struct tpacket_req ring = { 1, 2, 3, 4 };
	struct linger linger;
	struct ucred peer;
	socklen_t size;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	for (int i = 0; i < 13; i++) {
		size = (socklen_t)i;
		CALL(getsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, &size);
		size = (socklen_t)(i ? i + 3 : 0); /* the id of a process is another one in each run */
		CALL(getsockopt, pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size);
	}
	CALL(setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, 7);
	CALL(setsockopt, fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
	CALL(setsockopt, fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	CALL(setsockopt, fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on));
	CALL(setsockopt, -1, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof(member));
	CALL(setsockopt, -1, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &member, 15);
	CALL(setsockopt, -1, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &member, 17);
	CALL(setsockopt, -1, SOL_PACKET, PACKET_RX_RING, &ring, 17);
	CALL(setsockopt, -1, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring));
	CALL(setsockopt, -1, SOL_PACKET, PACKET_STATISTICS, &ring, sizeof(ring));
	close(pair[0]);
	close(pair[1]);
	close(fd);
}

/* What is told of a datagram. */
static void ancillary(void)
{
	static const int wanted[][2] = {
		{ SOL_IP, IP_PKTINFO }, { SOL_IP, IP_RECVTTL }, { SOL_IP, IP_RECVTOS }, { SOL_IP, IP_RECVORIGDSTADDR },
		{ SOL_IP, IP_RECVERR },
	};
	int one = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(own);
	char room[512], text[8];
	struct iovec vector = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof(room) };

	bind(fd, (struct sockaddr *)&own, sizeof(own));
	getsockname(fd, (struct sockaddr *)&own, &size);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		setsockopt(fd, wanted[i][0], wanted[i][1], &one, sizeof(one));
	sendto(fd, "some", 4, 0, (struct sockaddr *)&own, sizeof(own));
	CALL(recvmsg, fd, &message, MSG_DONTWAIT);
	connect(fd, (struct sockaddr *)&(struct sockaddr_in){ AF_INET, htons(1), own.sin_addr, { 0 } }, sizeof(own));
	send(fd, "some", 4, 0);
	message.msg_controllen = sizeof(room);
	CALL(recvmsg, fd, &message, MSG_DONTWAIT | MSG_ERRQUEUE);
	close(fd);
}

int main(void)
{
	made();
	addresses();
	streams();
	datagrams();
	rights();
	options();
	groups();
	parts();
	ancillary();
	return 0;
}
