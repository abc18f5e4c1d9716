/*
 * Numbers that have names, and are made of several: for -X, too.
 */
#include "calls.h"

#include <asm/prctl.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void memory(void)
{
	static const unsigned long policies[] = {
		MPOL_DEFAULT, MPOL_BIND, MPOL_BIND | MPOL_F_STATIC_NODES, 6, 0xff | MPOL_F_RELATIVE_NODES, 0xffff1fff,
	};
	const void *pages[] = { policies, NULL, BAD };
	static const unsigned long limits[] = { 0, 1, 2, 64, 65, 66, 200 };
	static const unsigned long bits[4] = { 1, 2, 0, 4 };
	int nodes[] = { 0, 1, -1 }, status[3], mode;
	unsigned long room[40];

	for (size_t i = 0; i < COUNT(policies); i++) {
		CALL(mbind, NULL, 0, policies[i], NULL, 0, 1l << i);
		CALL(set_mempolicy, policies[i], NULL, 0);
	}
	for (size_t i = 0; i < COUNT(limits); i++) {
		CALL(set_mempolicy, MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, bits, limits[i]);
		CALL(mbind, NULL, 0, MPOL_BIND, bits, limits[i], 0);
		CALL(migrate_pages, -1, limits[i], bits, bits);
	}
	CALL(set_mempolicy, MPOL_DEFAULT, NULL, 0);
	CALL(get_mempolicy, &mode, room, 2000, NULL, 0);
	CALL(get_mempolicy, &mode, NULL, 0, NULL, 0);
	CALL(get_mempolicy, &mode, NULL, 0, pages, MPOL_F_NODE | MPOL_F_ADDR | 1ul << 40);
	CALL(move_pages, 0, 3, pages, NULL, status, 0);
	CALL(move_pages, 0, 3, pages, nodes, status, MPOL_MF_MOVE | 0x100);
	CALL(move_pages, 0, 0, NULL, NULL, NULL, 0);
	CALL(mprotect, NULL, 0, 0x100000000 | PROT_READ);
	CALL(pkey_alloc, 0, 0x100000003);
	CALL(memfd_create, "name", MFD_CLOEXEC | 4 | 21u << 26);
	CALL(process_madvise, -1, NULL, 0, MADV_COLD, POISON << 32);
	CALL(process_mrelease, -1, POISON << 32 | 1);
}

static void queues(void)
{
	static const int flags[] = { 0, 0600, IPC_CREAT | 0640, IPC_EXCL | IPC_NOWAIT, IPC_EXCL | 0x100000 | 0777 };

	for (size_t i = 0; i < COUNT(flags); i++) {
		CALL(msgget, 0x12345, flags[i] & ~IPC_CREAT);
		CALL(semget, 0x12345, -1, flags[i]);
		CALL(shmget, 0x12345, -1l, flags[i]);
	}
	CALL(shmget, 0x12345, -1l, IPC_CREAT | SHM_HUGETLB | 21 << 26 | 0600);
}

static void process(void)
{
	static const unsigned kinds[] = {
		0xffffffff, ADDR_NO_RANDOMIZE, PER_BSD | SHORT_INODE, 0x1f, 0x1000000, PER_LINUX,
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		CALL(personality, kinds[i]);
	for (int class = 0; class < 4; class++)
		CALL(ioprio_set, 1, -1, class << 13 | 5);
	CALL(arch_prctl, 0x1021 /* ARCH_GET_XCOMP_SUPP */, BAD);
	CALL(arch_prctl, 0x1022 /* ARCH_GET_XCOMP_PERM */, NULL);
	CALL(arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18);
	CALL(arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 11);
	CALL(prctl, PR_SET_PDEATHSIG, SIGTERM | 1ul << 40);
	CALL(prctl, PR_SET_DUMPABLE, 1ul << 40 | 1);
	CALL(prctl, PR_SET_SECUREBITS, 1ul << 40 | 3);
	CALL(prctl, PR_GET_SECUREBITS);
	CALL(prctl, PR_CAP_AMBIENT, 9, 1, 2, 3);
	CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0);
	CALL(prctl, PR_SET_SECCOMP, 9, 1, 2, 3);
	CALL(prctl, PR_SET_VMA, 9, 1, 2, 3);
	CALL(prctl, PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 3, BAD);
	CALL(prctl, PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 9, BAD);
	CALL(prctl, PR_SET_UNALIGN, 3);
	CALL(prctl, PR_SET_FP_MODE, 2);
	CALL(prctl, PR_PAC_RESET_KEYS, 0x3f, 0, 0, 0);
	CALL(prctl, PR_SET_SPECULATION_CTRL, 9, 2, 0, 0);
}

