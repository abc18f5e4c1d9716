/*
 * The ring of `k23 trace` under stress: the hook's writers, as threads and as processes that are killed and stopped
 * in the middle, against the collector's reader.
 *
 * A record is: its number, of those of its writer; its size; bytes that follow from both. The reader checks that each
 * writer's records arrive whole, unchanged, in order, each once; and how many are missing.
 *
 * usage: ring threads|processes|killed|torn|stopped|drop [SECONDS]
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
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
#include "../../hooks/ring_write.h"

#include "cli/ring_reader.h"

#define CELLS 256u
#define WRITERS 16u
#define MAX_WRITERS 65536u
#define LARGEST 2000u

struct record_head {
	uint32_t number, size;
};

static struct k23_ring *ring;
static const char *mode = "threads";
static bool threads_write;

/* What the reader knows of each writer. */
static struct {
	uint32_t next;
	uint32_t size;
	unsigned char data[LARGEST + sizeof(struct record_head)];
} *writers;
static uint64_t records, missing, lost;

/* Some writers die by themselves while they hold a cell. */
static bool tears(uint32_t number)
{
	return strcmp(mode, "torn") == 0 && number == 50;
}

static void write_record(uint32_t writer, uint32_t number)
{
	unsigned char data[LARGEST];
	struct record_head head = { number, (number * 2654435761u + writer) % (number % 16 ? 200 : LARGEST) };
	struct ring_record record;

	for (uint32_t i = 0; i < head.size; i++)
		data[i] = byte_of(writer, number, i);
	ring_record_begin(&record, ring, writer, 0);
	record_put(&record.record, &head, sizeof(head));
	record_put(&record.record, data, head.size);
	if (tears(number))
		kill(getpid(), SIGKILL);
	ring_record_end(&record);
}

static void *write_for_ever(void *stop)
{
	uint32_t writer = __atomic_add_fetch(&ring->writers, 1, __ATOMIC_RELAXED);

	this_pid = getpid();
	this_tid = gettid();
	for (uint32_t number = 0; !stop || !__atomic_load_n((int *)stop, __ATOMIC_RELAXED); number++)
		write_record(writer, number);
	return NULL;
}

static void check_record(uint32_t writer)
{
	const unsigned char *data = writers[writer].data + sizeof(struct record_head);
	struct record_head head;

	memcpy(&head, writers[writer].data, sizeof(head));
	if (writers[writer].size < sizeof(head) || writers[writer].size != sizeof(head) + head.size) {
		FAIL("writer %u: a record of %u bytes says it has %u\n", writer, writers[writer].size, head.size);
		return;
	}
	if (head.number < writers[writer].next)
		FAIL("writer %u: record %u comes after %u\n", writer, head.number, writers[writer].next - 1);
	missing += head.number - writers[writer].next;
	writers[writer].next = head.number + 1;
	records++;
	for (uint32_t i = 0; i < head.size; i++)
		if (data[i] != byte_of(writer, head.number, i)) {
			FAIL("writer %u: record %u is changed at byte %u\n", writer, head.number, i);
			return;
		}
}

static void on_cell(void *context, const struct k23_ring_cell *cell)
{
	uint32_t writer = cell->writer;

	(void)context;
	if (writer >= MAX_WRITERS) {
		FAIL("no such writer: %u\n", writer);
		return;
	}
	if (cell->first)
		writers[writer].size = 0;
	if (writers[writer].size + cell->size > sizeof(writers[writer].data)) {
		FAIL("writer %u: too long a record\n", writer);
		return;
	}
	memcpy(writers[writer].data + writers[writer].size, cell->data, cell->size);
	writers[writer].size += cell->size;
	if (cell->last)
		check_record(writer);
}

static void on_lost(void *context, uint32_t tid)
{
	(void)context;
	(void)tid;
	lost++;
}

