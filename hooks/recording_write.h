/*
 * Writing records to the file of `k23 record`: the writers' side of k23/recording.h.
 */
#ifndef HOOKS_RECORDING_WRITE_H
#define HOOKS_RECORDING_WRITE_H

#include <sys/mman.h>
#include <time.h>

#include <k23/hook.h>
#include <k23/recording.h>

#include "record.h"

/* A moment is noted in one of so many chunks. */
#define CHUNKS_TO_A_MOMENT 16u
/* A moment is good enough if it took so long, and is not tried again so often. */
#define MOMENT_CYCLES 20000u
#define MOMENT_TRIES 8
/* A record that is less than this is not begun in what is left of a chunk. */
#define PIECE_LEAST 64u
/* So many chunks at most are made ready at once for a process. */
#define AHEAD_MOST 16u
/* As long as there have been no more threads than this part of the chunks, they keep theirs BUSY. */
#define HELD_PART 4u

/* What a thread knows of its chunk. */
struct chunk_writer {
	struct k23_chunk *chunk; /* NULL: it has none */
	uint64_t word;		 /* that the chunk has if it is still the thread's */
	uint64_t sequence, seed;
	uint64_t owned; /* the word of an empty chunk of this sequence and thread */
	uint32_t size;	 /* of the chunk, so far */
	uint32_t number; /* the writer's; 0: none yet */
	uint32_t chunks; /* that it has had */
	enum k23_chunk_state kept; /* the chunk's state between records */
};

struct chunk_record {
	struct record record;
	struct k23_recording *recording;
	struct chunk_writer *writer;
	uint8_t flags; /* of the piece that is being written */
	uint8_t moved; /* what the thread has recorded last may be overwritten, as its chunk was taken, or is old */
};

static struct k23_chunk *chunk_at(struct k23_recording *recording, uint64_t sequence)
{
	return (struct k23_chunk *)((char *)recording + recording->chunks_at) + (sequence - 1) % recording->chunks;
}

/* The chunks that were made ready for this process: how many last, up to which one, and how many in all. */
static struct {
	uint64_t count, end, all;
} chunks_ready;

/* For a child that has a copy of its creator's memory, but nothing of what is mapped and shared. */
static void chunks_forget(void)
{
	memset(&chunks_ready, 0, sizeof(chunks_ready));
}

/*
 * To write to a page for the first time is a fault, which takes as long as many records. The kernel makes many pages
 * ready in one call: the more, the longer this process has taken all chunks itself, and until it has had as many as
 * there are. Where the kernel cannot do that (before Linux 5.14), it is left to the faults. Of threads that come at
 * once, one may do it in vain.
 */
static void chunk_make_ready(struct k23_recording *recording, uint64_t sequence)
{
	uint64_t count = __atomic_load_n(&chunks_ready.count, __ATOMIC_RELAXED);
	uint64_t end = __atomic_load_n(&chunks_ready.end, __ATOMIC_RELAXED);
	uint64_t left = recording->chunks - (sequence - 1) % recording->chunks;

	if (end - sequence - 1 < count || __atomic_load_n(&chunks_ready.all, __ATOMIC_RELAXED) >= recording->chunks)
		return;
	count = sequence - end >= count ? 1 : count < AHEAD_MOST ? 2 * count : count;
	count = count < left ? count : left;
	__atomic_store_n(&chunks_ready.count, count, __ATOMIC_RELAXED);
	__atomic_store_n(&chunks_ready.end, sequence + count, __ATOMIC_RELAXED);
	__atomic_add_fetch(&chunks_ready.all, count, __ATOMIC_RELAXED);
	k23_syscall(SYS_madvise, (unsigned long)chunk_at(recording, sequence), count * K23_CHUNK_SIZE,
		    MADV_POPULATE_WRITE, 0, 0, 0);
}

static int chunk_owner_lives(uint64_t word)
{
	return k23_syscall(SYS_kill, k23_chunk_tid(word), 0, 0, 0, 0, 0) != -ESRCH;
}

/* Whether a chunk may be taken. desperate: so far none could be. */
static int chunk_is_free(const struct k23_recording *recording, uint64_t word, int desperate)
{
	enum k23_chunk_state state = k23_chunk_state(word);

	/* Where ids of processes may be those of another namespace, they say nothing. */
	if (state == K23_CHUNK_BUSY)
		return !__atomic_load_n(&recording->channel.foreign_pids, __ATOMIC_RELAXED) && !chunk_owner_lives(word);
	return state != K23_CHUNK_IDLE || desperate || !chunk_owner_lives(word);
}

/* Whether a chunk was taken for a later place in the circle than this one, whose thread was stopped for a whole round:
 * then it is not the oldest. */
