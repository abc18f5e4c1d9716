#include "cli/record/recording_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/run_memory.h"
#include "cli/bytes.h"
#include "cli/cli.h"
#include "cli/tsc.h"

#define RECORD_MAX (16u << 20) /* the longest record, as for the ring */
#define DATA ((uint32_t)offsetof(struct k23_chunk, data))

/* Where a chunk is. */
struct place {
	uint64_t sequence;
	uint32_t writer, index;
};

/* How far a writer's chunks have been read. */
struct cursor {
	size_t next, end; /* of its places */
	struct k23_chunk *chunk; /* that is being read; NULL: none */
	uint64_t seed;
	uint32_t at, size;
	bool damaged; /* what is in front of `at` */
	bool unsure;  /* of the size */
	uint32_t number; /* of the chunk, among the writer's */
	bool begun;	 /* a record is being put together */
	struct bytes record; /* complete if the cursor is in the heap */
	struct bytes spare;
	uint64_t time;
	uint32_t writer, pid, tid;
};

struct recording_reader {
	int fd;
	struct k23_recording *header;
	struct recording_losses losses;
	struct tsc_moment last;
	struct place *places;
	size_t place_count;
	struct cursor *cursors;
	size_t cursor_count;
	struct cursor **heap; /* the one with the earliest record is the first */
	size_t heap_size;
	struct cursor *taken; /* whose record was handed out */
};

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		die(EXIT_K23, "out of memory");
	return memory;
}

/* --- the header */

uint32_t recording_check(const struct k23_recording *recording)
{
	const char *begin = (const char *)&recording->chunks;

	_Static_assert(offsetof(struct k23_recording, chunks) % 8 == 0, "words");
	return k23_piece_check(K23_RECORDING_VERSION, 0,
			       (uint32_t)(recording->text + sizeof(recording->text) - begin), 0, begin);
}

/* What of the header leads to memory has to be right, or is put right. */
static bool check_header(struct recording_reader *reader, uint64_t file_size, const char **problem)
{
	struct k23_recording *header = reader->header;
	uint64_t at = (sizeof(*header) + K23_CHUNK_SIZE - 1) / K23_CHUNK_SIZE * K23_CHUNK_SIZE, begin, there;

	*problem = "it is no recording of k23";
	if (header->channel.magic != K23_RECORDING_MAGIC)
		return false;
	*problem = "it was recorded by another version of k23";
	if (header->version != K23_RECORDING_VERSION)
		return false;
	reader->losses.header = header->check != recording_check(header);
	header->text[sizeof(header->text) - 1] = '\0';
	begin = RUN_MEMORY_CONTENTS + at;
	there = file_size > begin ? (file_size - begin) / K23_CHUNK_SIZE : 0;
	if (reader->losses.header) {
		header->chunks_at = (uint32_t)at;
		header->chunks = there < UINT32_MAX ? (uint32_t)there : UINT32_MAX;
	}
	*problem = "it is no recording of k23";
	if (header->chunks_at != at)
		return false;
	if (there < header->chunks) {
		reader->losses.cut = header->chunks - there;
		header->chunks = (uint32_t)there;
	}
	return true;
}

static bool read_at(const struct recording_reader *reader, void *to, size_t size, uint64_t at)
{
	ssize_t r = pread(reader->fd, to, size, (off_t)at);

	return r >= 0 && (size_t)r == size;
}

static uint64_t chunk_at(const struct recording_reader *reader, uint32_t index)
{
	return RUN_MEMORY_CONTENTS + (uint64_t)reader->header->chunks_at + (uint64_t)index * K23_CHUNK_SIZE;
}

/* --- one writer's records */

static void damage(struct recording_reader *reader, struct cursor *cursor, uint32_t bytes)
{
	reader->losses.damaged += !cursor->damaged;
	reader->losses.bytes += bytes;
	cursor->damaged = true;
	cursor->begun = false;
}

