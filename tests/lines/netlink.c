#include "messages.h"

#include <linux/dcbnl.h>
#include <linux/fib_rules.h>
#include <linux/gen_stats.h>
#include <linux/if_addrlabel.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/mroute.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
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
	add_number(IFLA_EVENT, IFLA_EVENT_REBOOT);
	nest = add(IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
	add(IFLA_ALT_IFNAME, "another name", 13);
	nested(nest);
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

	for (unsigned char family = 128; family < 131; family++) {
		begin(RTM_NEWCACHEREPORT, NLM_F_REQUEST, &family, sizeof(family));
		add(IPMRA_CREPORT_MSGTYPE, "\2", 1);
		add_number(IPMRA_CREPORT_VIF_ID, 7);
		add(IPMRA_CREPORT_SRC_ADDR, "\12\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1", family == 128 ? 4 : 16);
		add(IPMRA_CREPORT_PKT, "packet", 6);
		put(fd);
	}
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

/* What is in attributes that have others in them, or structures. */
static void nests(int fd)
{
	struct rtmsg route = { .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST };
	struct fib_rule_hdr rule = { .family = AF_INET, .action = FR_ACT_TO_TBL };
	struct ndmsg neighbour = { .ndm_family = AF_BRIDGE, .ndm_ifindex = 1 };
	struct ifinfomsg link = { .ifi_index = 1 };
	struct tcmsg queue = { .tcm_ifindex = 1 };
	struct rtnexthop hop = { .rtnh_len = sizeof(hop) + 8, .rtnh_hops = 2, .rtnh_ifindex = 1 };
	struct fib_rule_uid_range users = { 0, 1000 };
	struct fib_rule_port_range ports = { 80, 443 };
	static const int devconf[] = { 1, -1, 0, 7 };
	static const uint64_t stats[] = { 2, 1ull << 40 };
	struct ifla_cacheinfo cache = { 65535, 14, 28024, 1000 };
	unsigned char number = 17, hops[64];
	struct nlattr *nest, *inner;

	begin(RTM_NEWROUTE, NLM_F_REQUEST, &route, sizeof(route));
	nest = add(RTA_METRICS, NULL, 0);
	add_number(RTAX_MTU, 1400);
	add_number(RTAX_LOCK, 1 << RTAX_MTU);
	add(RTAX_CC_ALGO, "cubic", 6);
	nested(nest);
	memcpy(hops, &hop, sizeof(hop));
	memcpy(hops + sizeof(hop), &(struct nlattr){ 8, RTA_GATEWAY }, 4);
	memcpy(hops + sizeof(hop) + 4, "\12\0\0\1", 4);
	memcpy(hops + sizeof(hop) + 8, hops, sizeof(hop) + 8);
	add(RTA_MULTIPATH, hops, sizeof(hop) + 8);
	add(RTA_MULTIPATH, hops, 2 * sizeof(hop) + 16);
	add(RTA_ENCAP_TYPE, "\1", 2);
	add(RTA_NEWDST, "\12\0\0\1", 4);
	put(fd);
	begin(RTM_NEWRULE, NLM_F_REQUEST, &rule, sizeof(rule));
	add(FRA_UID_RANGE, &users, sizeof(users));
	add(FRA_SPORT_RANGE, &ports, sizeof(ports));
	add(FRA_IP_PROTO, &number, 1);
	put(fd);
	begin(RTM_NEWNEIGH, NLM_F_REQUEST, &neighbour, sizeof(neighbour));
	add_number(NDA_FLAGS_EXT, 1);
	put(fd);
	begin(RTM_NEWQDISC, NLM_F_REQUEST, &queue, sizeof(queue));
	add(TCA_KIND, "fq_codel", 9);
	nest = add(TCA_STATS2, NULL, 0);
	add(TCA_STATS_BASIC, stats, 12);
	add(TCA_STATS_RATE_EST, stats, 8);
	add(TCA_STATS_RATE_EST64, stats, 16);
	add(TCA_STATS_PKT64, stats, 8);
	add(TCA_STATS_QUEUE, "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0", 20);
	nested(nest);
	put(fd);
	begin(RTM_NEWLINK, NLM_F_REQUEST, &link, sizeof(link));
	nest = add(IFLA_AF_SPEC, NULL, 0);
	add(AF_BRIDGE, "123", 3);
	add(AF_MCTP, "123", 3);
	inner = add(AF_INET, NULL, 0);
	add(IFLA_INET_CONF, devconf, sizeof(devconf));
	nested(inner);
	inner = add(AF_INET6, NULL, 0);
	add_number(IFLA_INET6_FLAGS, 0x80000010);
	add(IFLA_INET6_CACHEINFO, &cache, sizeof(cache));
	add(IFLA_INET6_CONF, devconf, sizeof(devconf));
	add(IFLA_INET6_STATS, stats, sizeof(stats));
	add(IFLA_INET6_ICMP6STATS, stats, sizeof(stats));
	add(IFLA_INET6_ADDR_GEN_MODE, "\1", 1);
	nested(inner);
	nested(nest);
	put(fd);
}

static void add_ticks(unsigned type, uint64_t ticks)
{
	add(type, &ticks, sizeof(ticks));
}

/* What kinds of links have. */
static void kinds(int fd)
{
	struct ifinfomsg link = { .ifi_index = 1 };
	struct br_boolopt_multi options = { 1, 3 };
	struct ifla_bridge_id id = { { 0x80, 1 }, { 1, 2, 3, 4, 5, 6 } };
	static const char *const names[] = { "bridge", "tun", "dummy" };
	unsigned char bytes[] = { 1, 2, 3, 4, 5, 6 };
	struct nlattr *nest, *data, *inner;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		begin(RTM_NEWLINK, NLM_F_REQUEST, &link, sizeof(link));
		nest = add(IFLA_LINKINFO, NULL, 0);
		add(IFLA_INFO_KIND, names[i], strlen(names[i]) + 1);
		data = add(IFLA_INFO_DATA, NULL, 0);
		add_number(IFLA_BR_FORWARD_DELAY, 1500);
		add(IFLA_BR_HELLO_TIME, bytes, 1);
		nested(data);
		nested(nest);
		put(fd);
	}
	begin(RTM_NEWLINK, NLM_F_REQUEST, &link, sizeof(link));
	nest = add(IFLA_LINKINFO, NULL, 0);
	add(IFLA_INFO_DATA, bytes, 6);
	add(IFLA_INFO_KIND, "bridge", 6);
	data = add(IFLA_INFO_DATA, NULL, 0);
	add_ticks(IFLA_BR_FORWARD_DELAY, 1500);
	add_number(IFLA_BR_STP_STATE, 1);
	add(IFLA_BR_VLAN_PROTOCOL, "\x81", 2);
	add(IFLA_BR_BRIDGE_ID, &id, sizeof(id));
	add(IFLA_BR_GROUP_ADDR, bytes, 6);
	add(IFLA_BR_MULTI_BOOLOPT, &options, sizeof(options));
	inner = add(IFLA_BR_MCAST_QUERIER_STATE, NULL, 0);
	add(BRIDGE_QUERIER_IP_ADDRESS, "\12\0\0\1", 4);
	add_number(BRIDGE_QUERIER_IP_PORT, 1);
	add_ticks(BRIDGE_QUERIER_IP_OTHER_TIMER, 0);
	nested(inner);
	nested(data);
	add(IFLA_INFO_SLAVE_KIND, "bridge", 7);
	data = add(IFLA_INFO_SLAVE_DATA, NULL, 0);
	add(IFLA_BRPORT_STATE, bytes, 1);
	nested(data);
	nested(nest);
	put(fd);
	begin(RTM_NEWLINK, NLM_F_REQUEST, &link, sizeof(link));
	nest = add(IFLA_LINKINFO, NULL, 0);
	add(IFLA_INFO_KIND, "tun", 3);
	data = add(IFLA_INFO_DATA, NULL, 0);
	add(IFLA_TUN_TYPE, bytes, 1);
	add(IFLA_TUN_TYPE, bytes + 2, 3);
	add_number(IFLA_TUN_OWNER, 1000);
	add_number(IFLA_TUN_NUM_QUEUES, 2);
	nested(data);
	nested(nest);
	put(fd);
}