/* Numbers of which some bits are flags. */
static void parts(void)
{
	static const unsigned long lengths[] = { 0, 0xff, 0x10000, 0x200ff, 0x40000, 0xfacefeed, 0xbadc0ded0000face };
	static const unsigned long tags[] = { 0, 1, 2, 5, 6, 8, 0xd, 0x57ae57f4, -1ul };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		CALL(prctl, PR_SVE_SET_VL, lengths[i]);
		CALL(prctl, PR_SME_SET_VL, lengths[i]);
		CALL(swapon, "swap", lengths[i]);
	}
	for (size_t i = 0; i < COUNT(tags); i++)
		CALL(prctl, PR_SET_TAGGED_ADDR_CTRL, tags[i], 1, 2, 3);
	CALL(prctl, PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0);
	CALL(statx, AT_FDCWD, "file", 0x6000, 1, BAD);
	CALL(userfaultfd, 0x801);
	CALL(unshare, 0xbadc0ded0000000f);
	CALL(unshare, 0x80000000 | 0x100);
	CALL(openat, -1, "file", O_RDONLY | 0x100000);
	CALL(openat, -1, "file", O_RDWR | 0x400000, 0);
	CALL(unlinkat, -1, "file", -1);
}

/* More than the kernel takes. */
static void sizes(void)
{
	static const unsigned groups[4] = { 1, 2, 3, 4 };
	static const char text[70000] = "text";
	struct clone_args args = { .exit_signal = 0xdeadbeef, .set_tid = (uintptr_t)groups, .set_tid_size = 4 };

	CALL(setgroups, 65537, groups);
	CALL(sethostname, text, 65);
	CALL(setdomainname, text, 65);
	CALL(fsetxattr, -1, "name", text, 65537l, 0);
	CALL(epoll_pwait, -1, BAD, 1, 0, groups, 16l);
	CALL(clone3, &args, sizeof(args));
	args.set_tid_size = 0;
	args.flags = 0x400000;
	CALL(clone3, &args, sizeof(args));
	args.set_tid_size = 33;
	CALL(clone3, &args, sizeof(args));
	CALL(clone3, BAD, sizeof(args));
}

/* Names that numbers in decimals have. */
static void decimals(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), value = 2;

	CALL(setsockopt, fd, SOL_SOCKET, 74 /* SO_TXREHASH */, &value, sizeof(value));
	close(fd);
	CALL(keyctl, 14 /* KEYCTL_SET_REQKEY_KEYRING */, 77);
	CALL(keyctl, 14 /* KEYCTL_SET_REQKEY_KEYRING */, 1000);
}

static void options(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), value[2] = { 1, 2 }, size;

	for (int given = 0; given < 7; given++) {
		size = given;
		CALL(setsockopt, fd, SOL_SOCKET, SO_PASSCRED, value, size);
		CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, value, &size);
	}
	for (size = 1; size < 5; size++)
		CALL(getsockopt, fd, SOL_SOCKET, SO_ERROR, value, &size);
	close(fd);
}

int main(void)
{
	memory();
	queues();
	process();
	options();
	parts();
	sizes();
	decimals();
	return 0;
}
