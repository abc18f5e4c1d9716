/*
 * k23/types.h - what a hook and the k23 runtime hand to each other.
 *
 * Freestanding: needs no libc. A hook normally includes <k23/hook.h>, which adds the functions to this.
 */
#ifndef K23_TYPES_H
#define K23_TYPES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Changes when a hook built before the change can no longer be loaded. */
#define K23_HOOK_VERSION 4u
#define K23_HOOK_MAGIC 0x6b6f6f683332336bul /* "k323hook" in memory order */

/* The numbers of all system calls are below this one; tables by number have this number of rows. */
#define K23_NUMBERS 512u

/* The most calls that a descriptor's table can name; wanting more is what .all is for. */
#define K23_MAX_CALLS 128

/* Room for a path with its terminating NUL, as the kernel limits it (PATH_MAX). */
#define K23_PATH_MAX 4096

/* The program's ways into the kernel, with the values that seccomp and audit use (AUDIT_ARCH_*). */
#define K23_ARCH_X86_64 0xc000003eu
#define K23_ARCH_I386 0x40000003u /* int $0x80 or sysenter: nr and args are the i386 ones */

/*
 * What k23_forward returns for a call that a signal interrupted before it had any effect. A hook returns it
 * unchanged, as it does any error; the call is then made again, from its first hook on, when the signal's
 * handler is done. (The value is the kernel's own ERESTARTNOINTR, which a tracer sees in the same place.)
 */
#define K23_ERESTART 513

/* One system call of the program. A hook may read and change nr and args; the rest is for reading. */
struct k23_call {
	long nr;               /* SYS_*; for K23_ARCH_I386 the i386 number */
	unsigned long args[6]; /* by value; pointers are the program's: use k23_copy_from() */
	unsigned long ip;      /* the address after the system call instruction */
	unsigned long sp;      /* the program's stack pointer */
	uint32_t arch;         /* K23_ARCH_* */
	uint32_t next;         /* the runtime's: the hook of the chain that k23_forward() goes on with */
	uint32_t way;          /* enum k23_way */
	uint32_t tampered;     /* enum k23_tampering: what hooks have done to the call, for those that show it */
};

/* A hook that makes of a call what the program did not ask for adds bits of these to `tampered`. `k23 trace` shows them
 * behind the result: (INJECTED), (DELAYED). */
enum k23_tampering {
	K23_TAMPERED_RESULT = 1, /* it is not the kernel's, or that of another call */
	K23_TAMPERED_ARGS = 2,   /* memory that arguments lead to was changed */
	K23_TAMPERED_TIME = 4,   /* the call was delayed */
};

/* The program's registers at a call: rip is the address after the system call instruction. */
struct k23_registers {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
};

/* Where code of a file is mapped, and what its offset is there in the file. */
struct k23_text {
	unsigned long start, end, offset;
};

/* How a call came to the hooks. */
enum k23_way {
	K23_BY_GUARD, /* its site was not patched: by a signal */
	K23_BY_SITE,  /* its site was patched: by a jump */
};

/* A hook's function for one system call: its return value is what the program gets, -errno for an error. */
typedef long k23_call_fn(struct k23_call *call);

struct k23_entry {
	long nr;
	k23_call_fn *fn;
};

/* The text after the colon of --hook FILE:KEY=VALUE,... ; read it with k23_option(). */
struct k23_options {
	const char *text;
};

/* A signal that is delivered to a thread. */
struct k23_signal {
	int number;
	int handled;	  /* the program has a handler; otherwise the kernel does what it does by default */
	const void *info; /* the siginfo_t */
};

/* An execve of the program. */
struct k23_exec {
	const char *path; /* of the program, as it was named */
	uint64_t value;   /* .exec_begin may set it: what k23_exec_value() returns in the new image; before that 0 */
	long error;       /* for .exec_failed: -errno */
	/* .exec_begin may set it: the path of the file that is to be the program's ELF interpreter, in place of the one
	 * that the program names (PT_INTERP). It has to stay until .exec_failed. */
	const char *interpreter;
};

/*
 * Describes a hook. Every member may be left out. Written with K23_HOOK(); the members that the runtime uses
 * come first and are filled in by it or by the macro.
 */
struct k23_descriptor {
	uint64_t magic;
	uint32_t version;
	uint32_t size;
	const char *name;
	uint32_t index;         /* the runtime's: place in the chain */
	uint32_t thread_offset; /* the runtime's: where this hook's thread state lies */