/* The virtual functions of a link, and its ports. */
static void functions(int fd)
{
	struct ifinfomsg link = { .ifi_index = 1 }, bridge = { .ifi_family = AF_BRIDGE, .ifi_index = 1 };
	struct ifla_vf_mac mac = { 1, { 1, 2, 3 } };
	struct ifla_vf_vlan_info vlan = { 1, 2, 3, 0x81 };
	struct ifla_vf_rate rate = { 1, 10, 1000 };
	struct ifla_vf_link_state state = { 1, IFLA_VF_LINK_STATE_ENABLE };
	struct ifla_vf_guid guid = { 1, 0x1234 };
	struct bridge_vlan_info vid = { BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, 7 };
	struct nlattr *list, *info, *nest;

	begin(RTM_NEWLINK, NLM_F_REQUEST, &link, sizeof(link));
	list = add(IFLA_VFINFO_LIST, NULL, 0);
	info = add(IFLA_VF_INFO, NULL, 0);
	add(IFLA_VF_MAC, &mac, sizeof(mac));
	add(IFLA_VF_BROADCAST, mac.mac, sizeof(mac.mac));
	add(IFLA_VF_RATE, &rate, sizeof(rate));
	add(IFLA_VF_LINK_STATE, &state, sizeof(state));
	add(IFLA_VF_IB_NODE_GUID, &guid, sizeof(guid));
	add(IFLA_VF_IB_NODE_GUID, &guid, 12);
	nest = add(IFLA_VF_VLAN_LIST, NULL, 0);
	add(IFLA_VF_VLAN_INFO, &vlan, sizeof(vlan));
	nested(nest);
	nest = add(IFLA_VF_STATS, NULL, 0);
	add_ticks(IFLA_VF_STATS_RX_BYTES, 1ul << 40);
	nested(nest);
	nested(info);
	nested(list);
	list = add(IFLA_VF_PORTS, NULL, 0);
	info = add(IFLA_VF_PORT, NULL, 0);
	add_number(IFLA_PORT_VF, 1);
	add(IFLA_PORT_PROFILE, "name", 5);
	nested(info);
	nested(list);
	put(fd);
	begin(RTM_SETLINK, NLM_F_REQUEST, &bridge, sizeof(bridge));
	nest = add(IFLA_AF_SPEC, NULL, 0);
	add(IFLA_BRIDGE_FLAGS, "\2", 2);
	add(IFLA_BRIDGE_MODE, "\1", 2);
	add(IFLA_BRIDGE_VLAN_INFO, &vid, sizeof(vid));
	nested(nest);
	put(fd);
}

