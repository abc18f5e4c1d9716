/*
 * Reading the file of `k23 record` (k23/recording.h): the records of all threads, in the order in which they were made.
 *
 * Anything may have happened to the file: whatever is in it, each function here ends, and only records whose checksums
 * say so are handed out. It may also grow and change meanwhile.
 */
#ifndef CLI_RECORD_RECORDING_READER_H
#define CLI_RECORD_RECORDING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/recording.h>

#include "cli/tsc.h"

/* What a file does not have. */
struct recording_losses {
	bool header; /* the header is damaged, so that what it says may be wrong */
	uint64_t cut;	   /* chunks that are behind the file's end */
	uint64_t damaged;  /* places that do not hold what was written there */
	uint64_t bytes;	   /* in them */
};

/* A record, as it lies in the ring; `data` is valid until the next one is taken. */
struct recording_record {
	uint32_t writer, pid, tid;
	const unsigned char *data; /* begins as struct k23_ring_texts does */
	size_t size;
};

struct recording_reader;

/* Opens a file. NULL, with *problem as a clause: it is no recording, or cannot be read. */
struct recording_reader *recording_reader_open(const char *path, const char **problem);

/* The next record. False: there is none. */
bool recording_reader_next(struct recording_reader *reader, struct recording_record *record);

const struct k23_recording *recording_reader_header(const struct recording_reader *reader);
const struct recording_losses *recording_reader_losses(const struct recording_reader *reader);

/* The latest moment that the file has by both clocks. */
struct tsc_moment recording_reader_last(const struct recording_reader *reader);

void recording_reader_close(struct recording_reader *reader);

/* The checksum of the part of the header that does not change. */
uint32_t recording_check(const struct k23_recording *recording);

#endif
