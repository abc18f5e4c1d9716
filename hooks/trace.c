/*
 * trace: records every call for `k23 trace` and `k23 record`, before it is made and after it returned; and besides
 * calls the starts and ends of threads and processes, and the signals that are delivered.
 */
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "call_record.h"
#include "collector.h"
#include "fetch.h"
#include "pid_namespace.h"
#include "recording_write.h"
#include "ring_write.h"
#include "stack.h"
#include "uring.h"

#include <signal.h>

/* Results with which the kernel tells its own code that a signal interrupted a call: ERESTARTSYS and those after it. */
#define IS_INTERRUPTED(result) ((result) == -EINTR || ((result) <= -512 && (result) >= -516))

#define MMAP2_SHIFT 12 /* mmap2 takes its offset in pages */

struct thread {
	uint32_t writer; /* this thread's number in the ring; 0: none yet */
	struct chunk_writer chunk;
	struct k23_ring_reaped reaped; /* by the call in flight; type is 0: none */
	struct uring_thread urings;
};

/* A record, wherever it is written to. */
union any_record {
	struct record record;
	struct ring_record ring;
	struct chunk_record chunk;
};

static struct k23_ring *ring;		/* NULL: none */
static struct k23_recording *recording; /* NULL: none */
static const struct k23_ring_request *request; /* NULL: nothing is recorded */
static uint32_t texts_recorded; /* the value of k23_texts_changed() for which that is; 0: not yet */

/* What runs for each call is compiled for each place where records go: `to_file`, that is a recording. */
#define FOR_EACH_PLACE static inline __attribute__((always_inline))

/* waits: it is not to be dropped, whatever the user has asked for. */
FOR_EACH_PLACE struct record *record_begin(union any_record *record, struct thread *thread, int waits, int to_file)
{
	if (to_file) {
		chunk_record_begin(&record->chunk, recording, &thread->chunk);
		return &record->record;
	}
	if (!thread->writer)
		thread->writer = __atomic_add_fetch(&ring->writers, 1, __ATOMIC_RELAXED);
	ring_record_begin(&record->ring, ring, thread->writer, waits);
	return &record->record;
}

/* leave: the thread may not record any more. Returns whether the whole record was written. */
FOR_EACH_PLACE int record_end(union any_record *record, int leave, int to_file)
{
	return to_file ? chunk_record_end(&record->chunk, leave) : ring_record_end(&record->ring);
}

static int is_exec(const struct k23_call *call)
{
	return call->arch == K23_ARCH_X86_64 && (call->nr == SYS_execve || call->nr == SYS_execveat);
}

/* Records where the process has code, unless that is as it was. */
static void record_texts(struct thread *thread)
{
	uint32_t now = k23_texts_changed();
	union any_record any;

	if (__atomic_load_n(&texts_recorded, __ATOMIC_RELAXED) == now)
		return;
	stack_put_texts(record_begin(&any, thread, 1, recording != NULL));
	record_end(&any, 0, recording != NULL);
	__atomic_store_n(&texts_recorded, now, __ATOMIC_RELAXED);
}

/* --- in a recording, the calls that programs make most: nothing is to be fetched for them, or a few bytes. If a record
 * cannot be made so, nothing is done. Returns whether it was made. */

static int calls_may_be_small;

_Static_assert(SHORT_ENTRY_MOST + FETCH_FEW <= RECORD_SMALL, "a small record has room for these");

/* Ends a record for whose call what this phase has to fetch follows. */
static inline int small_end(const struct k23_call *call, struct thread *thread, unsigned char *at, unsigned phase,
			    uint64_t most)
{
	const struct fetch_argument *argument = FETCH_ARGUMENTS_OF(call, fetch_memory_x86_64);

	for (; argument->node; argument++) {
		size_t size;

		if (!(argument->phases & phase))
			continue;
		size = argument[1].node ? 0 : fetch_few_bytes(call, argument, most, request->string_size, at);
		if (!size)
			return 0;
		at += size;
	}
	small_record_end(&thread->chunk, at);
	return 1;
}