/* The next chunk of the writer. False: there is none. */
static bool load_chunk(struct recording_reader *reader, struct cursor *cursor)
{
	struct k23_chunk *chunk = cursor->chunk ? cursor->chunk : allocate(1, sizeof(*chunk));

	cursor->chunk = chunk;
	while (cursor->next < cursor->end) {
		const struct place *place = &reader->places[cursor->next++];
		uint32_t size;

		/* If it has another sequence by now, it has been overwritten meanwhile. */
		if (!read_at(reader, chunk, sizeof(*chunk), chunk_at(reader, place->index)) ||
		    chunk->sequence != place->sequence)
			continue;
		size = k23_chunk_size(chunk->word);
		if (!size && k23_chunk_state(chunk->word) == K23_CHUNK_BUSY)
			continue; /* a writer was killed as soon as it had taken the chunk */
		cursor->unsure = size < DATA || size > sizeof(*chunk) ||
				 (chunk->sequence ^ k23_chunk_sequence(chunk->word)) << (64 - K23_CHUNK_SEQUENCE_BITS);
		cursor->damaged = false;
		if (cursor->unsure)
			damage(reader, cursor, sizeof(chunk->word));
		if (chunk->number != cursor->number + 1)
			cursor->begun = false;
		cursor->number = chunk->number;
		cursor->seed = k23_chunk_seed(chunk);
		cursor->at = DATA;
		cursor->size = cursor->unsure ? (uint32_t)sizeof(*chunk) : size;
		return true;
	}
	free(chunk);
	cursor->chunk = NULL;
	return false;
}

/* The piece at the cursor. NULL: there is none that is whole. */
static const struct k23_piece *piece_at(const struct cursor *cursor)
{
	const struct k23_piece *piece = (const struct k23_piece *)((const char *)cursor->chunk + cursor->at);

	if (cursor->size - cursor->at < sizeof(*piece) || cursor->size - cursor->at < k23_piece_room(piece->size) ||
	    piece->check != k23_piece_check(cursor->seed, cursor->at, piece->size, piece->flags, piece + 1))
		return NULL;
	return piece;
}

/* Adds a piece to the record. Returns whether that is complete. */
static bool add_piece(struct cursor *cursor, const struct k23_piece *piece)
{
	if (piece->flags & K23_PIECE_FIRST) {
		cursor->record.size = 0;
		cursor->begun = true;
	}
	if (!cursor->begun || cursor->record.size > RECORD_MAX)
		return false; /* the begin is overwritten */
	bytes_add(&cursor->record, piece + 1, piece->size);
	return piece->flags & K23_PIECE_LAST && cursor->record.size >= sizeof(struct k23_ring_texts);
}

/* Makes a record that takes less room in the file one as the ring has it. False: it is none. */
static bool expand(struct cursor *cursor)
{
	const struct k23_recording_entry *entry = (const void *)cursor->record.data;
	const struct k23_recording_exit *exit = (const void *)cursor->record.data;
	struct bytes from = cursor->record;
	size_t size;

	cursor->spare.size = 0;
	if (entry->type == K23_RECORDING_ENTRY) {
		struct k23_ring_entry to = { K23_RING_ENTRY, K23_ARCH_X86_64, entry->time, entry->nr, { 0 }, 0 };

		size = sizeof(*entry) + entry->count * sizeof(entry->args[0]);
		if (entry->count > 6 || from.size < size)
			return false;
		to.arch = entry->arch == K23_CHANNEL_I386 ? K23_ARCH_I386 : K23_ARCH_X86_64;
		to.ip = entry->ip;
		memcpy(to.args, entry->args, entry->count * sizeof(entry->args[0]));
		bytes_add(&cursor->spare, &to, sizeof(to));
	} else if (exit->type == K23_RECORDING_EXIT) {
		struct k23_ring_exit to = { .type = K23_RING_EXIT, .entered = exit->entered, .end = exit->end,
					    .result = exit->result, .tampered = exit->tampered };

		size = sizeof(*exit);
		if (from.size < size)
			return false;
		bytes_add(&cursor->spare, &to, sizeof(to));
	} else {
		return true;
	}
	bytes_add(&cursor->spare, from.data + size, from.size - size);
	cursor->record = cursor->spare;
	cursor->spare = from;
	return true;
}

/* Goes on to the writer's next record. False: there is none. */
static bool advance(struct recording_reader *reader, struct cursor *cursor)
{
	while (cursor->chunk || load_chunk(reader, cursor)) {
		const struct k23_piece *piece;

		if (cursor->at >= cursor->size) {
			if (!load_chunk(reader, cursor))
				break;
			continue;
		}
		piece = piece_at(cursor);
		if (!piece) {
			if (!cursor->unsure)
				damage(reader, cursor, 8);
			cursor->at += 8;
			continue;
		}
		cursor->damaged = false;
		cursor->at += k23_piece_room(piece->size);
		if (!add_piece(cursor, piece) || !expand(cursor))
			continue;
		cursor->begun = false;
		cursor->time = ((const struct k23_ring_texts *)(const void *)cursor->record.data)->time;
		cursor->writer = cursor->chunk->writer;
		cursor->pid = cursor->chunk->pid;
		cursor->tid = cursor->chunk->tid;
		return true;
	}
	free(cursor->record.data);
	free(cursor->spare.data);
	cursor->record = cursor->spare = (struct bytes){ 0 };
	return false;
}

