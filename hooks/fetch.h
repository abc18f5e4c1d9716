/*
 * Fetching what the arguments of a call lead to in the program's memory, into a record. fetch.inc, which is made of
 * tables/types.def, says what that is: for each call the arguments that matter, and for each a node.
 *
 * Nothing here trusts the program: each read may fail, and each number is bounded.
 */
#ifndef HOOKS_FETCH_H
#define HOOKS_FETCH_H

#include <fcntl.h>
#include <linux/ioctl.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <k23/hook.h>
#include <k23/ring.h>

#include "ring_write.h"

#define FETCH_CHUNK 512u
#define FETCH_SHORT 64u
#define FETCH_PAGE 4096u
#define FETCH_STRINGS_MAX 100000u /* of an environment: beyond this they are not counted */
#define FETCH_WHOLE 4096u	  /* bytes, or elements, of what has no other limit */
#define FETCH_RECORDS_MAX 65536u  /* bytes of directory entries, and of messages */
#define FETCH_TOTAL (8u << 20)	  /* bytes of a record, whatever structures lead to */
#define FETCH_STEP 64u		  /* what a step counts that finds nothing */
#define FETCH_NETLINK_DESCRIPTORS 1024u
#define FETCH_DIRENT_LENGTH 16u	  /* where a directory entry, of either kind, has its length */

/* When a node is fetched. */
enum fetch_phase {
	FETCH_ENTRY = 1,
	FETCH_EXIT = 2,	       /* when the call has succeeded */
	FETCH_INTERRUPTED = 4, /* when a signal has interrupted it */
	FETCH_ALWAYS = 7,
};

enum fetch_op {
	FETCH_NOTHING,
	FETCH_STRING,
	FETCH_PATH,	    /* a string that is fetched whole */
	FETCH_BYTES,	    /* as many as are shown of a string */
	FETCH_MEMORY,	    /* elements, and what is behind the pointers in them */
	FETCH_STRINGS,	    /* an array of pointers to strings, ended by NULL */
	FETCH_STRING_COUNT, /* how many there are in one */
	FETCH_EXTENDED,	    /* one element, of which the program says how many bytes there are */
	FETCH_MESSAGES,	    /* those of netlink */
	FETCH_RECORDS,	    /* directory entries, or how many there are */
	FETCH_DESCRIPTOR,   /* what the pointer, which is a descriptor, is open on */
	FETCH_DIRECTORY,    /* the same, or the working directory */
	FETCH_DESCRIPTORS,  /* the same of the descriptors in elements */
	FETCH_RIGHTS,	    /* the same of those that control messages of a socket pass on */
	FETCH_DESCRIPTOR_SET, /* the same of a bit for each descriptor, below the number in the first argument */
	FETCH_SELECT,	    /* another node, as a number has it */
	FETCH_FIELDS,	    /* what is behind pointers in the structure that has chosen this node */
};

/* Where a number is. */
enum fetch_source {
	FETCH_NUMBER,
	FETCH_ARGUMENT,	   /* in an argument of the call */
	FETCH_AT_ARGUMENT, /* where an argument points to */
	FETCH_BEFORE,	   /* the same, before the call: no limit to what is fetched */
	FETCH_RESULT,
	FETCH_FIELD, /* in the structure that is being fetched */
	FETCH_LEFT,  /* the result, less what has been fetched by it */
	FETCH_FAILED, /* 1 if the call has failed, and when it is not made yet */
	FETCH_VERBOSE, /* 1 if structures and arrays are fetched whole */
	FETCH_NETLINK, /* the protocol of the netlink socket that the first argument is; -1: it is none */
};

struct fetch_term {
	uint8_t source, size;
	int16_t before, add; /* to what is divided, and then */
	uint16_t value;
	int32_t divide; /* negative: what is multiplied by */
};

struct fetch_node {
	uint8_t op;
	uint8_t phases;
	uint16_t size;		    /* of an element */
	uint16_t otherwise;	    /* of a select: the node if there is no case */
	struct fetch_term terms[2]; /* how many elements: the least of the terms; of a select, what chooses */
	uint8_t term_count;
	uint16_t first, count; /* children, or cases */
	uint32_t mask;
};

