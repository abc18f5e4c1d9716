#include "messages.h"

#include <linux/fib_rules.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/uio.h>

static void links(int fd)
{
	struct ifinfomsg link = { .ifi_type = ARPHRD_ETHER, .ifi_index = 1, .ifi_flags = IFF_UP | IFF_BROADCAST,
				  .ifi_change = 5 };
	struct ifinfomsg any = { 0 };
	struct nlattr *nest;

	begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, &any, 1);
	put(fd);
	begin(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ROOT, &any, sizeof(any));
	put(fd);
	add_number(IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	put(fd);
	begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &link, sizeof(link));
	add(IFLA_IFNAME, "name", 5);
	add(IFLA_ADDRESS, "\1\2\3\4\5\6", 6);
	add_number(IFLA_MTU, 1400);
	add_number(IFLA_LINK, 1);
	add(IFLA_OPERSTATE, "\2", 1);
	add(0x3ff, "\2\3", 2);
	add(IFLA_MTU, "\2", 1);
	add(IFLA_QDISC, NULL, 0);
	nest = add(IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
	add(IFLA_INFO_KIND, "dummy", 5);
	add(IFLA_INFO_DATA, "1234", 4);
	nested(nest);
	nest = add(IFLA_XDP | NLA_F_NESTED, NULL, 0);
	add(IFLA_XDP_ATTACHED, "\2", 1);
	nested(nest);
	put(fd);
	begin(RTM_DELLINK, NLM_F_REQUEST | NLM_F_NONREC, &link, sizeof(link));
	put(fd);
	begin(RTM_SETLINK, NLM_F_REQUEST, &link, sizeof(link));
	put(fd);
}

static void addresses(int fd)
{
	struct ifaddrmsg address = { AF_INET, 24, IFA_F_PERMANENT, RT_SCOPE_LINK, 1 }, six = { AF_INET6, 64, 0, 0, 0 };
	struct ifaddrmsg other = { 99, 0, 0, 7, 0 };
	struct ifa_cacheinfo cache = { 1, 2, 3, 4 };
	unsigned char generic = 0;

	begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &generic, 1);
	message.head.nlmsg_len = 20; /* as the C library does */
	put(fd);
	begin(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_REPLACE, &address, sizeof(address));
	add(IFA_LOCAL, "\177\0\0\1", 4);
	add(IFA_ADDRESS, "\177\0\0\1", 4);
	add(IFA_LABEL, "lo", 3);
	add_number(IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE);
	add(IFA_CACHEINFO, &cache, sizeof(cache));
	put(fd);
	begin(RTM_DELADDR, NLM_F_REQUEST, &six, sizeof(six));
	add(IFA_ADDRESS, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	put(fd);
	begin(RTM_DELADDR, NLM_F_REQUEST, &other, sizeof(other));
	add(IFA_ADDRESS, "1234", 4);
	put(fd);
}

static void routes(int fd)
{
	struct rtmsg route = { AF_INET, 24, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST,
			       RTM_F_NOTIFY };
	struct fib_rule_hdr rule = { .family = AF_INET, .dst_len = 8, .table = RT_TABLE_LOCAL,
				     .action = FR_ACT_TO_TBL };
	struct ndmsg neighbour = { .ndm_family = AF_INET, .ndm_ifindex = 1, .ndm_state = NUD_REACHABLE | NUD_PERMANENT,
				   .ndm_flags = NTF_PROXY, .ndm_type = RTN_UNICAST };
	struct nda_cacheinfo cache = { 1, 2, 3, 4 };
	struct rta_cacheinfo used = { 1, 2, 3, 4, 5, 6, 7, 8 };
	unsigned char protocol = RTPROT_STATIC;

	begin(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, &route, sizeof(route));
	add_number(RTA_TABLE, RT_TABLE_MAIN);
	put(fd);
	begin(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND, &route, sizeof(route));
	add(RTA_DST, "\12\0\0\0", 4);
	add(RTA_GATEWAY, "\12\0\0\1", 4);
	add(RTA_PREFSRC, "\12\0\0\2", 4);
	add_number(RTA_OIF, 1);
	add_number(RTA_PRIORITY, 100);
	add(RTA_CACHEINFO, &used, sizeof(used));
	put(fd);
	begin(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, &rule, sizeof(rule));
	put(fd);
	begin(RTM_NEWRULE, NLM_F_REQUEST, &rule, sizeof(rule));
	add(FRA_SRC, "\12\0\0\0", 4);
	add_number(FRA_PRIORITY, 100);
	add_number(FRA_TABLE, RT_TABLE_MAIN);
	add(FRA_IIFNAME, "lo", 3);
	add(FRA_PROTOCOL, &protocol, 1);
	put(fd);
	begin(RTM_NEWNEIGH, NLM_F_REQUEST, &neighbour, sizeof(neighbour));
	add(NDA_DST, "\12\0\0\1", 4);
	add(NDA_LLADDR, "\1\2\3\4\5\6", 6);
	add_number(NDA_PROBES, 3);
	add(NDA_CACHEINFO, &cache, sizeof(cache));
	put(fd);
}

