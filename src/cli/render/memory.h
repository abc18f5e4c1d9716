/*
 * The program's memory as far as it was recorded with a call: a few pieces, before the call and after it.
 */
#ifndef CLI_RENDER_MEMORY_H
#define CLI_RENDER_MEMORY_H

#include <k23/types.h>

#include "cli/render.h"

enum phase { PHASE_ENTRY, PHASE_EXIT };

/* Copies what was at an address. False: not all of it was recorded. */
bool memory_read(const struct call *call, enum phase phase, uint64_t address, void *to, size_t size);

/* Copies as much as was recorded of what was at an address. Returns how much that is. */
size_t memory_read_part(const struct call *call, enum phase phase, uint64_t address, void *to, size_t size);

/* A piece of a string. */
struct piece {
	const unsigned char *data;
	size_t size;
	unsigned flags; /* enum k23_ring_item_flags */
	uint64_t address;
};

/* The piece that begins at an address. False: there is none, or it could not be read. */
bool memory_piece(const struct call *call, enum phase phase, uint64_t address, struct piece *piece);

/* The number of entries that was recorded for an address, and whether their end was found; ended: or NULL. */
bool memory_count(const struct call *call, enum phase phase, uint64_t address, uint32_t *count, bool *ended);

/* What a descriptor was open on. False: that was not recorded. */
bool memory_descriptor(const struct call *call, enum phase phase, int fd, struct piece *piece);

/* More of a descriptor of a socket or of a device. */
bool memory_descriptor_details(const struct call *call, enum phase phase, int fd, struct k23_ring_descriptor *details);

/* The protocol of a netlink socket; UINT32_MAX: the descriptor is not known to be one. */
uint32_t memory_netlink_protocol(const struct call *call, int fd);

/* The next descriptor from *at on, which is 0 at first. False: there are no more. */
bool memory_next_descriptor(const struct call *call, enum phase phase, size_t *at, int *fd, struct piece *piece);

/* The registers and the stack of a call that was recorded with them. False: they were not, or that part was not. */
bool memory_registers(const struct call *call, struct k23_registers *registers);
bool memory_read_stack(const struct call *call, uint64_t address, void *to, size_t size);

/* The next text from *at on, which is 0 at first, of the items of a struct k23_ring_texts. Behind it in the piece is
 * its path. False: there are no more. */
bool memory_next_text(const struct items *items, size_t *at, struct k23_text *text, struct piece *piece);

/* The next item of a kind from *at on, which is 0 at first; *part: that item, and those behind it that belong to it.
 * False: there are no more. */
bool memory_next_part(const struct items *items, enum k23_ring_item_kind kind, size_t *at, struct items *part,
		      struct piece *piece);

/* How long the kernel's remark is, at the end of what a descriptor is open on, that the file is deleted; 0: there is
 * none. */
size_t memory_deleted(const struct piece *file);

#endif
