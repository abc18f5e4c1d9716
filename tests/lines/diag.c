/*
 * Messages of netlink about sockets and of netfilter, and why a message was refused.
 */
#include "messages.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#define REQUEST (NLM_F_REQUEST | NLM_F_DUMP)

static const struct inet_diag_sockid id = {
	.idiag_sport = 0x5000, .idiag_dport = 0x3930, .idiag_src = { 0x0100007f }, .idiag_dst = { 0x0200007f },
	.idiag_if = 1, .idiag_cookie = { 3, 0xffffffff },
};
static const unsigned meminfo[] = { 0, 212992, 1, 212993, 2, 3, 4, 5, 6, 7 };

static void inet_requests(int fd)
{
	struct inet_diag_req_v2 request = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_ext = 0xff,
					    .idiag_states = 0xffffffff, .id = id };
	struct inet_diag_req old = { .idiag_family = AF_INET, .idiag_src_len = 4, .idiag_ext = 2, .id = id,
				     .idiag_states = 1 << 10, .idiag_dbs = 1 };
	struct { struct inet_diag_bc_op op; unsigned char family, length; int port; unsigned addr[4]; } host = {
		{ INET_DIAG_BC_S_COND, 24, 28 }, AF_INET, 32, 80, { 0x0100007f } };
	struct inet_diag_bc_op ports[] = { { INET_DIAG_BC_D_GE, 8, 12 }, { INET_DIAG_BC_NOP, 0, 80 } };
	struct { struct inet_diag_bc_op op; struct inet_diag_markcond mark; } mark = {
		{ INET_DIAG_BC_MARK_COND, 12, 16 }, { 1, 2 } };
	unsigned char family = AF_INET;

	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &request, sizeof(request));
	put(fd);
	add(INET_DIAG_REQ_BYTECODE, &host, sizeof(host));
	add(INET_DIAG_REQ_PROTOCOL, &family, 1);
	put(fd);
	request.sdiag_family = AF_INET6;
	request.idiag_ext = 0;
	request.idiag_states = 0;
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &request, sizeof(request));
	host.family = AF_INET6;
	add(INET_DIAG_REQ_BYTECODE, &host, sizeof(host));
	add(INET_DIAG_REQ_BYTECODE, ports, sizeof(ports));
	add(INET_DIAG_REQ_BYTECODE, &mark, sizeof(mark));
	add(INET_DIAG_REQ_BYTECODE, &mark, 4);
	add(INET_DIAG_REQ_BYTECODE, &mark, 8);
	add(INET_DIAG_REQ_BYTECODE, &mark, 2);
	put(fd);
	begin(TCPDIAG_GETSOCK, REQUEST, &old, sizeof(old));
	put(fd);
	begin(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, &request, sizeof(request));
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &request, 8);
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &family, 1);
	put(fd);
	family = AF_VSOCK;
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &family, 1);
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, "\50\1\2", 3);
	put(fd);
}

static void inet_answers(int fd)
{
	struct inet_diag_msg answer = { .idiag_family = AF_INET, .idiag_state = 10, .id = id, .idiag_rqueue = 1,
					.idiag_uid = 1000, .idiag_inode = 123 };
	struct inet_diag_meminfo memory = { 1, 2, 3, 4 };
	struct tcp_bbr_info bbr = { 1, 0, 3, 4, 5 };
	struct tcp_dctcp_info dctcp = { 1, 2, 3, 4, 5 };
	struct tcpvegas_info vegas = { 1, 2, 3, 4 };
	unsigned long cgroup = 77;

	begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &answer, sizeof(answer));
	add(INET_DIAG_MEMINFO, &memory, sizeof(memory));
	add(INET_DIAG_SKMEMINFO, meminfo, 36);
	add(INET_DIAG_CONG, "cubic", 6);
	add(INET_DIAG_SHUTDOWN, "\3", 1);
	add(INET_DIAG_SHUTDOWN, "\0", 1);
	add(INET_DIAG_TOS, "\20", 1);
	add(INET_DIAG_SOCKOPT, "\x52\x05", 2);
	add(INET_DIAG_SOCKOPT, "\0\0", 2);
	add(INET_DIAG_PROTOCOL, "\6", 1);
	add_number(INET_DIAG_MARK, 5);
	add(INET_DIAG_CGROUP_ID, &cgroup, sizeof(cgroup));
	put(fd);
	answer.idiag_family = AF_INET6;
	begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &answer, sizeof(answer));
	add(INET_DIAG_BBRINFO, &bbr, sizeof(bbr));
	add(INET_DIAG_DCTCPINFO, &dctcp, sizeof(dctcp));
	add(INET_DIAG_VEGASINFO, &vegas, sizeof(vegas));
	add(INET_DIAG_INFO, &vegas, sizeof(vegas));
	add(99, &vegas, 4);
	put(fd);
}

