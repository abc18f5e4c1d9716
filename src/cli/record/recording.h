/*
 * The file of `k23 record` (k23/recording.h), for the command that makes it.
 */
#ifndef CLI_RECORD_RECORDING_H
#define CLI_RECORD_RECORDING_H

#include <stddef.h>

#include <k23/recording.h>

#include "cli/segment.h"
#include "cli/trace/options.h"

/* Makes the file, which is `size` bytes large, about, takes the place of one of that name, and is the memory of the
 * segment. Dies when it cannot be made. */
struct k23_recording *recording_create(struct segment *segment, const char *path, size_t size,
				       const struct trace_options *options);

/* Notes the present time, by which the reader knows the rate of the time stamp counter. */
void recording_note_time(struct k23_recording *recording);

/* Makes the kernel provide memory for those chunks that are about to be taken: writers would have to wait for it. */
void recording_prepare(struct k23_recording *recording);

#endif
