#include "cli/render/memory.h"

#include <string.h>

/* Items that are not what an argument leads to. */
#define OTHERS (K23_RING_COUNT | K23_RING_FD | K23_RING_STACK | K23_RING_REGISTERS | K23_RING_FD_DETAILS)

/* Finds the next item from *at on. False: there is none. Items may come from a damaged record. */
static bool next_item(const struct items *items, size_t *at, struct k23_ring_item *item, const unsigned char **data)
{
	if (items->size - *at < sizeof(*item))
		return false;
	memcpy(item, items->data + *at, sizeof(*item));
	*at += sizeof(*item);
	if (item->size > items->size - *at)
		return false;
	*data = items->data + *at;
	*at += item->size;
	return true;
}

static const struct items *items_of(const struct call *call, enum phase phase)
{
	return phase == PHASE_ENTRY ? &call->in : &call->out;
}

size_t memory_read_part(const struct call *call, enum phase phase, uint64_t address, void *to, size_t size)
{
	const struct items *items = items_of(call, phase);
	const unsigned char *data;
	struct k23_ring_item item;
	size_t at = 0, done = 0;

	/* A piece that goes on in the next item does so in order. */
	while (done < size && next_item(items, &at, &item, &data)) {
		uint64_t skip = address + done - item.address;
		size_t part;

		if (item.flags & OTHERS || address + done < item.address || skip >= item.size)
			continue;
		part = item.size - skip < size - done ? item.size - skip : size - done;
		memcpy((char *)to + done, data + skip, part);
		done += part;
	}
	return done;
}

bool memory_read(const struct call *call, enum phase phase, uint64_t address, void *to, size_t size)
{
	return memory_read_part(call, phase, address, to, size) == size;
}

/* Finds an item that is memory, or has another flag. */
static bool find_item(const struct call *call, enum phase phase, uint64_t address, unsigned what, struct piece *piece)
{
	struct k23_ring_item item;
	size_t at = 0;

	while (next_item(items_of(call, phase), &at, &item, &piece->data))
		if (item.address == address && (item.flags & OTHERS) == what) {
			piece->address = item.address;
			piece->size = item.size;
			piece->flags = item.flags;
			return true;
		}
	return false;
}

bool memory_piece(const struct call *call, enum phase phase, uint64_t address, struct piece *piece)
{
	/* One that goes on, and has nothing, is of a damaged record: it would go on for ever. */
	return find_item(call, phase, address, 0, piece) && !(piece->flags & K23_RING_FAULT) &&
	       (piece->size || !(piece->flags & K23_RING_MORE));
}

bool memory_count(const struct call *call, enum phase phase, uint64_t address, uint32_t *count, bool *ended)
{
	struct piece piece;

	if (!find_item(call, phase, address, K23_RING_COUNT, &piece) || piece.size != sizeof(*count))
		return false;
	memcpy(count, piece.data, sizeof(*count));
	if (ended)
		*ended = !(piece.flags & K23_RING_FAULT);
	return true;
}

bool memory_descriptor(const struct call *call, enum phase phase, int fd, struct piece *piece)
{
	return find_item(call, phase, (uint32_t)fd, K23_RING_FD, piece);
}

bool memory_descriptor_details(const struct call *call, enum phase phase, int fd, struct k23_ring_descriptor *details)
{
	struct piece piece;

	if (!find_item(call, phase, (uint32_t)fd, K23_RING_FD_DETAILS, &piece) || piece.size != sizeof(*details))
		return false;
	memcpy(details, piece.data, sizeof(*details));
	details->name[sizeof(details->name) - 1] = '\0';
	return details->local_size <= K23_RING_SOCKADDR && details->peer_size <= K23_RING_SOCKADDR;
}

uint32_t memory_netlink_protocol(const struct call *call, int fd)
{
	uint32_t protocol;
	struct piece piece;

	if ((!find_item(call, PHASE_ENTRY, (uint32_t)fd, K23_RING_NETLINK, &piece) &&
	     !find_item(call, PHASE_EXIT, (uint32_t)fd, K23_RING_NETLINK, &piece)) || piece.size != sizeof(protocol))
		return UINT32_MAX;
	memcpy(&protocol, piece.data, sizeof(protocol));
	return protocol;
}

bool memory_next_descriptor(const struct call *call, enum phase phase, size_t *at, int *fd, struct piece *piece)
{
	struct k23_ring_item item;

	while (next_item(items_of(call, phase), at, &item, &piece->data))
		if ((item.flags & OTHERS) == K23_RING_FD) {
			*fd = (int)item.address;
			piece->address = item.address;
			piece->size = item.size;
			piece->flags = item.flags;
			return true;
		}
	return false;
}

bool memory_registers(const struct call *call, struct k23_registers *registers)
{
	struct k23_ring_item item;
	const unsigned char *data;
	size_t at = 0;

	while (next_item(&call->in, &at, &item, &data))
		if (item.flags & K23_RING_REGISTERS && item.size == sizeof(*registers)) {
			memcpy(registers, data, sizeof(*registers));
			return true;
		}
	return false;
}

bool memory_read_stack(const struct call *call, uint64_t address, void *to, size_t size)
{
	struct k23_ring_item item;
	const unsigned char *data;
	size_t at = 0, done = 0;

	while (done < size && next_item(&call->in, &at, &item, &data)) {
		uint64_t skip = address + done - item.address, part = size - done;

		if (!(item.flags & K23_RING_STACK) || skip >= item.size)
			continue;
		part = item.size - skip < part ? item.size - skip : part;
		memcpy((char *)to + done, data + skip, part);
		done += part;
	}
	return done == size;
}

bool memory_next_text(const struct items *items, size_t *at, struct k23_text *text, struct piece *piece)
{
	struct k23_ring_item item;

	while (next_item(items, at, &item, &piece->data))
		if (item.size >= sizeof(*text)) {
			memcpy(text, piece->data, sizeof(*text));
			piece->address = item.address;
			piece->size = item.size;
			piece->flags = item.flags;
			return true;
		}
	return false;
}

bool memory_next_part(const struct items *items, enum k23_ring_item_kind kind, size_t *at, struct items *part,
		      struct piece *piece)
{
	struct k23_ring_item item;
	const unsigned char *data;
	size_t begin, next;

	do {
		begin = *at;
		if (!next_item(items, at, &item, &piece->data))
			return false;
	} while (item.kind != kind);
	piece->address = item.address;
	piece->size = item.size;
	piece->flags = item.flags;
	for (next = *at; next_item(items, &next, &item, &data) && item.kind == K23_RING_MEMORY;)
		*at = next;
	*part = (struct items){ items->data + begin, *at - begin };
	return true;
}

size_t memory_deleted(const struct piece *file)
{
	static const char deleted[] = " (deleted)";
	const size_t size = sizeof(deleted) - 1;

	return file->size > size && memcmp(file->data + file->size - size, deleted, size) == 0 ? size : 0;
}