/* A pointer in an element, and the node for what it points to. base: of the structure in the element that has it.
 * left: where the number of bytes is that this child is about; 0: it is about those of the result. size: bytes of the
 * pointer; FETCH_HERE: it is no pointer, but the memory itself. */
#define FETCH_HERE 255

struct fetch_child {
	uint16_t offset, base, node, left, size;
};

struct fetch_case {
	uint32_t value;
	uint16_t node;
};

struct fetch_argument {
	uint8_t arg;	/* 6: the result */
	uint8_t phases; /* in which the node may have something to be fetched */
	uint16_t node;
	uint8_t size; /* 1 + the argument that says how many bytes there are, if that is all; otherwise 0 */
};

#include "fetch.inc"

struct fetch {
	struct record *record;
	const struct k23_call *call;
	const struct k23_ring_request *request;
	enum fetch_phase phase;
	uint64_t result, left;
	unsigned long base; /* of the structure that FETCH_FIELD is about */
	int whole; /* the data that the call is about is fetched whole */
	int verbose; /* structures, arrays and environments are */
};

static void fetch_put_kind(const struct fetch *fetch, enum k23_ring_item_kind kind, unsigned flags,
			   unsigned long address, const void *data, size_t size)
{
	struct k23_ring_item item = { address, (uint16_t)size, (uint8_t)flags, (uint8_t)kind };

	record_put(fetch->record, &item, sizeof(item));
	record_put(fetch->record, data, size);
}

static void fetch_put(const struct fetch *fetch, unsigned flags, unsigned long address, const void *data, size_t size)
{
	fetch_put_kind(fetch, K23_RING_MEMORY, flags, address, data, size);
}

/* An item whose data is already behind it. */
static inline void fetch_item(unsigned char *at, unsigned flags, unsigned long address, size_t size)
{
	typedef uint64_t __attribute__((may_alias, aligned(1))) word;
	typedef uint32_t __attribute__((may_alias, aligned(1))) half;

	*(word *)at = address;
	*(half *)(at + sizeof(word)) = (uint32_t)size | flags << 16;
}

/* A string that is fetched at once into the record, if it is short and there is room for it. */
static inline int fetch_short_string(struct fetch *fetch, unsigned long address, size_t limit)
{
	struct record *record = fetch->record;
	size_t size = sizeof(struct k23_ring_item) + (limit < FETCH_SHORT ? limit : FETCH_SHORT) + 1;
	unsigned char *room = record_room(record, size);
	long r;

	if (!room)
		return 0;
	record->at = room; /* how much of it is used is not known yet */
	r = k23_copy_string((char *)room + sizeof(struct k23_ring_item), size - sizeof(struct k23_ring_item), address);
	if (r < 0)
		return 0;
	fetch_item(room, 0, address, (size_t)r);
	record->at += sizeof(struct k23_ring_item) + (size_t)r;
	return 1;
}

static void fetch_string(struct fetch *fetch, unsigned long address, size_t limit)
{
	char chunk[FETCH_CHUNK];

	if (fetch_short_string(fetch, address, limit))
		return;

	for (;;) {
		size_t part = limit < FETCH_CHUNK - 1 ? limit : FETCH_CHUNK - 1;
		long r = k23_copy_string(chunk, part + 1, address);

		if (r != -ENAMETOOLONG) {
			/* Nothing is shown of a string that cannot be read to its end: k23_copy_string() promises no
			 * part. */
			fetch_put(fetch, r < 0 ? K23_RING_FAULT : 0, address, chunk, r < 0 ? 0 : (size_t)r);
			return;
		}
		limit -= part;
		fetch_put(fetch, limit ? K23_RING_MORE : K23_RING_CUT, address, chunk, part);
		address += part;
		if (!limit)
			return;
	}
}

static void fetch_bytes(struct fetch *fetch, unsigned long address, size_t size)
{
	char chunk[FETCH_CHUNK];

	while (size && fetch->record->spent < FETCH_TOTAL) {
		size_t part = size < FETCH_CHUNK ? size : FETCH_CHUNK;
		unsigned char *room = record_room(fetch->record, sizeof(struct k23_ring_item) + part);

		if (k23_copy_from(room ? (char *)room + sizeof(struct k23_ring_item) : chunk, address, part) < 0) {
			if (room)
				fetch->record->at = room;
			/* Those elements of an array are shown that are on a page which can be read. */
			size = FETCH_PAGE - address % FETCH_PAGE;
			if (size >= part)
				return;
			continue;
		}
		if (room)
			fetch_item(room, 0, address, part);
		else
			fetch_put(fetch, 0, address, chunk, part);
		address += part;
		size -= part;
	}
}