/* Next hops, queues and actions. */
static void hops(int fd)
{
	struct nhmsg hop = { .nh_family = AF_INET, .nh_protocol = RTPROT_STATIC };
	struct { unsigned id; unsigned char weight, more; unsigned short last; } group[] = { { 1, 2, 0, 0 },
											     { 3, 4, 5, 6 } };
	struct { unsigned short family; unsigned char address[4]; } via = { AF_INET, { 10, 0, 0, 1 } };
	struct rtmsg route = { .rtm_family = AF_INET };
	struct tcmsg queue = { .tcm_ifindex = 1 };
	struct tc_sizespec sizes = { 1, 2, -3, 4, 5, 6, 7, 8 };
	struct tcamsg action = { .tca_family = AF_UNSPEC };
	struct dcbmsg dcb = { .dcb_family = AF_UNSPEC, .cmd = DCB_CMD_GDCBX };
	struct nlattr *nest;

	begin(RTM_NEWNEXTHOP, NLM_F_REQUEST | NLM_F_CREATE, &hop, sizeof(hop));
	add_number(NHA_ID, 1);
	add(NHA_GROUP, group, sizeof(group));
	add(NHA_GROUP_TYPE, "\1", 2);
	add(NHA_GROUP_TYPE, "\1", 1);
	add_number(NHA_FDB, 0);
	nest = add(NHA_RES_GROUP, NULL, 0);
	add(NHA_RES_GROUP_BUCKETS, "\10", 2);
	add_ticks(NHA_RES_GROUP_IDLE_TIMER, 12000);
	nested(nest);
	put(fd);
	begin(RTM_NEWROUTE, NLM_F_REQUEST, &route, sizeof(route));
	add(RTA_VIA, &via, sizeof(via));
	put(fd);
	begin(RTM_NEWQDISC, NLM_F_REQUEST, &queue, sizeof(queue));
	nest = add(TCA_STAB, NULL, 0);
	add(TCA_STAB_BASE, &sizes, sizeof(sizes));
	add(TCA_STAB_DATA, "\1\0\2", 4);
	nested(nest);
	put(fd);
	begin(RTM_GETACTION, NLM_F_REQUEST | NLM_F_DUMP, &action, sizeof(action));
	add(TCA_ACT_KIND, "gact", 5);
	add_number(TCA_ACT_INDEX, 3);
	add_number(TCA_ACT_FLAGS, 1);
	put(fd);
	begin(RTM_GETDCB, NLM_F_REQUEST, &dcb, sizeof(dcb));
	add(DCB_ATTR_IFNAME, "lo", 3);
	put(fd);
}