static void make_ring(enum k23_ring_full full)
{
	ring = mmap(NULL, ring_size(CELLS), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	writers = calloc(MAX_WRITERS, sizeof(*writers));
	if (ring == MAP_FAILED || !writers)
		die(1, "out of memory");
	ring->full = full;
	ring->channel.reader = (uint32_t)gettid();
	k23_api = &fake;
}

static void nap(long nanoseconds)
{
	struct timespec time = { 0, nanoseconds };

	nanosleep(&time, NULL);
}

static pid_t start_writer(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		write_for_ever(NULL);
		_exit(0);
	}
	if (pid < 0)
		die(1, "fork failed");
	return pid;
}

static pthread_t threads[WRITERS];
static pid_t children[WRITERS];
static int stop;
static uint64_t kills, torn;

static void start_writers(void)
{
	for (unsigned i = 0; i < WRITERS; i++) {
		if (!threads_write)
			children[i] = start_writer();
		else if (pthread_create(&threads[i], NULL, write_for_ever, &stop) != 0)
			die(1, "no threads");
	}
}

static void end_writers(struct ring_reader *reader)
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	/* Those that wait for space need a reader to come to an end. */
	for (unsigned i = 0; i < WRITERS; i++) {
		if (!threads_write) {
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
			kills++;
			continue;
		}
		while (pthread_tryjoin_np(threads[i], NULL) != 0)
			ring_reader_drain(reader);
	}
	ring_reader_finish(reader);
}

/* Now and then something happens to a writer. */
static void disturb(void)
{
	unsigned i = (unsigned)rand() % WRITERS;

	if (strcmp(mode, "killed") == 0 && rand() % 8 == 0) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
		kills++;
		children[i] = start_writer();
	} else if (strcmp(mode, "torn") == 0 && waitpid(children[i], NULL, WNOHANG) == children[i]) {
		torn++;
		children[i] = start_writer();
	} else if (strcmp(mode, "stopped") == 0) {
		kill(children[i], SIGSTOP);
		kill(children[(unsigned)rand() % WRITERS], SIGCONT);
	}
}

static void run(struct ring_reader *reader, double seconds)
{
	double end = now() + seconds;

	start_writers();
	for (unsigned round = 0; now() < end && !failures; round++) {
		if (ring_reader_drain(reader))
			nap(rand() % 50000);
		if (round % 4 == 0)
			disturb();
	}
	for (unsigned i = 0; strcmp(mode, "stopped") == 0 && i < WRITERS; i++)
		kill(children[i], SIGCONT);
	/* What was late comes in. */
	for (double until = now() + 0.05; now() < until;)
		ring_reader_drain(reader);
	end_writers(reader);
}

static int verdict(void)
{
	uint64_t dropped = ring->dropped;
	bool drops = strcmp(mode, "drop") == 0;

	printf("%s: %llu records, %llu dropped, %llu missing, %llu cells lost by %llu kills and %llu tears\n", mode,
	       (unsigned long long)records, (unsigned long long)dropped, (unsigned long long)missing,
	       (unsigned long long)lost, (unsigned long long)kills, (unsigned long long)torn);
	if (records < 1000)
		FAIL("only so few records\n");
	if (!drops && (missing || dropped))
		FAIL("records are missing, though writers wait\n");
	/* Those dropped after a writer's last record are no gap. */
	if (drops && (missing > dropped || !dropped))
		FAIL("more are missing than were counted as dropped, or the ring was never full\n");
	if (lost < torn || lost > torn + kills)
		FAIL("not as many cells are lost as writers were killed\n");
	return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct ring_reader reader;

	if (argc > 1)
		mode = argv[1];
	signal(SIGCHLD, SIG_DFL); /* ignored, it would leave nothing to wait for */
	threads_write = strcmp(mode, "threads") == 0 || strcmp(mode, "drop") == 0;
	make_ring(strcmp(mode, "drop") == 0 ? K23_RING_DROP : K23_RING_BLOCK);
	ring_reader_init(&reader, ring, CELLS, (struct ring_consumer){ on_cell, on_lost, NULL });
	run(&reader, argc > 2 ? atof(argv[2]) : 1);
	return verdict();
}