/* A number of at most eight bytes in the program's memory; 0 if it cannot be read. */
static uint64_t fetch_number(unsigned long address, size_t size)
{
	uint64_t value = 0;

	return size > sizeof(value) || k23_copy_from(&value, address, size) < 0 ? 0 : value;
}

/* Descriptors that were sockets of netlink when they were made. */
static uint64_t fetch_netlink_sockets[FETCH_NETLINK_DESCRIPTORS / 64];

/* A socket was made. */
static void fetch_note_socket(int domain, long fd)
{
	if (domain == AF_NETLINK && fd >= 0 && fd < (long)FETCH_NETLINK_DESCRIPTORS)
		__atomic_fetch_or(&fetch_netlink_sockets[fd / 64], 1ul << fd % 64, __ATOMIC_RELAXED);
}

/* Whether the data of a call begins as messages of netlink do, with a length. */
static int fetch_is_like_message(const struct k23_call *call)
{
	unsigned long data = call->args[1];
	uint32_t length;

	if (call->arch != K23_ARCH_X86_64)
		return 0;
	if (call->nr != SYS_sendto && call->nr != SYS_recvfrom) /* a message, or the first of some: to its vectors */
		data = fetch_number(fetch_number(data + offsetof(struct msghdr, msg_iov), 8), 8);
	length = (uint32_t)fetch_number(data, sizeof(length));
	return length >= sizeof(struct nlmsghdr) && length <= FETCH_RECORDS_MAX;
}

/* The protocol of the netlink socket that the first argument is, which goes into the record, too; -1: it is none. The
 * kernel is asked only if it may be one: calls of all sockets come here, and a filter of the program may be against the
 * question. */
static uint32_t fetch_netlink_protocol(const struct fetch *fetch)
{
	int fd = (int)fetch->call->args[0], domain = 0, size = sizeof(domain);
	int noted = (unsigned)fd < FETCH_NETLINK_DESCRIPTORS &&
		    __atomic_load_n(&fetch_netlink_sockets[fd / 64], __ATOMIC_RELAXED) >> fd % 64 & 1;
	uint32_t protocol = 0;

	if (!noted && !fetch_is_like_message(fetch->call))
		return UINT32_MAX;
	if (k23_failed(k23_syscall(SYS_getsockopt, (unsigned)fd, SOL_SOCKET, SO_DOMAIN, (unsigned long)&domain,
				   (unsigned long)&size, 0)) || domain != AF_NETLINK)
		return UINT32_MAX;
	size = sizeof(protocol);
	k23_syscall(SYS_getsockopt, (unsigned)fd, SOL_SOCKET, SO_PROTOCOL, (unsigned long)&protocol,
		    (unsigned long)&size, 0);
	fetch_put(fetch, K23_RING_NETLINK, (uint32_t)fd, &protocol, sizeof(protocol));
	return protocol;
}

static uint64_t fetch_term(const struct fetch *fetch, const struct fetch_term *term)
{
	uint64_t value = term->value;

	if (term->source == FETCH_ARGUMENT)
		value = term->size < sizeof(value) ? (uint32_t)fetch->call->args[term->value] :
						     fetch->call->args[term->value];
	else if (term->source == FETCH_AT_ARGUMENT)
		value = fetch_number(fetch->call->args[term->value], term->size);
	else if (term->source == FETCH_BEFORE)
		return UINT64_MAX;
	else if (term->source == FETCH_RESULT)
		value = fetch->result;
	else if (term->source == FETCH_FIELD)
		value = fetch_number(fetch->base + term->value, term->size);
	else if (term->source == FETCH_LEFT)
		value = fetch->left;
	else if (term->source == FETCH_FAILED)
		value = fetch->phase != FETCH_EXIT;
	else if (term->source == FETCH_VERBOSE)
		value = (uint64_t)fetch->verbose;
	else if (term->source == FETCH_NETLINK)
		value = fetch_netlink_protocol(fetch);
	/* Mostly there is nothing to divide, which takes long. */
	if (term->divide == 1)
		return value + (uint64_t)term->add;
	value += (uint64_t)term->before;
	return (term->divide < 0 ? value * (uint32_t)-term->divide : value / (uint32_t)term->divide) +
	       (uint64_t)term->add;
}