/* Messages of other protocols, of no type, and such that are damaged. */
static void others(int fd)
{
	static const int protocols[] = { NETLINK_USERSOCK, NETLINK_GENERIC, NETLINK_KOBJECT_UEVENT, NETLINK_AUDIT };
	struct { struct nlmsghdr head; int error; struct nlmsghdr about; } error = {
		{ sizeof(error), NLMSG_ERROR, NLM_F_CAPPED, 3, 4 }, -ENODEV, { 32, RTM_GETLINK, NLM_F_REQUEST, 3, 0 } };
	struct { struct nlmsghdr head; int result; } done = { { sizeof(done), NLMSG_DONE, NLM_F_MULTI, 3, 4 }, 0 };
	struct { struct nlmsghdr one, two; } two = { { 16, NLMSG_NOOP, 0, 1, 2 }, { 16, NLMSG_OVERRUN, 0, 1, 2 } };
	unsigned char data[] = "\1\2data\n";

	CALL(sendto, fd, &error, sizeof(error), NOTHING, NULL, 0l);
	CALL(sendto, fd, &done, sizeof(done), NOTHING, NULL, 0l);
	CALL(sendto, fd, &two, sizeof(two), NOTHING, NULL, 0l);
	CALL(sendto, fd, &two, 8, NOTHING, NULL, 0l);
	CALL(sendto, fd, &two, 20, NOTHING, NULL, 0l);
	CALL(sendto, fd, BAD, 20, NOTHING, NULL, 0l);
	begin(0x777, NLM_F_REQUEST | 0x100, data, sizeof(data));
	put(fd);
	message.head.nlmsg_len = 1000;
	CALL(sendto, fd, &message, 24, NOTHING, NULL, 0l);
	message.head.nlmsg_len = 3;
	CALL(sendto, fd, &message, 24, NOTHING, NULL, 0l);
	CALL(write, -1, &message, 24);
	for (unsigned i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		int other = open_netlink(protocols[i]);

		begin(0x12, NLM_F_REQUEST, data, sizeof(data));
		put(other);
		close(other);
	}
}

/* What the kernel answers. */
static void answers(int fd)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK }, from;
	unsigned char buffer[16384];
	struct iovec io = { buffer, sizeof(buffer) }, out = { &message, 0 };
	struct msghdr got = { &from, sizeof(from), &io, 1, NULL, 0, 0 };
	struct msghdr sent = { &kernel, sizeof(kernel), &out, 1, NULL, 0, 0 };
	struct ifaddrmsg address = { .ifa_family = AF_INET };
	struct ifinfomsg link = { .ifi_index = 1 }, none = { .ifi_index = 99999 };
	socklen_t size = sizeof(from);

	begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &address, sizeof(address));
	CALL(sendto, fd, &message, message.head.nlmsg_len, 0, &kernel, sizeof(kernel));
	CALL(recvfrom, fd, buffer, sizeof(buffer), 0, &from, &size);
	CALL(recvfrom, fd, buffer, sizeof(buffer), 0, NULL, NULL);
	begin(RTM_GETLINK, NLM_F_REQUEST, &link, sizeof(link));
	out.iov_len = message.head.nlmsg_len;
	CALL(sendmsg, fd, &sent, 0);
	CALL(recvmsg, fd, &got, 0);
	begin(RTM_GETLINK, NLM_F_REQUEST, &none, sizeof(none));
	CALL(sendmsg, fd, &sent, 0);
	got.msg_namelen = sizeof(from);
	CALL(recvmsg, fd, &got, MSG_PEEK);
	CALL(read, fd, buffer, 4);
}

int main(void)
{
	int fd = open_netlink(NETLINK_ROUTE);

	links(fd);
	addresses(fd);
	routes(fd);
	others(fd);
	answers(fd);
	close(fd);
	return 0;
}
