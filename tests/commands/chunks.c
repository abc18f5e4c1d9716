/*
 * The file of `k23 record` under stress: the hook's writers, as threads and as processes that are killed and stopped in
 * the middle, in a ring that is too small for them; and the reader of `k23 show`, meanwhile and at the end.
 *
 * A record is: its number, of those of its writer; its size; bytes that follow from both. The reader checks that those
 * which it is given are whole, unchanged and in order, and at the end that those of a writer which are there are its
 * last ones without a gap, and that as many were overwritten as the file says.
 *
 * And what a process asks of the kernel for the chunks that it takes.
 *
 * usage: chunks threads|killed|torn|stopped|crowded|ready [SECONDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "writer.h"
#include "../../hooks/recording_write.h"

#include "abi/run_memory.h"
#include "cli/record/recording_reader.h"

#define WRITERS 8u
#define MAX_WRITERS 65536u
#define LARGEST 20000u

struct record_head {
	struct k23_ring_texts image;
	uint32_t number, size;
};

static struct k23_recording *recording;
static uint64_t *written; /* records, by all */
static const char *mode = "threads";
static char path[] = "/tmp/k23-chunks-XXXXXX";
static int stop;
static uint64_t kills, live_records;

static bool is_mode(const char *name)
{
	return strcmp(mode, name) == 0;
}

/* Of `ready`: the chunks that the kernel was asked to make ready, and how often. */
static bool made_ready[8 * WRITERS];
static unsigned asked;

static void note_ready(unsigned long address, size_t size)
{
	size_t first = (address - (unsigned long)recording - recording->chunks_at) / K23_CHUNK_SIZE;

	for (size_t i = first; i < first + size / K23_CHUNK_SIZE; i++)
		if (i >= recording->chunks)
			FAIL("chunk %zu is to be made ready\n", i);
		else
			made_ready[i] = true;
	asked++;
}

/* Notes what the hook asks for, and does it. */
static long noting_syscall(long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4,
			   unsigned long a5, unsigned long a6)
{
	if (nr == SYS_madvise)
		note_ready(a1, a2);
	return fake_syscall(nr, a1, a2, a3, a4, a5, a6);
}

static const struct k23_api noting = { .syscall = noting_syscall, .pid = fake_pid, .tid = fake_tid };

/* --- writers */

static void write_record(struct chunk_writer *writer, uint32_t number)
{
	static _Thread_local unsigned char data[LARGEST];
	struct record_head head = { { K23_RING_ENTRY, 0, k23_cycles() }, number, 0 };
	struct chunk_record record;

	chunk_record_begin(&record, recording, writer);
	head.size = (number * 2654435761u + writer->number) % (number % 64 ? 300 : LARGEST);
	for (uint32_t i = 0; i < head.size; i++)
		data[i] = byte_of(writer->number, number, i);
	record_put(&record.record, &head, sizeof(head));
	record_put(&record.record, data, head.size / 2);
	if (is_mode("torn") && number == 300)
		kill(getpid(), SIGKILL);
	record_put(&record.record, data + head.size / 2, head.size - head.size / 2);
	if (chunk_record_end(&record, number % 1000 == 999))
		__atomic_add_fetch(written, 1, __ATOMIC_RELAXED);
}

static void *write_for_ever(void *stopped)
{
	struct chunk_writer writer = { 0 };

	this_pid = getpid();
	this_tid = gettid();
	for (uint32_t number = 0; !stopped || !__atomic_load_n((int *)stopped, __ATOMIC_RELAXED); number++)
		write_record(&writer, number);
	return NULL;
}

static pid_t start_writer(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		chunks_forget();
		write_for_ever(NULL);
		_exit(0);
	}
	if (pid < 0)
		die(1, "fork failed");
	return pid;
}

/* --- the reader */

static uint32_t *next; /* of each writer: the number that comes next; 0: none has come */
static unsigned gaps;

/* The chunks that are older than all have been: whose turn it was was killed before it had taken its chunk. What comes
 * behind them has been taken meanwhile. */
static unsigned left_behind(void)
{
	unsigned count = 0;

	for (uint64_t sequence = recording->head; sequence > recording->head - recording->chunks; sequence--) {
		uint64_t word = chunk_at(recording, sequence)->word;

		count += word && !chunk_is_newer(word, sequence - 1);
	}
	return count;
}

static void check_record(const struct recording_record *record)
{
	struct record_head head;
	const unsigned char *data = record->data + sizeof(head);

	if (record->size < sizeof(head) || record->writer >= MAX_WRITERS) {
		FAIL("writer %u: a record of %zu bytes\n", record->writer, record->size);
		return;
	}
	memcpy(&head, record->data, sizeof(head));
	if (record->size != sizeof(head) + head.size)
		FAIL("writer %u: a record of %zu bytes says it has %u\n", record->writer, record->size, head.size);
	if (next[record->writer] && head.number < next[record->writer])
		FAIL("writer %u: record %u comes after %u\n", record->writer, head.number, next[record->writer] - 1);
	/* Where the reader is not alone, or all chunks are somebody's, some may be taken from the middle. */
	if (!is_mode("crowded") && recording->ended && next[record->writer] && head.number != next[record->writer] &&
	    ++gaps > (is_mode("killed") ? left_behind() : 0))
		FAIL("writer %u: record %u comes after %u\n", record->writer, head.number, next[record->writer] - 1);
	next[record->writer] = head.number + 1;
	for (uint32_t i = 0; i < head.size && sizeof(head) + i < record->size; i++)
		if (data[i] != byte_of(record->writer, head.number, i)) {
			FAIL("writer %u: record %u is changed at byte %u\n", record->writer, head.number, i);
			return;
		}
}