static uint64_t fetch_count(const struct fetch *fetch, const struct fetch_node *node)
{
	uint64_t least = fetch_term(fetch, &node->terms[0]), other;

	if (node->term_count < 2)
		return least;
	other = fetch_term(fetch, &node->terms[1]);
	return other < least ? other : least;
}

/* The node that a select comes to. */
static const struct fetch_node *fetch_choose(const struct fetch *fetch, unsigned number)
{
	const struct fetch_node *node = &fetch_nodes[number];

	while (node->op == FETCH_SELECT) {
		uint32_t value = (uint32_t)fetch_count(fetch, node) & node->mask;
		unsigned i = 0;

		while (i < node->count && fetch_cases[node->first + i].value != value)
			i++;
		node = &fetch_nodes[i < node->count ? fetch_cases[node->first + i].node : node->otherwise];
	}
	return node;
}

static size_t fetch_pointer_size(const struct fetch *fetch)
{
	return fetch->call->arch == K23_ARCH_I386 ? sizeof(uint32_t) : sizeof(uint64_t);
}

static void fetch_strings(struct fetch *fetch, unsigned long array)
{
	size_t limit = fetch->verbose ? FETCH_WHOLE : fetch->request->string_size, size = fetch_pointer_size(fetch);
	uint64_t string;

	for (size_t i = 0; i <= limit && fetch->record->spent < FETCH_TOTAL; i++) {
		string = fetch_number(array + i * size, size);
		fetch_bytes(fetch, array + i * size, size);
		if (!string)
			return;
		if (i < limit)
			fetch_string(fetch, string, fetch->request->string_size);
	}
}

static void fetch_string_count(struct fetch *fetch, unsigned long array)
{
	uint32_t count = 0, cut = 0;
	size_t size = fetch_pointer_size(fetch);
	uint64_t string = 0;

	if (k23_copy_from(&string, array, size) < 0)
		return;
	while (string && !cut && ++count < FETCH_STRINGS_MAX)
		cut = k23_copy_from(&string, array + count * size, size) < 0;
	fetch_put(fetch, K23_RING_COUNT | (cut ? K23_RING_FAULT : 0), array, &count, sizeof(count));
}

static void fetch_record_count(struct fetch *fetch, unsigned long address, uint64_t size)
{
	uint64_t at = 0, length;
	uint32_t count = 0;

	for (; at + FETCH_DIRENT_LENGTH + sizeof(uint16_t) <= size; at += length, count++) {
		length = fetch_number(address + at + FETCH_DIRENT_LENGTH, sizeof(uint16_t));
		if (!length)
			return;
	}
	fetch_put(fetch, K23_RING_COUNT, address, &count, sizeof(count));
}

static void fetch_node(struct fetch *fetch, unsigned number, unsigned long pointer);

/* Fetches what the pointers in an element point to. */
static void fetch_children(struct fetch *fetch, const struct fetch_node *node, unsigned long element)
{
	unsigned long base = fetch->base;

	for (unsigned i = node->first; i < node->first + node->count; i++) {
		const struct fetch_child *child = &fetch_child_table[i];

		fetch->base = element + child->base;
		if (child->left && fetch->phase == FETCH_EXIT)
			fetch->left = fetch_number(element + child->left, sizeof(uint32_t));
		fetch_node(fetch, child->node,
			   child->size == FETCH_HERE ? element + child->offset :
						       fetch_number(element + child->offset, child->size));
	}
	fetch->base = base;
}

static void fetch_memory(struct fetch *fetch, const struct fetch_node *node, unsigned long address)
{
	/* Of what the call has changed, the result shows those elements that have something to tell. */
	int changed = node->phases == (FETCH_ENTRY | FETCH_EXIT) && fetch->phase == FETCH_EXIT;
	int whole = node->size == 1 || fetch->verbose || fetch->whole || changed;
	uint64_t limit = whole ? FETCH_WHOLE : fetch->request->string_size, count = fetch_count(fetch, node);

	/* One more than is shown tells that there is more. */
	if (count > limit)
		count = limit + !whole;
	fetch_bytes(fetch, address, count * node->size);
	for (uint64_t i = 0; node->count && i < count && fetch->record->spent < FETCH_TOTAL; i++)
		fetch_children(fetch, node, address + i * node->size);
}