/* --- all writers: a heap of their cursors, by time */

static bool is_earlier(const struct cursor *a, const struct cursor *b)
{
	return a->time != b->time ? a->time < b->time : a->writer < b->writer;
}

static void heap_down(struct recording_reader *reader, size_t at)
{
	struct cursor **heap = reader->heap, *moved = heap[at];

	for (size_t child; (child = 2 * at + 1) < reader->heap_size; at = child) {
		if (child + 1 < reader->heap_size && is_earlier(heap[child + 1], heap[child]))
			child++;
		if (!is_earlier(heap[child], moved))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moved;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->writer != y->writer)
		return x->writer < y->writer ? -1 : 1;
	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void find_chunks(struct recording_reader *reader)
{
	struct k23_chunk head;

	reader->places = allocate(reader->header->chunks, sizeof(*reader->places));
	for (uint32_t i = 0; i < reader->header->chunks; i++) {
		if (!read_at(reader, &head, DATA, chunk_at(reader, i)) || !(head.word | head.sequence))
			continue;
		reader->places[reader->place_count++] = (struct place){ head.sequence, head.writer, i };
		if (head.cycles > reader->last.cycles) {
			reader->last.cycles = head.cycles;
			reader->last.nanoseconds = head.nanoseconds;
		}
	}
	if (reader->place_count)
		qsort(reader->places, reader->place_count, sizeof(*reader->places), compare_places);
}

static void make_cursors(struct recording_reader *reader)
{
	size_t count = 0;

	for (size_t i = 0; i < reader->place_count; i++)
		count += !i || reader->places[i].writer != reader->places[i - 1].writer;
	reader->cursors = allocate(count, sizeof(*reader->cursors));
	reader->heap = allocate(count, sizeof(struct cursor *));
	for (size_t i = 0; i < reader->place_count;) {
		struct cursor *cursor = &reader->cursors[reader->cursor_count++];

		cursor->next = i;
		while (i < reader->place_count && reader->places[i].writer == reader->places[cursor->next].writer)
			i++;
		cursor->end = i;
		if (advance(reader, cursor))
			reader->heap[reader->heap_size++] = cursor;
	}
	for (size_t i = reader->heap_size / 2; i-- > 0;)
		heap_down(reader, i);
}

/* --- the reader */

struct recording_reader *recording_reader_open(const char *path, const char **problem)
{
	struct recording_reader *reader = allocate(1, sizeof(*reader));
	struct stat status;

	reader->header = allocate(1, sizeof(*reader->header));
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	*problem = NULL;
	if (reader->fd >= 0 && fstat(reader->fd, &status) == 0) {
		*problem = "it is no recording of k23";
		if (read_at(reader, reader->header, sizeof(*reader->header), RUN_MEMORY_CONTENTS) &&
		    check_header(reader, (uint64_t)status.st_size, problem)) {
			reader->last.cycles = reader->header->last_cycles;
			reader->last.nanoseconds = reader->header->last_nanoseconds;
			find_chunks(reader);
			make_cursors(reader);
			return reader;
		}
	}
	if (!*problem)
		*problem = strerror(errno);
	recording_reader_close(reader);
	return NULL;
}

bool recording_reader_next(struct recording_reader *reader, struct recording_record *record)
{
	struct cursor *first;

	if (reader->taken) {
		if (!advance(reader, reader->taken))
			reader->heap[0] = reader->heap[--reader->heap_size];
		if (reader->heap_size)
			heap_down(reader, 0);
		reader->taken = NULL;
	}
	if (!reader->heap_size)
		return false;
	reader->taken = first = reader->heap[0];
	*record = (struct recording_record){ first->writer, first->pid, first->tid, first->record.data,
					     first->record.size };
	return true;
}

const struct k23_recording *recording_reader_header(const struct recording_reader *reader)
{
	return reader->header;
}

const struct recording_losses *recording_reader_losses(const struct recording_reader *reader)
{
	return &reader->losses;
}

struct tsc_moment recording_reader_last(const struct recording_reader *reader)
{
	return reader->last;
}

void recording_reader_close(struct recording_reader *reader)
{
	for (size_t i = 0; i < reader->cursor_count; i++) {
		free(reader->cursors[i].record.data);
		free(reader->cursors[i].spare.data);
		free(reader->cursors[i].chunk);
	}
	free(reader->cursors);
	free(reader->heap);
	free(reader->places);
	free(reader->header);
	if (reader->fd >= 0)
		close(reader->fd);
	free(reader);
}
