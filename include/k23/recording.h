/*
 * k23/recording.h - the file of `k23 record`: the last records of a program, of the kinds that k23/ring.h has.
 *
 * The file is mapped by all processes of the run, so what is in it is in the kernel's hands at once, whoever is killed.
 * It has chunks. A thread takes a chunk, writes records into it, alone, and takes the next one when it is full: the
 * oldest, in a circle. No writer ever waits for another one or for a reader.
 *
 * A chunk's word is sequence | thread id | size | state. Only a CAS of it takes a chunk: a thread makes its own BUSY
 * for as long as it writes a record, and IDLE again with the size that the chunk then has. So what is within the size
 * is whole, and a thread whose chunk was taken from it while it was IDLE finds out before it writes.
 *
 *	FREE    nobody has had it
 *	IDLE    its thread may go on in it. It is taken if its thread does not live, or if there is no other
 *	BUSY    its thread is writing, or was killed while it did; it is taken only if the thread does not live.
 *		Where chunks are many and threads are few, a chunk stays BUSY between records, too
 *	CLOSED  its thread has left it, and takes it again only if it is as it was
 *
 * A record is one piece, or several, the later of which are each the first of the writer's next chunk. Each piece has a
 * checksum, which also says where it belongs: so a reader is sure of each, whatever has become of the file. Records of
 * several writers are put in order by the time, of the time stamp counter, that each has.
 */
#ifndef K23_RECORDING_H
#define K23_RECORDING_H

#include <k23/ring.h>

#define K23_RECORDING_MAGIC 0x647263657233326bul /* "k23recrd" */
#define K23_RECORDING_VERSION 2u

#define K23_CHUNK_SIZE 8192u
#define K23_RECORDING_TEXT 8192u

enum k23_chunk_state { K23_CHUNK_FREE, K23_CHUNK_IDLE, K23_CHUNK_BUSY, K23_CHUNK_CLOSED };

#define K23_CHUNK_STATE_BITS 2
#define K23_CHUNK_SIZE_BITS 12 /* in units of 8 bytes */
#define K23_CHUNK_SEQUENCE_BITS 28 /* the lower ones */

static inline uint64_t k23_chunk_word(uint64_t sequence, uint32_t tid, uint32_t size, enum k23_chunk_state state)
{
	return (sequence << K23_RING_TID_BITS | (tid & ((1u << K23_RING_TID_BITS) - 1)))
		       << (K23_CHUNK_SIZE_BITS + K23_CHUNK_STATE_BITS) |
	       (uint64_t)(size / 8) << K23_CHUNK_STATE_BITS | state;
}

static inline enum k23_chunk_state k23_chunk_state(uint64_t word)
{
	return (enum k23_chunk_state)(word & ((1u << K23_CHUNK_STATE_BITS) - 1));
}

static inline uint32_t k23_chunk_size(uint64_t word)
{
	return (uint32_t)(word >> K23_CHUNK_STATE_BITS & ((1u << K23_CHUNK_SIZE_BITS) - 1)) * 8;
}

static inline uint32_t k23_chunk_tid(uint64_t word)
{
	return (uint32_t)(word >> (K23_CHUNK_SIZE_BITS + K23_CHUNK_STATE_BITS)) & ((1u << K23_RING_TID_BITS) - 1);
}

/* Those bits of the sequence that a word has. */
static inline uint64_t k23_chunk_sequence(uint64_t word)
{
	return word >> (64 - K23_CHUNK_SEQUENCE_BITS);
}

struct k23_chunk {
	uint64_t word;
	uint64_t sequence; /* which chunk of the whole run this is; the first is 1 */
	uint32_t writer;   /* as in a cell of the ring */
	uint32_t pid, tid;
	uint32_t records; /* how many have begun in it */
	uint32_t number;  /* which of the writer's chunks this is; the first is 1 */
	uint32_t reserved;
	uint64_t cycles;  /* a moment by the time stamp counter and by CLOCK_MONOTONIC; 0: was not noted */
	uint64_t nanoseconds;
	unsigned char data[K23_CHUNK_SIZE - 56]; /* pieces */
};

enum k23_piece_flags {
	K23_PIECE_FIRST = 1, /* a record begins with it */
	K23_PIECE_LAST = 2,  /* and ends with it */
};

/* The next piece follows where the address is a multiple of 8. */
struct k23_piece {
	uint32_t check;
	uint16_t size; /* of the data behind it */
	uint8_t flags;
	uint8_t reserved;
};