	/* Before .init: what takes long and is the same in every image. Of a hosted hook it may be done once in a run,
	 * in a process that is no program's, with /dev/null as standard input, output and error, and then each image
	 * gets the memory as it was, as if by fork. Descriptors do not stay open. It may not use the functions of this
	 * header. A negative errno ends the process as one of .init does. */
	int (*prepare)(void);
	/* In every new image (at the start, and after every execve), before the program's first instruction.
	 * A negative errno ends the process with exit status 125 and a message that says so. It may change `calls`,
	 * `all` and `i386` (k23_want()): which calls the hook wants can depend on its options. */
	int (*init)(const struct k23_options *options);
	/* After init, in an image that an execve of the program made (not in the first). */
	void (*exec)(void);
	/* In a thread that calls execve, when all hooks have forwarded the call: right before the kernel is asked. It
	 * may set the value, and change memory of the hook, as its run state; of the call nothing is changed any more.
	 * In a vfork child the hook's variables are the parent's, too. If the execve fails, the second one is called,
	 * and the program goes on. For calls of which it is known beforehand that they fail, neither is. */
	void (*exec_begin)(struct k23_exec *exec);
	void (*exec_failed)(const struct k23_exec *exec);
	/* In the child of fork, vfork or a clone that makes a process, before it returns to the program. The
	 * child of vfork shares its parent's memory, and so the hook's variables. */
	void (*fork_child)(void);
	/* In a new thread, before it returns to the program; and in a thread that ends itself. */
	void (*thread_start)(void);
	void (*thread_exit)(void);
	/* When the program calls exit_group, or its last thread exit; not when a signal kills it. */
	void (*process_exit)(int status);
	/* When a signal is delivered to a thread, before the program's handler runs, or before the kernel does what it
	 * does by default. Not while another function of the hook runs in that thread. See struct k23_signal. */
	void (*signal)(const struct k23_signal *signal);
	/* Bytes of zeroed state that each thread gets; k23_thread_state() finds them. At most 4096 over all
	 * hooks of a chain. */
	size_t thread_size;
	/* Bytes of zeroed memory that all processes of the run share; k23_run_state() finds them. */
	size_t run_size;
	/* Whether it wants a file system in memory that all processes of the run share; k23_run_directory() says where.
	 * The run does not start where it cannot be had. */
	int run_directory;
	/* Whether it is not hosted and calls k23_hide(). Some calls of the program are slower then. */
	int hides;

	/* Calls of either kind that `calls` and `i386` do not name. */
	k23_call_fn *all;
	/* i386 calls. If it is left out they go to `all`. */
	k23_call_fn *i386;
	/* The calls that the hook wants, ended by an entry without a function. */
	struct k23_entry calls[K23_MAX_CALLS + 1];
};

/* How one argument of a system call is to be shown; from k23_describe(). */
enum k23_kind {
	K23_NONE,   /* there is no such argument */
	K23_INT,    /* decimal, signed 32 bits */
	K23_LONG,   /* decimal, signed */
	K23_UINT,   /* decimal, unsigned 32 bits */
	K23_ULONG,  /* decimal, unsigned: sizes, counts, offsets */
	K23_HEX,    /* hexadecimal: flags, masks, requests */
	K23_MODE,   /* octal */
	K23_PTR,    /* an address */
	K23_FD,     /* a file descriptor */
	K23_DIRFD,  /* the same, or AT_FDCWD */
	K23_STR,    /* a string in the program's memory */
	K23_PATH,   /* the same, naming a file */
	K23_BUF,    /* bytes given to the kernel; the next argument is their number */
	K23_OUTBUF, /* bytes filled by the kernel; the result is their number, the next argument the room for them */
	K23_SIGNAL, /* a signal number */
	K23_ARGV,   /* an array of strings in the program's memory, ended by NULL */
	K23_ENVP,   /* the same: an environment */
	K23_FDPAIR, /* two descriptors, as int[2], filled by the kernel */
};

/* What is known of a system call number. */
struct k23_syscall_info {
	const char *name; /* without prefix: "openat" */
	uint8_t args;     /* how many it takes: 0 to 6 */
	uint8_t kind[6];  /* enum k23_kind */
	uint8_t result;   /* the same, of the result: mostly K23_LONG, K23_PTR for mmap and the like */
};

/* A lock in run state, for threads of all processes of the run. Zero: nobody holds it. */
struct k23_lock {
	uint32_t word;
};

/* The runtime's functions, as the SDK's inline functions call them. Members are only ever added at the end. */
struct k23_api {
	uint32_t version;
	uint32_t size;
	long (*forward)(struct k23_call *call);
	long (*syscall)(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			unsigned long a5, unsigned long a6);
	long (*copy_from)(void *to, unsigned long from, size_t size);
	long (*copy_to)(unsigned long to, const void *from, size_t size);
	long (*copy_string)(char *to, size_t size, unsigned long from);
	const char *(*option)(const struct k23_options *options, const char *key);
	long (*format)(char *to, size_t size, const char *format, va_list args);
	long (*print)(const char *text, size_t size);
	long (*path_absolute)(char *to, size_t size, int dirfd, const char *path);
	int (*path_under)(const char *path, const char *root);
	void *(*thread_state)(uint32_t offset);
	int (*pid)(void);
	int (*tid)(void);
	const struct k23_syscall_info *(*describe)(uint32_t arch, long nr);
	const char *(*error_name)(long error);
	long (*site)(const struct k23_call *call, char *path, size_t size, unsigned long *offset);
	const uint32_t *unmapped;
	long (*run_memory)(uint64_t cookie, void **address, size_t *size);
	const uint32_t *texts_added;
	long (*text)(unsigned long address, struct k23_text *found, char *path, size_t size);
	void (*registers)(struct k23_registers *registers);
	void (*refuse)(const char *why);
	void *(*run_state)(uint32_t index);
	long (*lock)(struct k23_lock *lock);
	void (*unlock)(struct k23_lock *lock);
	uint64_t (*exec_value)(uint32_t index);
	long (*wait)(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5,
		     unsigned long a6);
	int (*run_directory)(uint32_t index);
	long (*hide)(int fd);
	long (*show)(int fd);
};

#endif