static inline int record_small_entry(const struct k23_call *call, struct thread *thread, uint64_t time)
{
	unsigned char *at = small_record_begin(recording, &thread->chunk);

	if (!at || !calls_may_be_small || call->arch != K23_ARCH_X86_64 || call->nr != (int32_t)call->nr ||
	    call->nr == SYS_rt_sigreturn)
		return 0;
	return small_end(call, thread, short_entry(at, call, time), FETCH_ENTRY, UINT64_MAX);
}

static inline int record_small_exit(const struct k23_call *call, struct thread *thread, uint64_t entered, uint64_t time,
				    long result)
{
	unsigned char *at = small_record_begin(recording, &thread->chunk);

	if (!at || !calls_may_be_small || call->arch != K23_ARCH_X86_64 || IS_INTERRUPTED(result))
		return 0;
	return small_end(call, thread, short_exit(at, call, entered, time, result), k23_failed(result) ? 0 : FETCH_EXIT,
			 (uint64_t)result);
}

/* --- all calls */

/* Returns whether it was recorded. last: no more may be recorded of this thread. */
FOR_EACH_PLACE int record_entry(const struct k23_call *call, struct thread *thread, uint64_t time, int last,
				struct uring_call *enter, int to_file)
{
	struct fetch fetch = { NULL, call, request, FETCH_ENTRY, 0, UINT64_MAX, 0, 0, 0 };
	struct k23_call shown;
	struct record *record;
	union any_record any;

	if (to_file && !last && !enter && record_small_entry(call, thread, time))
		return 1;
	if (request->stack_size)
		record_texts(thread);
	fetch.record = record = record_begin(&any, thread, 0, to_file);

	if (__builtin_expect(call->nr == SYS_rt_sigreturn && call->arch == K23_ARCH_X86_64, 0)) {
		shown = *call;
		shown.args[0] = call->sp;
		fetch.call = call = &shown;
	}
	if (to_file)
		put_short_entry(record, call, time);
	else
		put_entry(record, call, time);
	fetch_call(&fetch);
	if (enter)
		uring_put_operations(&fetch, enter);
	if (request->stack_size)
		stack_put(record, request->stack_size);
	return record_end(&any, last, to_file);
}

/* The record of a call's entry may be overwritten by now: it is made again, without what arguments lead to. */
static void record_entry_again(union any_record *any, const struct k23_call *call, struct thread *thread, uint64_t time)
{
	put_short_entry(&any->record, call, time);
	record_end(any, 0, 1);
	record_begin(any, thread, 0, 1);
}

FOR_EACH_PLACE void record_exit(const struct k23_call *call, struct thread *thread, uint64_t entered, uint64_t start,
				long result, const struct uring_call *enter, int to_file)
{
	struct fetch fetch = { NULL, call, request, FETCH_EXIT, (uint64_t)result, (uint64_t)result, 0, 0, 0 };
	uint64_t end = k23_cycles();
	union any_record any;
	struct record *record;

	if (to_file && !enter && record_small_exit(call, thread, entered, end, result))
		return;
	fetch.record = record = record_begin(&any, thread, 0, to_file);
	if (to_file && any.chunk.moved)
		record_entry_again(&any, call, thread, entered);
	if (to_file)
		put_short_exit(record, call, entered, end, result);
	else
		put_exit(record, call, entered, start, end, result);
	if (IS_INTERRUPTED(result))
		fetch.phase = FETCH_INTERRUPTED;
	if (!k23_failed(result) || IS_INTERRUPTED(result))
		fetch_call(&fetch);
	if (enter)
		uring_put_completions(&fetch, enter);
	record_end(&any, 0, to_file);
}

static int names_thread(const struct k23_call *call)
{
	return call->arch == K23_ARCH_X86_64 && call->nr == SYS_prctl && (int)call->args[0] == PR_SET_NAME;
}

/* A reader has to know of each execve, to tell what becomes of the process's threads, and what threads are called. */
static inline int is_wanted(const struct k23_call *call)
{
	return k23_ring_has_call(&request->wanted, call->arch, call->nr) || is_exec(call) || names_thread(call);
}