static void other_families(int fd)
{
	struct unix_diag_req local = { .sdiag_family = AF_UNIX, .udiag_states = 1 << 1 | 1 << 10, .udiag_ino = 7,
				       .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | 0x1000,
				       .udiag_cookie = { ~0u, ~0u } };
	struct unix_diag_msg local_answer = { .udiag_family = AF_UNIX, .udiag_type = SOCK_STREAM, .udiag_state = 1,
					      .udiag_ino = 8, .udiag_cookie = { 1, 0 } };
	struct netlink_diag_req link = { .sdiag_family = AF_NETLINK, .sdiag_protocol = NDIAG_PROTO_ALL,
					 .ndiag_show = NDIAG_SHOW_GROUPS };
	struct netlink_diag_msg link_answer = { .ndiag_family = AF_NETLINK, .ndiag_type = SOCK_RAW,
						.ndiag_protocol = NETLINK_AUDIT, .ndiag_state = 1, .ndiag_portid = 2 };
	struct packet_diag_req packet = { .sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO };
	struct packet_diag_msg packet_answer = { .pdiag_family = AF_PACKET, .pdiag_type = SOCK_RAW,
						 .pdiag_num = ETH_P_IP };
	struct packet_diag_info info = { 1, 2, 3, 4, 5, PDI_AUXDATA | PDI_LOSS };
	struct unix_diag_vfs vfs = { .udiag_vfs_ino = 5, .udiag_vfs_dev = 0x10 };
	struct unix_diag_rqlen lengths = { 1, 2 };
	struct netlink_diag_ring ring = { 1, 2, 3, 4 };
	unsigned long groups[] = { 1, 0x8000000000000000ul };

	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &local, sizeof(local));
	put(fd);
	add_number(1, 2);
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &local_answer, sizeof(local_answer));
	add(UNIX_DIAG_NAME, "\0path", 5);
	add(UNIX_DIAG_NAME, "/run/path", 10);
	add(UNIX_DIAG_VFS, &vfs, sizeof(vfs));
	add_number(UNIX_DIAG_PEER, 9);
	add(UNIX_DIAG_ICONS, meminfo, 12);
	add(UNIX_DIAG_RQLEN, &lengths, sizeof(lengths));
	add(UNIX_DIAG_MEMINFO, meminfo, sizeof(meminfo));
	add(UNIX_DIAG_SHUTDOWN, "\2", 1);
	add_number(UNIX_DIAG_UID, 1000);
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &local_answer, 5);
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &link, sizeof(link));
	put(fd);
	link.sdiag_protocol = NETLINK_GENERIC;
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &link, sizeof(link));
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, 0, &link_answer, sizeof(link_answer));
	add(NETLINK_DIAG_GROUPS, groups, sizeof(groups));
	add(NETLINK_DIAG_RX_RING, &ring, sizeof(ring));
	add_number(NETLINK_DIAG_FLAGS, NDIAG_FLAG_PKTINFO | NDIAG_FLAG_CAP_ACK);
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, REQUEST, &packet, sizeof(packet));
	put(fd);
	begin(SOCK_DIAG_BY_FAMILY, 0, &packet_answer, sizeof(packet_answer));
	add(PACKET_DIAG_INFO, &info, sizeof(info));
	add_number(PACKET_DIAG_FANOUT, 3);
	add_number(PACKET_DIAG_UID, 0);
	put(fd);
}

/* Why the kernel has refused a message, with and without what there was behind its header. */
static void refused(int fd)
{
	struct { struct nlmsgerr error; struct ifinfomsg link; } whole = {
		{ -ENODEV, { 32, RTM_GETLINK, NLM_F_REQUEST, 3, 0 } }, { .ifi_index = 5 } };

	begin(NLMSG_ERROR, NLM_F_ACK_TLVS, &whole, sizeof(whole));
	put(fd);
	add(NLMSGERR_ATTR_MSG, "no such device", 15);
	add_number(NLMSGERR_ATTR_OFFS, 20);
	put(fd);
	begin(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, &whole, sizeof(whole.error));
	put(fd);
	add(NLMSGERR_ATTR_MSG, "capped", 7);
	add(NLMSGERR_ATTR_COOKIE, "\1\2\3", 3);
	add_number(NLMSGERR_ATTR_MISS_TYPE, 3);
	add(77, "\1\2", 2);
	put(fd);
	whole.error.error = 0;
	whole.error.msg.nlmsg_len = 3;
	begin(NLMSG_ERROR, 0, &whole, sizeof(whole.error));
	put(fd);
	begin(NLMSG_ERROR, 0, &whole, 12);
	put(fd);
}

static void netfilter(int fd)
{
	struct nfgenmsg head = { AF_INET, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES) };
	struct nlattr *nest;

	begin(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, &head, sizeof(head));
	put(fd);
	add_number(1, 2);
	put(fd);
	begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_REQUEST | NLM_F_CREATE, &head, sizeof(head));
	add(1, "filter", 7);
	nest = add(2 | NLA_F_NESTED, NULL, 0);
	add_number(1, 5);
	nested(nest);
	put(fd);
	head.res_id = NFNL_SUBSYS_NFTABLES;
	begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, REQUEST, &head, sizeof(head));
	put(fd);
	head.res_id = htons(3);
	begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELCHAIN, NLM_F_REQUEST | NLM_F_NONREC, &head, sizeof(head));
	put(fd);
	begin(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, REQUEST, &head, sizeof(head));
	put(fd);
	begin(NFNL_SUBSYS_QUEUE << 8 | 2, NLM_F_REQUEST, &head, 3);
	put(fd);
	begin(NFNL_SUBSYS_CTNETLINK_EXP << 8 | 1, REQUEST, &head, sizeof(head));
	put(fd);
}

int main(void)
{
	int fd = open_netlink(NETLINK_SOCK_DIAG);

	inet_requests(fd);
	inet_answers(fd);
	other_families(fd);
	close(fd);
	fd = open_netlink(NETLINK_ROUTE);
	refused(fd);
	close(fd);
	fd = open_netlink(NETLINK_NETFILTER);
	if (fd >= 0)
		netfilter(fd);
	close(fd);
	return 0;
}