static int chunk_is_newer(uint64_t word, uint64_t sequence)
{
	return word && (int64_t)((k23_chunk_sequence(word) - sequence) << (64 - K23_CHUNK_SEQUENCE_BITS)) > 0;
}

/* Notes a moment. Between the two clocks the thread may have had to wait for a processor: then once more. */
static void chunk_note_moment(struct k23_chunk *chunk)
{
	uint64_t best = UINT64_MAX;

	for (int tries = 0; tries < MOMENT_TRIES && best > MOMENT_CYCLES; tries++) {
		uint64_t before = k23_cycles(), took;
		struct timespec now;

		if (k23_failed(k23_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (unsigned long)&now, 0, 0, 0, 0)))
			return;
		took = k23_cycles() - before;
		if (took >= best)
			continue;
		best = took;
		chunk->nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
		chunk->cycles = before + took / 2;
	}
}

/* Whether a thread keeps the chunk that it takes BUSY, which spares it the CAS before each record: while all threads
 * that there have been could do so. */
static int chunk_is_held(const struct k23_recording *recording)
{
	return __atomic_load_n(&recording->writers, __ATOMIC_RELAXED) <= recording->chunks / HELD_PART &&
	       !__atomic_load_n(&recording->channel.foreign_pids, __ATOMIC_RELAXED);
}

static void chunk_init(const struct k23_recording *recording, struct chunk_writer *writer, struct k23_chunk *chunk)
{
	chunk->writer = writer->number;
	chunk->pid = (uint32_t)k23_pid();
	chunk->tid = (uint32_t)k23_tid();
	chunk->records = 0;
	chunk->number = ++writer->chunks;
	chunk->cycles = 0;
	if (writer->sequence % CHUNKS_TO_A_MOMENT == 1)
		chunk_note_moment(chunk);
	chunk->sequence = writer->sequence;
	writer->chunk = chunk;
	writer->kept = chunk_is_held(recording) ? K23_CHUNK_BUSY : K23_CHUNK_IDLE;
	writer->word = writer->owned | K23_CHUNK_BUSY;
	writer->seed = k23_chunk_seed(chunk);
	writer->size = offsetof(struct k23_chunk, data);
}