/* Records what is no call. */
static void record_event(const void *event, size_t size, int last)
{
	union any_record any;
	struct record *record = record_begin(&any, k23_thread_state(), 1, recording != NULL);

	record_put(record, event, size);
	record_end(&any, last, recording != NULL);
}

/* Of a thread that may be in another PID namespace than the reader: which that is. To be called before anything else is
 * recorded of it. */
static void record_namespace(void)
{
	struct k23_ring_namespace namespace = { K23_RING_NAMESPACE, 0, k23_cycles(), 0 };
	union any_record any;
	struct record *record;

	if (!ring || !request->namespaces || !__atomic_load_n(&channel->foreign_pids, __ATOMIC_SEQ_CST))
		return;
	namespace.inode = pid_namespace();
	record = record_begin(&any, k23_thread_state(), 1, 0);
	record_put(record, &namespace, sizeof(namespace));
	if (ring_record_end(&any.ring))
		ring_record_wait(&any.ring);
}

/* A recording needs nobody who reads it. */
static int is_recording(void)
{
	return request && (recording || channel_has_reader());
}

/* What is recorded of a call between its return and the record of that. */
typedef void between_fn(const struct k23_call *call, long result);

/* enter: of a call that is io_uring_enter; otherwise NULL. */
FOR_EACH_PLACE long record_call(struct k23_call *call, between_fn *between, struct uring_call *enter, int to_file)
{
	struct thread *thread;
	struct k23_call before;
	uint64_t entered, start;
	long result;
	int recorded;

	if (!is_recording())
		return k23_forward(call);
	recorded = is_wanted(call);
	if (!recorded && !between && !enter)
		return k23_forward(call);
	entered = k23_cycles();
	thread = k23_thread_state();
	if (enter)
		uring_begin(enter, &thread->urings, call);
	recorded = recorded && record_entry(call, thread, entered, is_exec(call), enter, to_file);
	if (enter)
		uring_made(enter, recorded);
	call->tampered = 0;
	before = *call; /* a later hook may change it */
	/* In a recording, where each bit of time counts, it is taken once for both. */
	start = to_file ? entered : k23_cycles();
	result = k23_forward(call);
	before.tampered = call->tampered;
	if (between)
		between(&before, result);
	if (enter)
		uring_end(enter, &before, result, recorded);
	if (recorded)
		record_exit(&before, thread, entered, start, result, enter, to_file);
	return result;
}

static long on_call(struct k23_call *call)
{
	return recording ? record_call(call, NULL, NULL, 1) : record_call(call, NULL, NULL, 0);
}

/* The same for calls that are rare. */
static long record_call_and(struct k23_call *call, between_fn *between)
{
	return record_call(call, between, NULL, recording != NULL);
}

/* --- what is recorded besides calls */

static void record_start(int process)
{
	struct k23_ring_start start = { K23_RING_START, (uint32_t)process, k23_cycles(), { 0 } };

	if (!is_recording())
		return;
	record_namespace();
	k23_syscall(SYS_prctl, PR_GET_NAME, (unsigned long)start.comm, 0, 0, 0, 0);
	record_event(&start, sizeof(start), 0);
}

static long on_end(struct k23_call *call, int process)
{
	struct k23_ring_end end = { K23_RING_END, (uint32_t)process, k23_cycles(), (int32_t)call->args[0], 0 };
	struct k23_call before;
	long result;
	int recorded;

	if (!is_recording())
		return k23_forward(call);
	call->tampered = 0;
	before = *call;
	recorded = is_wanted(call) && record_entry(call, k23_thread_state(), end.time, 0, NULL, recording != NULL);
	record_event(&end, sizeof(end), 1);
	result = k23_forward(call); /* comes back only if a filter of the program, or another hook, is against it */
	before.tampered = call->tampered;
	if (recorded)
		record_exit(&before, k23_thread_state(), end.time, end.time, result, NULL, recording != NULL);
	return result;
}

static long on_exit(struct k23_call *call)
{
	return on_end(call, 0);
}