static inline uint32_t k23_piece_room(uint32_t size)
{
	return (uint32_t)sizeof(struct k23_piece) + ((size + 7) & ~7u);
}

/* What the checksums of a chunk's pieces begin with. */
static inline uint64_t k23_chunk_seed(const struct k23_chunk *chunk)
{
	return (chunk->sequence ^ (uint64_t)chunk->writer << 32) * 0x9e3779b97f4a7c15u +
	       ((uint64_t)chunk->pid << 32 | chunk->tid) + chunk->number;
}

/* One word of a checksum. What two changed bits do to `sum` may cancel out; the turned `sums` then tells. */
static inline void k23_check_add(uint64_t *sum, uint64_t *sums, uint64_t word)
{
	*sum += word;
	*sums = (*sums << 23 | *sums >> 41) + *sum;
}

/* The checksum of a piece, that has these in its head; its data is filled up with zeros to a multiple of 8. */
static inline uint32_t k23_piece_check(uint64_t seed, uint32_t offset, uint32_t size, uint32_t flags, const void *data)
{
	typedef uint64_t __attribute__((may_alias)) word;
	const word *at = data, *end = at + (size + 7) / 8;
	uint64_t sum = seed + ((uint64_t)offset << 32 | size << 8 | flags), sums = sum;

	if ((end - at) % 2)
		k23_check_add(&sum, &sums, *at++);
	for (; at < end; at += 2) {
		k23_check_add(&sum, &sums, at[0]);
		k23_check_add(&sum, &sums, at[1]);
	}
	sum *= 0x9e3779b97f4a7c15u;
	return (uint32_t)((sums + (sum ^ sum >> 32)) * 0xd6e8feb86659fd93u >> 32);
}

/* Calls in less room than in the ring: types of records besides enum k23_ring_type, for which a reader takes
 * K23_RING_ENTRY and K23_RING_EXIT. What follows their structs is the same. */
enum k23_recording_type {
	K23_RECORDING_ENTRY = 32,
	K23_RECORDING_EXIT,
};

/* A call whose number has 32 bits. */
struct k23_recording_entry {
	uint8_t type;
	uint8_t count; /* of arguments: those that the call has */
	uint8_t arch;  /* enum k23_channel_arch */
	uint8_t reserved;
	int32_t nr;
	uint64_t time;
	uint64_t ip;
	uint64_t args[];
};

/* The call was made when its entry was recorded. */
struct k23_recording_exit {
	uint8_t type;
	uint8_t tampered;
	uint16_t reserved;
	uint32_t entered;
	uint64_t end;
	int64_t result;
};

/* What of the file there is one of; chunks follow, from a multiple of their size on. */
struct k23_recording {
	struct k23_channel channel;
	uint32_t version, check; /* of what follows, to the end of `text` */
	uint32_t chunks, chunks_at; /* how many; and where the first one is from here */
	uint64_t cycles, nanoseconds; /* when the recording began, by the counter and by CLOCK_MONOTONIC */
	int64_t unix_time;	      /* and in nanoseconds since 1970 */
	struct k23_ring_request request;
	char text[K23_RECORDING_TEXT]; /* lines of a name and a value: version, machine, command and so on */

	uint64_t last_cycles, last_nanoseconds; /* the last moment that the command has noted */
	uint32_t ended;	    /* the command has ended the recording */
	int32_t child, status; /* the first process, when it has ended; as waitpid has it */
	uint32_t reserved;
	/* Written to by all. */
	uint64_t head __attribute__((aligned(64))); /* the sequence of the last chunk that was taken, about */
	uint64_t overwritten; /* records */
	uint64_t dropped;     /* records for which there was no chunk */
	uint32_t writers;
};

_Static_assert(sizeof(struct k23_chunk) == K23_CHUNK_SIZE, "a chunk is pages");
_Static_assert(sizeof(struct k23_recording_entry) == 24 && sizeof(struct k23_recording_exit) == 24, "likewise");
_Static_assert(K23_CHUNK_SIZE / 8 < 1u << K23_CHUNK_SIZE_BITS, "a size fits into the word");
_Static_assert(K23_CHUNK_SEQUENCE_BITS + K23_RING_TID_BITS + K23_CHUNK_SIZE_BITS + K23_CHUNK_STATE_BITS == 64,
	       "the word is full");

#endif