/* Takes a chunk, which is BUSY then. False: there is none. */
static int chunk_take(struct chunk_record *record)
{
	struct k23_recording *recording = record->recording;
	struct chunk_writer *writer = record->writer;

	writer->chunk = NULL;
	if (!writer->number)
		writer->number = __atomic_add_fetch(&recording->writers, 1, __ATOMIC_RELAXED);
	/* Before the chunk is known, which others, who come by meanwhile, leave to this thread. */
	chunk_make_ready(recording, __atomic_load_n(&recording->head, __ATOMIC_RELAXED) + 1);
	for (uint64_t tries = 0; tries < 2ul * recording->chunks; tries++) {
		uint64_t sequence = __atomic_add_fetch(&recording->head, 1, __ATOMIC_RELAXED);
		struct k23_chunk *chunk = chunk_at(recording, sequence);
		uint64_t word = __atomic_load_n(&chunk->word, __ATOMIC_ACQUIRE);
		uint64_t owned = k23_chunk_word(sequence, (uint32_t)k23_tid(), 0, K23_CHUNK_FREE);
		uint64_t lost = k23_chunk_size(word) ? chunk->records : 0;

		if (chunk_is_newer(word, sequence) || !chunk_is_free(recording, word, tries > recording->chunks) ||
		    !__atomic_compare_exchange_n(&chunk->word, &word,
						 owned | K23_CHUNK_BUSY, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		if (lost)
			__atomic_add_fetch(&recording->overwritten, lost, __ATOMIC_RELAXED);
		writer->sequence = sequence;
		writer->owned = owned;
		chunk_init(recording, writer, chunk);
		return 1;
	}
	return 0;
}

/* Gives the chunk that is BUSY back, with what is in it. */
static inline void chunk_release(struct chunk_writer *writer, enum k23_chunk_state state)
{
	writer->word = writer->owned | (uint64_t)(writer->size / 8) << K23_CHUNK_STATE_BITS | state;
	__atomic_store_n(&writer->chunk->word, writer->word, __ATOMIC_RELEASE);
}

/* A chunk that is old is soon overwritten, if it is not the thread's any more. */
static inline int chunk_is_old(const struct k23_recording *recording, const struct chunk_writer *writer)
{
	return __atomic_load_n(&recording->head, __ATOMIC_RELAXED) - writer->sequence > recording->chunks / 2;
}

static inline int chunk_is_full(const struct chunk_writer *writer)
{
	return writer->size > K23_CHUNK_SIZE - PIECE_LEAST;
}

/* Gives the thread's chunk a state. False: it is not the thread's any more. */
static inline int chunk_change(const struct chunk_writer *writer, enum k23_chunk_state state)
{
	uint64_t word = writer->word, changed = (word & ~((1ul << K23_CHUNK_STATE_BITS) - 1)) | state;

	return __atomic_compare_exchange_n(&writer->chunk->word, &word, changed, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Puts a piece at the end of the chunk: its data is there already, and ends here. */
static inline void piece_put(struct chunk_writer *writer, unsigned char *end, unsigned flags)
{
	typedef uint64_t __attribute__((may_alias)) word;
	word *piece = (word *)((char *)writer->chunk + writer->size), *data = piece + 1;
	uint32_t size = (uint32_t)(end - (unsigned char *)data);

	if (size % 8)
		data[size / 8] &= (1ul << size % 8 * 8) - 1;
	/* A struct k23_piece. */
	*piece = (uint64_t)flags << 48 | (uint64_t)size << 32 |
		 k23_piece_check(writer->seed, writer->size, size, flags, data);
	writer->size += k23_piece_room(size);
	writer->chunk->records += flags & K23_PIECE_FIRST;
}

/* The next record's cache lines. A store that has to wait for memory makes the next atomic operation wait. */
static inline void chunk_prefetch(const struct chunk_writer *writer)
{
	__builtin_prefetch((char *)writer->chunk + writer->size + 192);
	__builtin_prefetch((char *)writer->chunk + writer->size + 256);
}

static inline void piece_begin(struct chunk_record *record, unsigned flags)
{
	unsigned char *chunk = (unsigned char *)record->writer->chunk;

	record->flags = (uint8_t)flags;
	record->record.at = chunk + record->writer->size + sizeof(struct k23_piece);
	record->record.end = chunk + K23_CHUNK_SIZE;
}

static inline void piece_end(struct chunk_record *record, unsigned flags)
{
	piece_put(record->writer, record->record.at, record->flags | flags);
}

static void chunk_drop(struct chunk_record *record)
{
	record->record.dropped = 1;
	record->record.at = record->record.end = NULL;
	__atomic_add_fetch(&record->recording->dropped, 1, __ATOMIC_RELAXED);
}

static void chunk_more(struct record *begun)
{
	struct chunk_record *record = (struct chunk_record *)begun;

	piece_end(record, 0);
	chunk_release(record->writer, K23_CHUNK_CLOSED);
	if (chunk_take(record))
		piece_begin(record, 0);
	else
		chunk_drop(record);
}

/* Where the thread cannot go on in its chunk. */
static void chunk_begin_anew(struct chunk_record *record)
{
	struct chunk_writer *writer = record->writer;

	if (writer->chunk)
		record->moved = !chunk_change(writer, K23_CHUNK_CLOSED) || chunk_is_old(record->recording, writer);
	if (chunk_take(record))
		piece_begin(record, K23_PIECE_FIRST);
	else
		chunk_drop(record);
}

static inline void chunk_record_begin(struct chunk_record *record, struct k23_recording *recording,
				      struct chunk_writer *writer)
{
	record->record.more = chunk_more;
	record->record.spent = 0;
	record->record.dropped = 0;
	record->recording = recording;
	record->writer = writer;
	record->moved = 0;
	if (writer->chunk && !chunk_is_full(writer) && !chunk_is_old(recording, writer) &&
	    (writer->kept == K23_CHUNK_BUSY || chunk_change(writer, K23_CHUNK_BUSY)))
		piece_begin(record, K23_PIECE_FIRST);
	else
		chunk_begin_anew(record);
}

/* leave: the thread may not write any more, or in another image. Returns whether the whole record was written. */
static inline int chunk_record_end(struct chunk_record *record, int leave)
{
	if (record->record.dropped)
		return 0;
	piece_end(record, K23_PIECE_LAST);
	chunk_prefetch(record->writer);
	if (leave)
		record->writer->kept = K23_CHUNK_CLOSED;
	chunk_release(record->writer, record->writer->kept);
	return 1;
}

/* --- the same for a record of at most RECORD_SMALL bytes, where there is no reason to do more */

#define RECORD_SMALL 256u

/* Where its data goes; NULL: this cannot be done so. Nothing has happened until its end is said. */
static inline unsigned char *small_record_begin(const struct k23_recording *recording,
						const struct chunk_writer *writer)
{
	if (writer->kept != K23_CHUNK_BUSY || !writer->chunk || chunk_is_old(recording, writer) ||
	    writer->size > K23_CHUNK_SIZE - sizeof(struct k23_piece) - RECORD_SMALL)
		return NULL;
	return (unsigned char *)writer->chunk + writer->size + sizeof(struct k23_piece);
}

static inline void small_record_end(struct chunk_writer *writer, unsigned char *end)
{
	piece_put(writer, end, K23_PIECE_FIRST | K23_PIECE_LAST);
	chunk_prefetch(writer);
	chunk_release(writer, K23_CHUNK_BUSY);
}

#endif