static uint32_t fetch_address_of_socket(long nr, int fd, unsigned char *address)
{
	int size = K23_RING_SOCKADDR;
	long r = k23_syscall(nr, (unsigned)fd, (unsigned long)address, (unsigned long)&size, 0, 0, 0);

	return k23_failed(r) || size > K23_RING_SOCKADDR ? 0 : (uint32_t)size;
}

/* Fetches the number of a device, or what a socket is connected to. */
static void fetch_descriptor_details(struct fetch *fetch, int fd)
{
	struct k23_ring_descriptor details = { 0 };
	struct stat status;
	int size = sizeof(details.protocol);

	if (k23_failed(k23_syscall(SYS_fstat, (unsigned)fd, (unsigned long)&status, 0, 0, 0, 0)))
		return;
	details.mode = status.st_mode;
	details.device = status.st_rdev;
	if (S_ISSOCK(status.st_mode)) {
		k23_syscall(SYS_fgetxattr, (unsigned)fd, (unsigned long)"system.sockprotoname",
			    (unsigned long)details.name, sizeof(details.name), 0, 0);
		k23_syscall(SYS_getsockopt, (unsigned)fd, SOL_SOCKET, SO_PROTOCOL, (unsigned long)&details.protocol,
			    (unsigned long)&size, 0);
		details.local_size = fetch_address_of_socket(SYS_getsockname, fd, details.local);
		details.peer_size = fetch_address_of_socket(SYS_getpeername, fd, details.peer);
	} else if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) {
		return;
	}
	fetch_put(fetch, K23_RING_FD_DETAILS, (uint32_t)fd, &details, sizeof(details));
}

/* Fetches which process a pidfd is of. Kernels before 6.13 tell that only by a file that would have to be opened. */
static void fetch_pidfd_details(struct fetch *fetch, int fd)
{
	struct {
		uint64_t mask, cgroup;
		uint32_t pid, more[11];
	} info = { 0 };
	struct k23_ring_descriptor details = { 0 };

	if (k23_failed(k23_syscall(SYS_ioctl, (unsigned)fd, _IOWR(0xff, 11, info) /* PIDFD_GET_INFO */,
				   (unsigned long)&info, 0, 0, 0)))
		return;
	details.device = info.pid;
	fetch_put(fetch, K23_RING_FD_DETAILS, (uint32_t)fd, &details, sizeof(details));
}

/* Fetches what a descriptor is open on; of AT_FDCWD, the working directory. */
static void fetch_descriptor(struct fetch *fetch, int fd)
{
	static const char pidfd[] = "anon_inode:[pidfd]";
	char link[64] = "/proc/thread-self/cwd", path[FETCH_CHUNK];
	long size;

	if (fd != AT_FDCWD)
		k23_format(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	size = k23_syscall(SYS_readlink, (unsigned long)link, (unsigned long)path, sizeof(path), 0, 0, 0);
	if (!k23_failed(size))
		fetch_put(fetch, K23_RING_FD, (uint32_t)fd, path, (size_t)size);
	if (!fetch->request->descriptor_details || fd == AT_FDCWD)
		return;
	if (size == sizeof(pidfd) - 1 && k23_strncmp(path, pidfd, sizeof(pidfd) - 1) == 0)
		fetch_pidfd_details(fetch, fd);
	else
		fetch_descriptor_details(fetch, fd);
}

static void fetch_descriptors(struct fetch *fetch, const struct fetch_node *node, unsigned long array)
{
	int all = fetch->request->descriptors == K23_RING_ALL_DESCRIPTORS || fetch->verbose;
	uint64_t limit = all ? FETCH_WHOLE : fetch->request->string_size, count = fetch_count(fetch, node);

	for (uint64_t i = 0; i < count && i < limit; i++)
		fetch_children(fetch, node, array + i * node->size);
}

static void fetch_rights(struct fetch *fetch, const struct fetch_node *node, unsigned long messages)
{
	uint64_t size = fetch_count(fetch, node), at = 0;
	struct cmsghdr head;

	size = size < FETCH_WHOLE ? size : FETCH_WHOLE;
	while (at + sizeof(head) <= size && k23_copy_from(&head, messages + at, sizeof(head)) >= 0 &&
	       head.cmsg_len >= sizeof(head) && head.cmsg_len <= size - at) {
		if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_RIGHTS)
			for (uint64_t fd = sizeof(head); fd + sizeof(int) <= head.cmsg_len; fd += sizeof(int))
				fetch_descriptor(fetch, (int)fetch_number(messages + at + fd, sizeof(int)));
		at += CMSG_ALIGN(head.cmsg_len);
	}
}