static long on_exit_group(struct k23_call *call)
{
	return on_end(call, 1);
}

static void record_reaped(long pid, int status, int known)
{
	struct k23_ring_reaped *reaped = &((struct thread *)k23_thread_state())->reaped;

	*reaped = (struct k23_ring_reaped){ K23_RING_REAPED, (uint32_t)known, k23_cycles(), (int32_t)pid, status };
	record_event(reaped, sizeof(*reaped), 0);
}

/* Whether the program leaves SIGCHLD to the kernel, which ignores it, and does not block it. */
static int leaves_sigchld(void)
{
	uint64_t action[4] = { 0 }, mask = 0;

	k23_syscall(SYS_rt_sigaction, SIGCHLD, 0, (unsigned long)action, 8, 0, 0);
	k23_syscall(SYS_rt_sigprocmask, 0, 0, (unsigned long)&mask, 8, 0, 0);
	return !action[0] && !(mask >> (SIGCHLD - 1) & 1);
}

/*
 * A SIGCHLD that the program leaves to the kernel is not delivered to anybody, and to have it delivered would interrupt
 * calls. But users of strace know it, as it is delivered to who has a tracer. So it is recorded here, where it comes
 * mostly: when the program has waited for the child. The reader knows how that ended.
 */
static void record_sigchld(void)
{
	struct k23_ring_reaped *reaped = &((struct thread *)k23_thread_state())->reaped;
	siginfo_t info = { .si_signo = SIGCHLD, .si_pid = reaped->pid };
	struct k23_ring_signal record = { K23_RING_SIGNAL, 0, k23_cycles(), { 0 } };

	if (reaped->type && is_recording() && leaves_sigchld()) {
		info.si_uid = (uint32_t)k23_syscall(SYS_getuid, 0, 0, 0, 0, 0, 0);
		memcpy(record.info, &info, sizeof(record.info));
		record_event(&record, sizeof(record), 0);
	}
	reaped->type = 0;
}

static void after_wait4(const struct k23_call *call, long pid)
{
	int status = 0, known;

	if (pid <= 0)
		return;
	known = call->args[1] && k23_copy_from(&status, call->args[1], sizeof(status)) == 0;
	if ((status & 0x7f) != 0x7f) /* it has not only stopped, or gone on */
		record_reaped(pid, status, known);
}

static void after_waitid(const struct k23_call *call, long result)
{
	struct {
		int signo, error, code, padding, pid, uid, status;
	} info;

	if (result < 0 || call->args[3] & WNOWAIT || !call->args[2] ||
	    k23_copy_from(&info, call->args[2], sizeof(info)) < 0 || !info.pid)
		return;
	if (info.code == CLD_EXITED)
		record_reaped(info.pid, (info.status & 0xff) << 8, 1);
	else if (info.code == CLD_KILLED || info.code == CLD_DUMPED)
		record_reaped(info.pid, info.status | (info.code == CLD_DUMPED ? 0x80 : 0), 1);
}

static void after_socket(const struct k23_call *call, long result)
{
	fetch_note_socket((int)call->args[0], result);
}

static long on_socket(struct k23_call *call)
{
	return record_call_and(call, after_socket);
}

static long on_wait4(struct k23_call *call)
{
	long result = record_call_and(call, after_wait4);

	record_sigchld();
	return result;
}

static long on_waitid(struct k23_call *call)
{
	long result = record_call_and(call, after_waitid);

	record_sigchld();
	return result;
}

static void after_io_uring_setup(const struct k23_call *call, long result)
{
	uring_set_up(&((struct thread *)k23_thread_state())->urings, call, result);
}

static void after_io_uring_register(const struct k23_call *call, long result)
{
	uring_registered(&((struct thread *)k23_thread_state())->urings, call, result);
}

static void after_mmap(const struct k23_call *call, long result)
{
	uint64_t offset = call->arch == K23_ARCH_I386 ? call->args[5] << MMAP2_SHIFT : call->args[5];

	uring_mapped((int)call->args[4], offset, call->args[3], result);
}