/* Types of messages of netfilter's parts, and of others. */
static void subsystems(void)
{
	static const struct {
		int protocol;
		unsigned short types[12];
	} of[] = {
		{ NETLINK_NETFILTER,
		  { 0x500, 0x501, 0x5ff, 0x600, 0x607, 0x801, 0x8ff, 0x900, 0x902, 0xb00, 0xbff, 0xc00 } },
		{ NETLINK_XFRM, { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x1e, 0x1f, 0x25, 0x28, 0x77 } },
		{ NETLINK_SELINUX, { 0x10, 0x11, 0x12 } },
	};
	unsigned data = 0x0a000000;

	for (unsigned i = 0; i < sizeof(of) / sizeof(*of); i++) {
		int fd = open_netlink(of[i].protocol);

		for (unsigned k = 0; k < 12 && of[i].types[k]; k++) {
			begin(of[i].types[k], NLM_F_REQUEST | NLM_F_DUMP, &data, sizeof(data));
			put(fd);
		}
		close(fd);
	}
}

/* Messages that end where memory does. */
static void cut_off(int fd)
{
	static const struct ifaddrmsg address = { AF_INET, 24, IFA_F_PERMANENT, RT_SCOPE_LINK, 1 };
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(pages + 4096, 4096, PROT_NONE);
	begin(RTM_NEWADDR, NLM_F_REQUEST, &address, sizeof(address));
	add(IFA_LOCAL, "\177\0\0\1", 4);
	add(IFA_LABEL, "lo", 3);
	add_number(IFA_FLAGS, IFA_F_PERMANENT);
	for (unsigned size = 16 + sizeof(address); size < message.head.nlmsg_len; size += 2) {
		memcpy(pages + 4096 - size, &message, size);
		CALL(sendto, fd, pages + 4096 - size, message.head.nlmsg_len, NOTHING, NULL, 0l);
	}
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

/* What routing knows besides: of bridges, labels, tables of neighbours, next hops, statistics. */
static void more(int fd)
{
	struct ifinfomsg port = { .ifi_family = AF_BRIDGE, .ifi_index = 1 }, six = { .ifi_family = AF_INET6 };
	struct br_port_msg groups = { AF_BRIDGE, 1 };
	struct ifaddrlblmsg label = { .ifal_family = AF_INET6, .ifal_prefixlen = 96, .ifal_index = 1 };
	struct ndtmsg table = { .ndtm_family = AF_INET };
	struct nhmsg hop = { .nh_family = AF_INET, .nh_scope = RT_SCOPE_LINK, .nh_protocol = RTPROT_STATIC };
	struct if_stats_msg statistics = { .ifindex = 1, .filter_mask = 1 << IFLA_STATS_LINK_64 };
	struct ndt_config config = { .ndtc_key_len = 4, .ndtc_hash_mask = 0xff };
	struct ifla_bridge_id bridge = { { 0x80, 0 }, { 1, 2, 3, 4, 5, 6 } };
	uint64_t ticks = 1234;
	struct nlattr *nest;

	begin(RTM_NEWLINK, NLM_F_REQUEST, &port, sizeof(port));
	nest = add(IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
	add(IFLA_BRPORT_STATE, "\3", 1);
	add(IFLA_BRPORT_PRIORITY, "\40\0", 2);
	add_number(IFLA_BRPORT_COST, 100);
	add(IFLA_BRPORT_BRIDGE_ID, &bridge, sizeof(bridge));
	add(IFLA_BRPORT_HOLD_TIMER, &ticks, 8);
	add(IFLA_BRPORT_HOLD_TIMER, &ticks, 3);
	add(IFLA_BRPORT_GROUP_FWD_MASK, "\10\0", 2);
	nested(nest);
	nest = add(IFLA_PROTO_DOWN_REASON | NLA_F_NESTED, NULL, 0);
	add_number(IFLA_PROTO_DOWN_REASON_MASK, 5);
	nested(nest);
	put(fd);
	begin(RTM_NEWLINK, NLM_F_REQUEST, &six, sizeof(six));
	nest = add(IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
	add_number(IFLA_INET6_FLAGS, 0x80000000);
	add(IFLA_INET6_FLAGS, "\20\0", 2);
	nested(nest);
	put(fd);
	begin(RTM_GETMDB, NLM_F_REQUEST | NLM_F_DUMP, &groups, sizeof(groups));
	put(fd);
	begin(RTM_NEWADDRLABEL, NLM_F_REQUEST, &label, sizeof(label));
	add(IFAL_ADDRESS, "0123456789abcdef", 16);
	add_number(IFAL_LABEL, 9);
	put(fd);
	begin(RTM_NEWNEIGHTBL, NLM_F_REQUEST, &table, sizeof(table));
	add(NDTA_NAME, "arp_cache", 10);
	add_number(NDTA_THRESH1, 128);
	add(NDTA_GC_INTERVAL, &ticks, 8);
	add(NDTA_CONFIG, &config, sizeof(config));
	nest = add(NDTA_PARMS | NLA_F_NESTED, NULL, 0);
	add_number(NDTPA_IFINDEX, 1);
	add(NDTPA_LOCKTIME, &ticks, 8);
	nested(nest);
	put(fd);
	begin(RTM_NEWNEXTHOP, NLM_F_REQUEST | NLM_F_CREATE, &hop, sizeof(hop));
	add_number(NHA_ID, 5);
	add_number(NHA_OIF, 1);
	add_number(NHA_GATEWAY, 0x0100007f);
	put(fd);
	begin(RTM_GETSTATS, NLM_F_REQUEST, &statistics, sizeof(statistics));
	put(fd);
}

int main(void)
{
	int fd = open_netlink(NETLINK_ROUTE);

	links(fd);
	addresses(fd);
	routes(fd);
	nests(fd);
	kinds(fd);
	functions(fd);
	hops(fd);
	subsystems();
	cut_off(fd);
	others(fd);
	answers(fd);
	more(fd);
	close(fd);
	return 0;
}
