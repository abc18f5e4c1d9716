/*
 * k23/ring.h - a ring of records in the memory of k23/channel.h: the threads of a program write them, by the hook of
 * `k23 trace`, and the collector reads them.
 *
 * A record is a sequence of bytes in one or more cells, which need not be neighbours: each cell says which writer
 * (thread) it is from. A writer finishes a cell before it takes the next one, so it never holds more than one cell
 * that others would have to wait for. The reader puts the records of each writer together.
 *
 * A cell's stamp is lap | thread id | state. Position p of the endless sequence is cell p % cells in lap
 * p / cells. The writers' side, at position head:
 *
 *	FREE of this lap          CAS to CLAIMED: the cell is this writer's; then it moves head on
 *	anything of this lap      another was faster: help it move head on, look again
 *	PASSED, LATE, VOID, older no place in this lap: move head on
 *	else, older               the ring is full: wait, or drop
 *
 * A claim names its writer in the same instant, so it is always known which thread has taken a cell. A writer that is
 * killed, or stopped, between CLAIMED and READY holds up nobody: after a moment the reader goes past the cell (PASSED)
 * and keeps it in mind. A writer that goes on after all makes the cell LATE, and the reader takes the cell before any
 * later one of this writer. If the writer is dead, the reader says that a record is lost (VOID).
 *
 *	writer                          reader, at position tail < head
 *	FREE -> CLAIMED                 READY -> FREE of the next lap, after reading
 *	CLAIMED -> READY                CLAIMED -> PASSED, when nothing came of it for a while
 *	PASSED -> LATE                  LATE -> VOID, after reading;  PASSED -> VOID, its writer being dead
 *	                                VOID, LATE of an older lap -> FREE of the next lap
 *
 * Only the reader makes a cell FREE, and only at the reader's own position, so head is past the cell in this lap. Head
 * may also be about to go past the cell in the next lap, because a writer saw the cell before it was free: then the
 * reader comes to a cell that is FREE in the reader's lap. It moves that cell to the next lap, unless a late writer
 * claims the cell first. No stamp ever comes again, so a writer that looked at an old one cannot mistake the lap.
 */
#ifndef K23_RING_H
#define K23_RING_H

#include <k23/channel.h>
#include <k23/types.h>

#define K23_RING_MAGIC 0x676e69723332336bul /* "k323ring" */

enum k23_ring_state {
	K23_RING_FREE,
	K23_RING_CLAIMED,
	K23_RING_READY,
	K23_RING_PASSED,
	K23_RING_LATE,
	K23_RING_VOID,
};

#define K23_RING_STATE_BITS 3
#define K23_RING_TID_BITS 22 /* the kernel's PID_MAX_LIMIT */

static inline uint64_t k23_ring_stamp(uint64_t lap, uint32_t tid, enum k23_ring_state state)
{
	return lap << (K23_RING_STATE_BITS + K23_RING_TID_BITS) |
	       (uint64_t)(tid & ((1u << K23_RING_TID_BITS) - 1)) << K23_RING_STATE_BITS | state;
}

static inline uint64_t k23_ring_stamp_lap(uint64_t stamp)
{
	return stamp >> (K23_RING_STATE_BITS + K23_RING_TID_BITS);
}

static inline uint32_t k23_ring_stamp_tid(uint64_t stamp)
{
	return (uint32_t)(stamp >> K23_RING_STATE_BITS) & ((1u << K23_RING_TID_BITS) - 1);
}

static inline enum k23_ring_state k23_ring_stamp_state(uint64_t stamp)
{
	return (enum k23_ring_state)(stamp & ((1u << K23_RING_STATE_BITS) - 1));
}

#define K23_RING_CELL_DATA 104

struct k23_ring_cell {
	uint64_t stamp;
	uint32_t writer; /* a number that each writing thread has for its own: process and thread ids may repeat */
	uint32_t pid;    /* this id and the next as the program sees them */
	uint32_t tid;
	uint16_t size; /* of data */
	uint8_t first; /* a record begins with this cell */
	uint8_t last;  /* a record is complete with this cell */
	unsigned char data[K23_RING_CELL_DATA];
};

/* What a writer does when the ring is full. */
enum k23_ring_full { K23_RING_BLOCK, K23_RING_DROP };

/* A set of calls: a bit for each number, and whether numbers from K23_NUMBERS on are in it. */
struct k23_ring_calls {
	uint64_t bits[K23_CHANNEL_ARCHES][K23_NUMBERS / 64];
	uint32_t others[K23_CHANNEL_ARCHES];
};

static inline int k23_ring_has_call(const struct k23_ring_calls *set, uint32_t arch, int64_t nr)
{
	enum k23_channel_arch index = arch == K23_ARCH_I386 ? K23_CHANNEL_I386 : K23_CHANNEL_X86_64;

	return (uint64_t)nr < K23_NUMBERS ? set->bits[index][nr / 64] >> nr % 64 & 1 : set->others[index] != 0;
}

/* A set of descriptors; of those that have no bit, all are in it or none. */
#define K23_RING_DESCRIPTORS 65536u

