/*
 * Constants of the kernel's interface that no usable uapi header has: the headers do not have them at all, or only
 * newer headers than k23 may be built with, or only headers that cannot be included without a C library.
 */
#ifndef ABI_KERNEL_H
#define ABI_KERNEL_H

/* arch/x86: the segment selectors of 64-bit programs, and the first address that no program can map. */
#define KERNEL_USER_CS 0x33
#define KERNEL_USER_SS 0x2b
#define KERNEL_TASK_SIZE_MAX 0x7ffffffff000ul

/* AT_HWCAP2: programs may use rdgsbase and wrgsbase. */
#define KERNEL_HWCAP2_FSGSBASE 2

/* asm/unistd.h: Linux 6.10, 6.11, 6.18. */
#ifndef __NR_mseal
#define __NR_mseal 462
#endif
#ifndef __NR_uretprobe
#define __NR_uretprobe 335
#endif
#ifndef __NR_uprobe
#define __NR_uprobe 336
#endif

/* si_code of SIGSYS: a seccomp filter, or Syscall User Dispatch, caught the call. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

/* linux/prctl.h: Linux 6.3, 6.6, 6.16. */
#ifndef PR_SYS_DISPATCH_INCLUSIVE_ON
#define PR_SYS_DISPATCH_INCLUSIVE_ON 2
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_SET_SHADOW_STACK_STATUS
#define PR_SET_SHADOW_STACK_STATUS 75
#endif
#ifndef ARCH_REQ_XCOMP_PERM
#define ARCH_REQ_XCOMP_PERM 0x1023
#endif
#ifndef ARCH_SHSTK_ENABLE
#define ARCH_SHSTK_ENABLE 0x5001
#define ARCH_SHSTK_STATUS 0x5005
#endif

/* linux/ptrace.h: Linux 6.4, 6.16. */
#ifndef PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#endif
#ifndef PTRACE_SET_SYSCALL_INFO
#define PTRACE_SET_SYSCALL_INFO 0x4212
#endif

/* asm/mman.h: Linux 5.14, 5.18. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* linux/memfd.h and linux/fcntl.h: Linux 6.3, 6.14. */
#define KERNEL_MFD_EXEC 0x10u
#define KERNEL_AT_EXECVE_CHECK 0x10000u

/* linux/personality.h */
#define KERNEL_ADDR_NO_RANDOMIZE 0x0040000u

/* linux/socket.h, as a C library's <sys/socket.h> has it. */
#define KERNEL_AF_UNIX 1
#define KERNEL_SOCK_SEQPACKET 5
#define KERNEL_SOCK_CLOEXEC 02000000
#define KERNEL_SOL_SOCKET 1
#define KERNEL_SCM_RIGHTS 1
#define KERNEL_MSG_PEEK 2
#define KERNEL_MSG_DONTWAIT 0x40
#define KERNEL_MSG_CMSG_CLOEXEC 0x40000000

/* linux/shm.h and linux/ipc.h. */
#define KERNEL_SHM_RDONLY 010000
#define KERNEL_SHM_REMAP 040000
#define KERNEL_SHM_EXEC 0100000
#define KERNEL_SHM_NORESERVE 010000
#define KERNEL_SHM_OWNER 0700 /* who made the segment may use it */
#define KERNEL_IPC_PRIVATE 0
#define KERNEL_IPC_CREAT 01000
#define KERNEL_IPC_RMID 0
#define KERNEL_IPC_STAT 2

#endif