static void fetch_descriptor_set(struct fetch *fetch, unsigned long set)
{
	int count = (int)fetch->call->args[0];

	for (int fd = 0; fd < count && (unsigned)fd < 8 * FETCH_WHOLE; fd++)
		if (fetch_number(set + (unsigned)fd / 8, 1) >> fd % 8 & 1)
			fetch_descriptor(fetch, fd);
}

/* How many of the bytes that a node is about are fetched. */
static inline uint64_t fetch_byte_count(struct fetch *fetch, const struct fetch_node *node)
{
	uint64_t count = fetch_count(fetch, node);

	fetch->left -= count < fetch->left ? count : fetch->left;
	return !fetch->whole && count > fetch->request->string_size ? fetch->request->string_size : count;
}

/* Fetches what a pointer points to; the functions above and this one call each other as deep as types are nested. */
static void fetch_node(struct fetch *fetch, unsigned number, unsigned long pointer)
{
	const struct fetch_node *node = fetch_choose(fetch, number);
	uint64_t count;

	fetch->record->spent += FETCH_STEP;
	if (fetch->record->spent > FETCH_TOTAL || !(node->phases & fetch->phase) ||
	    (!pointer && node->op != FETCH_DESCRIPTOR && node->op != FETCH_DIRECTORY && node->op != FETCH_FIELDS))
		return;
	switch (node->op) {
	case FETCH_STRING:
		fetch_string(fetch, pointer, fetch->request->string_size);
		break;
	case FETCH_PATH:
		fetch_string(fetch, pointer, K23_PATH_MAX - 1); /* the NUL is not shown */
		break;
	case FETCH_BYTES:
		fetch_bytes(fetch, pointer, fetch_byte_count(fetch, node));
		break;
	case FETCH_MEMORY:
		fetch_memory(fetch, node, pointer);
		break;
	case FETCH_STRINGS:
		fetch_strings(fetch, pointer);
		break;
	case FETCH_STRING_COUNT:
		if (fetch->verbose)
			fetch_strings(fetch, pointer);
		else
			fetch_string_count(fetch, pointer);
		break;
	case FETCH_DESCRIPTOR:
		if ((int)pointer >= 0)
			fetch_descriptor(fetch, (int)pointer);
		break;
	case FETCH_DIRECTORY:
		fetch_descriptor(fetch, (int)pointer);
		break;
	case FETCH_DESCRIPTORS:
		fetch_descriptors(fetch, node, pointer);
		break;
	case FETCH_RIGHTS:
		if (fetch->call->arch == K23_ARCH_X86_64)
			fetch_rights(fetch, node, pointer);
		break;
	case FETCH_DESCRIPTOR_SET:
		fetch_descriptor_set(fetch, pointer);
		break;
	case FETCH_EXTENDED:
		count = fetch_count(fetch, node);
		fetch_bytes(fetch, pointer, count < FETCH_WHOLE ? count : FETCH_WHOLE);
		fetch_children(fetch, node, pointer);
		break;
	case FETCH_MESSAGES:
		count = fetch_count(fetch, node);
		fetch->left -= count < fetch->left ? count : fetch->left;
		fetch_bytes(fetch, pointer, count < FETCH_RECORDS_MAX ? count : FETCH_RECORDS_MAX);
		break;
	case FETCH_FIELDS:
		fetch_children(fetch, node, fetch->base);
		break;
	case FETCH_RECORDS:
		count = fetch_count(fetch, node);
		if (fetch->verbose)
			fetch_bytes(fetch, pointer, count < FETCH_RECORDS_MAX ? count : FETCH_RECORDS_MAX);
		else
			fetch_record_count(fetch, pointer, count);
		break;
	}
}

