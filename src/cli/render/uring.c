#include "cli/render/uring.h"

#include <stdio.h>

#include "core/error_name.h"

static const char *const reasons[K23_RING_UNSEEN_REASONS] = {
	[K23_RING_SEEN] = "not recorded",
	[K23_RING_UNKNOWN] = "nothing is known of this io_uring",
	[K23_RING_POLLED] = "a thread of the kernel takes them",
	[K23_RING_UNREADABLE] = "the ring could not be read",
	[K23_RING_DISTURBED] = "others submitted at the same time, or changed the ring",
};

static bool read_submission(const struct items *items, struct k23_ring_submission *submission)
{
	struct piece piece;
	size_t at = 0;

	if (!memory_next_part(items, K23_RING_SUBMISSION, &at, &(struct items){ 0 }, &piece) ||
	    piece.size != sizeof(*submission))
		return false;
	memcpy(submission, piece.data, sizeof(*submission));
	return submission->unseen < K23_RING_UNSEEN_REASONS;
}

bool operations_read(const struct call *call, struct operations *operations)
{
	struct k23_ring_submission submission;
	struct operation operation;
	bool ended = read_submission(&call->out, &submission);
	size_t at = 0;

	if (!ended && !read_submission(&call->in, &submission))
		return false;
	*operations = (struct operations){ .reason = reasons[submission.unseen], .shared = submission.shared };
	while (operations_next(call, PHASE_ENTRY, &at, &operation))
		operations->known++;
	if (submission.unseen == K23_RING_DISTURBED)
		operations->known = 0;
	else if (ended && operations->known > submission.submitted)
		operations->known = submission.submitted;
	if ((ended || submission.unseen) && submission.submitted > operations->known)
		operations->unseen = submission.submitted - operations->known;
	return true;
}

bool operations_next(const struct call *call, enum phase phase, size_t *at, struct operation *operation)
{
	bool entry = phase == PHASE_ENTRY;
	struct items part;
	struct piece piece;

	if (!memory_next_part(entry ? &call->in : &call->out, entry ? K23_RING_OPERATION : K23_RING_COMPLETION, at,
			      &part, &piece))
		return false;
	*operation = (struct operation){
		.call = *call,
		.phase = phase,
		.type = entry ? type_io_uring_sqe : type_io_uring_cqe,
		.address = piece.address,
	};
	operation->call.in = operation->call.out = part;
	return true;
}

static void add(struct line *line, const char *what, const struct operation *operation,
		const struct render_options *options)
{
	struct printer to = printer_of(line, &operation->call, options);

	to.phase = operation->phase;
	line_text(line, what);
	print_at(&to, operation->type, operation->address, operation->type->size);
}

void render_operations(struct line *line, const struct call *call, const struct render_options *options)
{
	struct operations operations = { 0 };
	struct operation operation;
	size_t at = 0;

	operations_read(call, &operations);
	for (uint64_t i = 0; i < operations.known && operations_next(call, PHASE_ENTRY, &at, &operation); i++)
		add(line, "\n sqe ", &operation, options);
	if (operations.unseen)
		line_add(line, "\n sqe ? /* %llu not seen: %s */", (unsigned long long)operations.unseen,
			 operations.reason);
	if (operations.shared && operations.known)
		line_text(line, "\n sqe /* some may be those of another thread's call, which may have these */");
	at = 0;
	while (operations_next(call, PHASE_EXIT, &at, &operation))
		add(line, "\n cqe ", &operation, options);
}

/* A number, or an error. */
void print_result_of_operation(struct printer *to, const struct type *type, struct place place)
{
	const char *name = is_error((int64_t)place.value) ? core_error_name((long)place.value) : NULL;
	char number[24], text[64];

	(void)type;
	snprintf(number, sizeof(number), "%lld", (long long)place.value);
	snprintf(text, sizeof(text), "-%s", name ? name : "");
	if (name)
		print_named(to, number, text);
	else
		line_text(to->line, number);
}