struct k23_ring_descriptors {
	uint64_t bits[K23_RING_DESCRIPTORS / 64];
	uint32_t others;
};

static inline int k23_ring_has_descriptor(const struct k23_ring_descriptors *set, int fd)
{
	if (fd < 0)
		return 0;
	return (unsigned)fd < K23_RING_DESCRIPTORS ? set->bits[fd / 64] >> fd % 64 & 1 : set->others != 0;
}

/* Of arrays of descriptors, as many as of other arrays, or all. */
enum k23_ring_descriptors_of { K23_RING_NO_DESCRIPTORS, K23_RING_SHOWN_DESCRIPTORS, K23_RING_ALL_DESCRIPTORS };

/* Data of which all is recorded. */
enum k23_ring_dump { K23_RING_READ, K23_RING_WRITTEN, K23_RING_DUMPS };

/* What is recorded, and how much of it. */
struct k23_ring_request {
	uint32_t string_size; /* how much of strings and buffers is recorded; paths are recorded whole */
	uint32_t verbose; /* whether structures, arrays and environments are recorded whole, of the calls in `whole` */
	uint32_t detach_on_exec; /* programs that are executed are not recorded */
	uint32_t descriptors; /* of which it is recorded what they are open on: enum k23_ring_descriptors_of */
	uint32_t descriptor_details; /* whether of these struct k23_ring_descriptor is recorded, too */
	uint32_t stack_size; /* of the stack, at most, with each call; 0: none */
	uint32_t dumps; /* whether `dumped` has any descriptor */
	uint32_t namespaces; /* whether of writers in other PID namespaces struct k23_ring_namespace is recorded */
	struct k23_ring_calls wanted; /* which are recorded */
	struct k23_ring_calls whole;
	struct k23_ring_descriptors dumped[K23_RING_DUMPS]; /* whose data is recorded whole: enum k23_ring_dump */
};

/* What was not recorded of io_urings. */
struct k23_ring_unseen {
	uint64_t instances;  /* that were set up, whose operations cannot be seen */
	uint64_t operations; /* that were submitted by io_uring_enter */
};

struct k23_ring {
	struct k23_channel channel;
	uint32_t cells; /* a power of two */
	uint32_t full;  /* enum k23_ring_full */
	struct k23_ring_request request;

	/* head, dropped, tail and cells are each in cache lines of their own. */
	uint64_t head __attribute__((aligned(64)));    /* the next position to be written, about */
	uint64_t dropped __attribute__((aligned(64))); /* calls of which something could not be recorded */
	uint32_t writers;
	struct k23_ring_unseen unseen;
	uint64_t tail __attribute__((aligned(64))); /* the next position to be read, about */
	uint32_t space; /* a futex: the reader changes it when it has freed cells and a writer is waiting */
	uint32_t waiting;
	struct k23_ring_cell cell[] __attribute__((aligned(128)));
};

#define K23_RING_SIGINFO 128

/* The types of records. Behind the struct of an entry or an exit come items: what the call's arguments lead to. The
 * structs all begin with the type, and have the time when the record was made, of the time stamp counter, where struct
 * k23_ring_image has it. */
enum k23_ring_type {
	K23_RING_IMAGE = 1, /* a program starts: struct k23_ring_image */
	K23_RING_ENTRY,     /* a call is about to be made */
	K23_RING_EXIT,      /* the writer's last call returned */
	K23_RING_START,     /* the writer is a new thread or process: struct k23_ring_start */
	K23_RING_END,	    /* the writer, or its process, is about to end: struct k23_ring_end */
	K23_RING_SIGNAL,    /* a signal is delivered to the writer: struct k23_ring_signal */
	K23_RING_REAPED,    /* the writer's call, about to return, took a process's end: struct k23_ring_reaped */
	K23_RING_TEXTS,	    /* where the process has code now: struct k23_ring_texts */
	K23_RING_NAMESPACE, /* first of a writer: the ids may be of another namespace: struct k23_ring_namespace */
};

#define K23_RING_COMM 16

struct k23_ring_image {
	uint32_t type;
	uint32_t reserved;
	uint64_t time;
	char comm[K23_RING_COMM]; /* the thread's name, with a NUL */
};

struct k23_ring_entry {
	uint32_t type;
	uint32_t arch; /* K23_ARCH_* */
	uint64_t time;
	int64_t nr;
	uint64_t args[6]; /* of rt_sigreturn, which has none, the first is the stack pointer */
	uint64_t ip; /* behind the instruction that made the call */
};

struct k23_ring_exit {
	uint32_t type;
	uint32_t entered; /* the lower half of the time in the entry's record, by which both find one another */
	uint64_t end;	/* when the call returned, and when it was made: the time to record it is not in between */
	uint64_t start; /* 0: when the entry was recorded */
	int64_t result;
	uint32_t tampered; /* by other hooks: enum k23_tampering */
	uint32_t reserved;
};

struct k23_ring_start {
	uint32_t type;
	uint32_t process; /* a process, or a further thread of one */
	uint64_t time;
	char comm[K23_RING_COMM];
};