/*
 * What most of the calls that a program makes often have is not worth the way through fetch_node(): a few bytes. They
 * go to `room`, as an item of at most FETCH_FEW bytes. most: how many bytes there are at most, besides what the call's
 * arguments say. Returns the size of the item; 0: it is not so easy.
 */
#define FETCH_FEW (FETCH_SHORT + sizeof(struct k23_ring_item))

static inline size_t fetch_few_bytes(const struct k23_call *call, const struct fetch_argument *argument, uint64_t most,
				     uint32_t string_size, unsigned char *room)
{
	unsigned long pointer;
	uint64_t count;

	if (!argument->size)
		return 0;
	pointer = call->args[argument->arg];
	count = call->args[argument->size - 1];
	count = count < most ? count : most;
	if (!pointer || !count || count >= FETCH_SHORT || count > string_size ||
	    k23_copy_from(room + sizeof(struct k23_ring_item), pointer, count) < 0)
		return 0;
	fetch_item(room, 0, pointer, count);
	return sizeof(struct k23_ring_item) + count;
}

/* The arguments of a call that are fetched, up to one without a node. */
static inline const struct fetch_argument *fetch_arguments_of(const struct k23_call *call, const uint16_t *starts,
							      size_t count)
{
	unsigned long nr = (unsigned long)call->nr;

	return fetch_arguments + (nr < count ? starts[nr] : 0);
}

static inline void fetch_arguments_from(struct fetch *fetch, const uint16_t *starts, size_t count)
{
	const struct fetch_argument *argument = fetch_arguments_of(fetch->call, starts, count);

	for (; argument->node; argument++)
		if (argument->phases & fetch->phase)
			fetch_node(fetch, argument->node,
				   argument->arg < 6 ? fetch->call->args[argument->arg] : fetch->result);
}

#define FETCH_ARGUMENTS_OF(call, table) fetch_arguments_of(call, table, sizeof(table) / sizeof(*(table)))
#define FETCH_FROM(fetch, table) fetch_arguments_from(fetch, table, sizeof(table) / sizeof(*(table)))

/* How many arguments a call has; of one that nobody knows, all. */
static unsigned argument_count(const struct k23_call *call)
{
	unsigned long nr = (unsigned long)call->nr;

	if (call->arch == K23_ARCH_I386)
		return nr < sizeof(argument_counts_i386) ? argument_counts_i386[nr] : 6;
	return nr < sizeof(argument_counts_x86_64) ? argument_counts_x86_64[nr] : 6;
}

/* Whether the user wants to see all data of the call's descriptor. Calls that have none are not told apart here. */
static int fetch_dumps(const struct fetch *fetch)
{
	enum k23_ring_dump data = fetch->phase == FETCH_ENTRY ? K23_RING_WRITTEN : K23_RING_READ;

	return k23_ring_has_descriptor(&fetch->request->dumped[data], (int)fetch->call->args[0]);
}

static void fetch_any_call(struct fetch *fetch)
{
	int i386 = fetch->call->arch == K23_ARCH_I386;

	fetch->whole = fetch->request->dumps && fetch_dumps(fetch);
	fetch->verbose = fetch->request->verbose &&
			 k23_ring_has_call(&fetch->request->whole, fetch->call->arch, fetch->call->nr);
	if (i386)
		FETCH_FROM(fetch, fetch_memory_i386);
	else
		FETCH_FROM(fetch, fetch_memory_x86_64);
	if (fetch->request->descriptors && i386)
		FETCH_FROM(fetch, fetch_descriptors_i386);
	else if (fetch->request->descriptors)
		FETCH_FROM(fetch, fetch_descriptors_x86_64);
}

/* Whether nothing that the user wants makes calls have more to be fetched than their types have. */
static int fetch_is_plain(const struct k23_ring_request *request)
{
	return !request->dumps && !request->descriptors && !request->verbose && !request->stack_size;
}

/* Fetches what is to be fetched in a phase of a call. Of most calls in most phases that is nothing. */
static inline __attribute__((always_inline)) void fetch_call(struct fetch *fetch)
{
	if (fetch->call->arch != K23_ARCH_X86_64 || fetch->request->dumps || fetch->request->descriptors ||
	    fetch->request->verbose)
		fetch_any_call(fetch);
	else
		FETCH_FROM(fetch, fetch_memory_x86_64);
}

#endif
