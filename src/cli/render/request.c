/*
 * What of the program's memory has to be recorded for what is to be shown.
 */
#include <string.h>

#include "cli/render.h"

void render_request(const struct render_options *options, struct k23_ring_request *request)
{
	request->string_size = (uint32_t)options->string;
	request->verbose = options->verbose;
	if (options->whole)
		request->whole = *options->whole;
	else
		memset(&request->whole, 0xff, sizeof(request->whole));
	request->descriptor_details = (options->fds & ~(unsigned)FDS_PATHS) != 0;
	request->descriptors = options->fds ? K23_RING_SHOWN_DESCRIPTORS : K23_RING_NO_DESCRIPTORS;
}