/* Returns how many records there are. */
static uint64_t read_all(void)
{
	const char *problem;
	struct recording_reader *reader = recording_reader_open(path, &problem);
	struct recording_record record;
	uint64_t count = 0, last = 0;

	if (!reader)
		die(1, "the file is no recording");
	memset(next, 0, MAX_WRITERS * sizeof(*next));
	for (; recording_reader_next(reader, &record); count++) {
		uint64_t time = ((const struct k23_ring_texts *)(const void *)record.data)->time;

		if (recording->ended && time < last)
			FAIL("a record is older than the one before\n");
		last = time;
		check_record(&record);
	}
	if (recording->ended && recording_reader_losses(reader)->damaged)
		FAIL("%llu places are damaged\n", (unsigned long long)recording_reader_losses(reader)->damaged);
	recording_reader_close(reader);
	return count;
}

/* --- the test */

static void make_file(uint32_t chunks)
{
	size_t at = (sizeof(*recording) + K23_CHUNK_SIZE - 1) / K23_CHUNK_SIZE * K23_CHUNK_SIZE;
	size_t size = RUN_MEMORY_CONTENTS + at + chunks * (size_t)K23_CHUNK_SIZE;
	int fd = mkostemp(path, O_CLOEXEC);
	char *memory;

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		die(1, "no file");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	written = mmap(NULL, sizeof(*written), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	next = calloc(MAX_WRITERS, sizeof(*next));
	if (memory == MAP_FAILED || (void *)written == MAP_FAILED || !next)
		die(1, "out of memory");
	recording = (struct k23_recording *)(void *)(memory + RUN_MEMORY_CONTENTS);
	recording->channel.magic = K23_RECORDING_MAGIC;
	recording->version = K23_RECORDING_VERSION;
	recording->chunks = chunks;
	recording->chunks_at = (uint32_t)at;
	recording->check = recording_check(recording);
	k23_api = &fake;
}

/* Now and then something happens to a writer. */
static void disturb(pid_t *children)
{
	unsigned i = (unsigned)rand() % WRITERS;

	if (is_mode("killed"))
		kill(children[i], SIGKILL);
	if (is_mode("stopped")) {
		kill(children[i], SIGSTOP);
		kill(children[(unsigned)rand() % WRITERS], SIGCONT);
	} else if (waitpid(children[i], NULL, is_mode("killed") ? 0 : WNOHANG) == children[i]) {
		kills++;
		children[i] = start_writer();
	}
}

static void run(double seconds)
{
	bool in_threads = is_mode("threads") || is_mode("crowded");
	pthread_t threads[WRITERS];
	pid_t children[WRITERS];
	double end = now() + seconds;

	for (unsigned i = 0; i < WRITERS; i++)
		if (!in_threads)
			children[i] = start_writer();
		else if (pthread_create(&threads[i], NULL, write_for_ever, &stop) != 0)
			die(1, "no threads");
	for (unsigned round = 1; (now() < end || !live_records) && !failures; round++) {
		struct timespec nap = { 0, rand() % 2000000 };

		nanosleep(&nap, NULL);
		if (!in_threads)
			disturb(children);
		if (round % 8 == 0)
			live_records += read_all();
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < WRITERS; i++)
		if (in_threads) {
			pthread_join(threads[i], NULL);
		} else {
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
			kills++;
		}
}

static void check_counts(void)
{
	uint64_t whole = read_all(), kept = whole + recording->overwritten;

	printf("%s: %llu records were written, %llu overwritten, %llu dropped, %llu are there, %llu were read before; "
	       "%llu kills\n",
	       mode, (unsigned long long)*written, (unsigned long long)recording->overwritten,
	       (unsigned long long)recording->dropped, (unsigned long long)whole, (unsigned long long)live_records,
	       (unsigned long long)kills);
	if (*written < 1000 || !recording->overwritten || !live_records || (whole < 100 && !is_mode("crowded")))
		FAIL("that is not much\n");
	if (recording->dropped && !is_mode("crowded"))
		FAIL("records were dropped\n");
	/* A writer may be killed when it has written a record and has not counted it, or when it is taking a chunk that
	 * somebody else's records were in; and of a record in pieces the first one may be there without the last. */
	if (kept > *written + kills + WRITERS + recording->dropped ||
	    kept + recording->dropped + WRITERS + kills * (K23_CHUNK_SIZE / 64) < *written)
		FAIL("there are %lld too many\n", (long long)(kept - *written));
}

/* A process that takes all chunks, twice: those of the first round are ready when it takes them, by a few calls. */
static void check_ready(void)
{
	struct chunk_writer writer = { 0 };

	this_pid = getpid();
	this_tid = gettid();
	for (uint32_t number = 0; writer.sequence < 2 * recording->chunks; number++) {
		write_record(&writer, number);
		if (!made_ready[(writer.sequence - 1) % recording->chunks])
			FAIL("chunk %llu is not ready\n", (unsigned long long)writer.sequence);
	}
	printf("ready: %u calls for %u chunks\n", asked, recording->chunks);
	if (asked > recording->chunks / 4)
		FAIL("those are too many\n");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		mode = argv[1];
	signal(SIGCHLD, SIG_DFL); /* ignored, it would leave nothing to wait for */
	make_file(is_mode("crowded") ? WRITERS : 8 * WRITERS);
	if (is_mode("ready")) {
		k23_api = &noting;
		check_ready();
	} else {
		run(argc > 2 ? atof(argv[2]) : 1);
		recording->ended = 1;
		check_counts();
	}
	unlink(path);
	return failures ? 1 : 0;
}