struct k23_ring_end {
	uint32_t type;
	uint32_t process; /* the whole process, or one thread */
	uint64_t time;
	int32_t status; /* as exit and exit_group take it */
	uint32_t reserved;
};

struct k23_ring_signal {
	uint32_t type;
	uint32_t handled; /* by the program; otherwise the kernel does what it does by default */
	uint64_t time;
	unsigned char info[K23_RING_SIGINFO]; /* a siginfo_t */
};

struct k23_ring_reaped {
	uint32_t type;
	uint32_t known; /* whether the status is known: the program may not have asked for it */
	uint64_t time;
	int32_t pid;
	int32_t status; /* as wait4 has it */
};

/* Behind it come items of no flag, whose address is that of a text's start: a struct k23_text, and the file's path. */
struct k23_ring_texts {
	uint32_t type;
	uint32_t reserved;
	uint64_t time;
};

/* The writer waits until it is read, so that the process can be found by what the kernel says of it. */
struct k23_ring_namespace {
	uint32_t type;
	uint32_t reserved;
	uint64_t time;
	uint64_t inode; /* of the PID namespace; 0: that is not known */
};

/* What an item has: a part of the program's memory, as it was when the record was made. */
enum k23_ring_item_flags {
	K23_RING_MORE = 1,   /* a string that goes on in the next item */
	K23_RING_CUT = 2,    /* a string of which there is more in the program's memory */
	K23_RING_FAULT = 4,  /* the rest of a string, or of those that are counted, could not be read */
	K23_RING_COUNT = 8,  /* not the memory itself: how many entries are there, as a uint32_t */
	K23_RING_FD = 16,    /* not memory: the address is a descriptor, the bytes are what it is open on */
	K23_RING_STACK = 32, /* the stack of the thread, whatever the arguments lead to */
	K23_RING_REGISTERS = 64, /* not memory: a struct k23_registers */
	K23_RING_FD_DETAILS = 128, /* as K23_RING_FD; the bytes are a struct k23_ring_descriptor */
	K23_RING_NETLINK = K23_RING_FD | K23_RING_COUNT, /* likewise; the protocol of a netlink socket, as a uint32_t */
};

/* What an item begins, with those behind it up to the next one of a kind. */
enum k23_ring_item_kind {
	K23_RING_MEMORY,     /* nothing */
	K23_RING_OPERATION,  /* of an entry: an operation of an io_uring, which is the memory; then what it leads to */
	K23_RING_COMPLETION, /* of an exit: what came of an operation of an io_uring */
	K23_RING_SUBMISSION, /* not memory (K23_RING_COUNT), of both: struct k23_ring_submission */
};

/* Why operations of an io_uring are not known. */
enum k23_ring_unseen_reason {
	K23_RING_SEEN,
	K23_RING_UNKNOWN,    /* nothing is known of the io_uring, or not where its memory is */
	K23_RING_POLLED,     /* a thread of the kernel takes them */
	K23_RING_UNREADABLE, /* its memory could not be read */
	K23_RING_DISTURBED,  /* something else took entries, or changed them, meanwhile */
	K23_RING_UNSEEN_REASONS,
};

/* What is known of the operations of an io_uring_enter. */
struct k23_ring_submission {
	uint32_t unseen;    /* enum k23_ring_unseen_reason */
	uint32_t submitted; /* how many were; before the call, how many it is to submit */
	uint32_t shared;    /* another thread submitted at the same time: some may be its, and the other way round */
	uint32_t reserved;
};

#define K23_RING_SOCKADDR 128

/* What a descriptor of a device, a socket or a process stands for. */
struct k23_ring_descriptor {
	uint32_t mode; /* as stat has it; 0: a pidfd */
	uint32_t protocol; /* of a socket: SO_PROTOCOL */
	uint64_t device; /* the number of a device, as stat has it; of a pidfd, the process's id */
	char name[16]; /* of a socket's protocol, with a NUL: TCP, UNIX-STREAM */
	uint32_t local_size, peer_size; /* of a socket's addresses; 0: it has none */
	unsigned char local[K23_RING_SOCKADDR], peer[K23_RING_SOCKADDR];
};

struct k23_ring_item {
	uint64_t address;
	uint16_t size; /* of the bytes that follow */
	uint8_t flags;
	uint8_t kind; /* enum k23_ring_item_kind */
} __attribute__((packed));

_Static_assert(sizeof(struct k23_ring_cell) == 128, "the ring is shared by separate builds");
_Static_assert(sizeof(struct k23_ring_entry) == 80 && sizeof(struct k23_ring_exit) == 40, "likewise");
_Static_assert(sizeof(struct k23_ring_item) == 12 && sizeof(struct k23_ring_submission) == 16, "likewise");
_Static_assert(offsetof(struct k23_ring_exit, end) == offsetof(struct k23_ring_image, time) &&
	       offsetof(struct k23_ring_reaped, time) == offsetof(struct k23_ring_image, time),
	       "one place for the time");
_Static_assert(offsetof(struct k23_ring, cell) % 128 == 0, "cells share no cache line");

#endif
