/* The file of a recording: whatever is in it, with checksums that are wrong, and with those that it should have. */
#include "cli/record/recording_reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/run_memory.h"
#include "cli/cli.h"
#include "fuzz.h"

#define BEGIN ((sizeof(struct k23_recording) + K23_CHUNK_SIZE - 1) / K23_CHUNK_SIZE * K23_CHUNK_SIZE)

void die(int status, const char *format, ...)
{
	(void)status;
	(void)format;
	abort();
}

/* The input has the begins of chunks: a file would have to be large. */
static void make_chunk(struct k23_chunk *chunk, const uint8_t *bytes, size_t size, bool right)
{
	uint32_t at = offsetof(struct k23_chunk, data);

	memcpy(chunk, bytes, size < sizeof(*chunk) ? size : sizeof(*chunk));
	while (right && at + sizeof(struct k23_piece) <= sizeof(*chunk)) {
		struct k23_piece *piece = (struct k23_piece *)(void *)((char *)chunk + at);

		if (k23_piece_room(piece->size) > sizeof(*chunk) - at)
			break;
		piece->check = k23_piece_check(k23_chunk_seed(chunk), at, piece->size, piece->flags, piece + 1);
		at += k23_piece_room(piece->size);
	}
}

static void read_file(int fd)
{
	const char *problem;
	char path[40];
	struct recording_reader *reader;
	struct recording_record record;
	size_t total = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = recording_reader_open(path, &problem);
	while (reader && recording_reader_next(reader, &record)) {
		MUST(record.size >= sizeof(struct k23_ring_texts) && memchr(record.data, record.data[record.size - 1],
									     record.size));
		total += record.size;
	}
	MUST(total <= 64 * sizeof(struct k23_chunk));
	if (reader) {
		recording_reader_last(reader);
		recording_reader_close(reader);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t part = size > 2 ? 1 + bytes[1] * 4u : 0, chunks = size > 2 ? (size - 2) / part + 1 : 0, whole;
	struct k23_recording *header;
	char *memory;
	int fd;

	if (!chunks)
		return 0;
	chunks = chunks < 64 ? chunks : 64;
	whole = RUN_MEMORY_CONTENTS + BEGIN + chunks * K23_CHUNK_SIZE;
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)whole) != 0)
		abort();
	memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		abort();
	header = (struct k23_recording *)(void *)(memory + RUN_MEMORY_CONTENTS);
	header->channel.magic = K23_RECORDING_MAGIC;
	header->version = K23_RECORDING_VERSION;
	header->chunks = (uint32_t)chunks + (bytes[0] >> 4);
	header->chunks_at = BEGIN;
	header->check = recording_check(header) + (bytes[0] & 1);
	for (size_t i = 0; i < chunks; i++) {
		const uint8_t *from = bytes + 2 + i * part;
		size_t left = size - 2 - i * part;

		make_chunk((struct k23_chunk *)(void *)(memory + whole - (chunks - i) * K23_CHUNK_SIZE), from,
			   left < part ? left : part, bytes[0] & 2);
	}
	if (bytes[0] & 4 && ftruncate(fd, (off_t)(whole - bytes[1] * 128u)) != 0)
		abort();
	read_file(fd);
	munmap(memory, whole);
	close(fd);
	return 0;
}