static long on_io_uring_setup(struct k23_call *call)
{
	return record_call_and(call, after_io_uring_setup);
}

static long on_io_uring_register(struct k23_call *call)
{
	return record_call_and(call, after_io_uring_register);
}

static long on_io_uring_enter(struct k23_call *call)
{
	struct uring_call enter;

	return record_call(call, NULL, &enter, recording != NULL);
}

static long on_mmap(struct k23_call *call)
{
	return uring_any ? record_call_and(call, after_mmap) : on_call(call);
}

/* Calls by int $0x80 of which more is recorded than the call. */
static long on_i386(struct k23_call *call)
{
	enum { EXIT = 1, WAITPID = 7, WAIT4 = 114, MMAP2 = 192, EXIT_GROUP = 252 };

	switch (call->nr) {
	case EXIT:
	case EXIT_GROUP:
		return on_end(call, call->nr == EXIT_GROUP);
	case WAITPID:
	case WAIT4:
		return on_wait4(call);
	case MMAP2:
		return on_mmap(call);
	case SYS_io_uring_setup: /* these have the same numbers */
		return on_io_uring_setup(call);
	case SYS_io_uring_enter:
		return on_io_uring_enter(call);
	case SYS_io_uring_register:
		return on_io_uring_register(call);
	}
	return on_call(call);
}

static int init(const struct k23_options *options)
{
	struct k23_ring_image image = { K23_RING_IMAGE, 0, k23_cycles(), { 0 } };
	int records = k23_option(options, "recording") != NULL;
	int r = channel_init(options, records ? K23_RECORDING_MAGIC : K23_RING_MAGIC,
			     records ? "record" : "trace");

	if (r < 0 || !channel)
		return r;
	if (records)
		recording = (struct k23_recording *)channel;
	else
		ring = (struct k23_ring *)channel;
	if (ring)
		uring_unseen = &ring->unseen;
	request = records ? &recording->request : &ring->request;
	calls_may_be_small = records && fetch_is_plain(request);
	record_namespace();
	k23_syscall(SYS_prctl, PR_GET_NAME, (unsigned long)image.comm, 0, 0, 0, 0);
	record_event(&image, sizeof(image), 0);
	/* The reader's child is the first image that arrives, and the program the second. */
	if (request->detach_on_exec && __atomic_load_n(&channel->arrived, __ATOMIC_RELAXED) > 2)
		request = NULL;
	return 0;
}

static void fork_child(void)
{
	struct thread *thread = k23_thread_state();

	/* These are the parent's thread's. */
	thread->writer = 0;
	thread->chunk = (struct chunk_writer){ 0 };
	chunks_forget();
	thread->urings = (struct uring_thread){ { 0 } };
	texts_recorded = 0;
	record_start(1);
}

static void thread_start(void)
{
	record_start(0);
}

static void on_signal(const struct k23_signal *signal)
{
	struct k23_ring_signal record = { K23_RING_SIGNAL, (uint32_t)signal->handled, k23_cycles(), { 0 } };

	if (!is_recording())
		return;
	memcpy(record.info, signal->info, sizeof(record.info));
	record_event(&record, sizeof(record), 0);
}

K23_HOOK(trace,
	.init = init,
	.fork_child = fork_child,
	.thread_start = thread_start,
	.signal = on_signal,
	.thread_size = sizeof(struct thread),
	.all = on_call,
	.i386 = on_i386,
	.calls = {
		CHANNEL_CALLS,
		{ SYS_clone, on_namespace }, { SYS_clone3, on_namespace }, { SYS_unshare, on_namespace },
		{ SYS_setns, on_namespace },
		{ SYS_exit, on_exit }, { SYS_exit_group, on_exit_group },
		{ SYS_wait4, on_wait4 }, { SYS_waitid, on_waitid }, { SYS_socket, on_socket },
		{ SYS_mmap, on_mmap }, { SYS_io_uring_setup, on_io_uring_setup },
		{ SYS_io_uring_enter, on_io_uring_enter }, { SYS_io_uring_register, on_io_uring_register },
	});
