/*
 * The threads and processes that `k23 trace` knows of, as the records tell.
 */
#ifndef CLI_TRACE_TASK_H
#define CLI_TRACE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <k23/ring.h>

#include "cli/bytes.h"

#include "cli/render.h"

struct stack_space;
struct stream;
struct process;

/* A thread. */
struct task {
	struct task *next;    /* of those in a bucket, or of those that are not used */
	struct task *sibling; /* in the process */
	struct process *process;
	struct stream *stream; /* where its lines go */
	uint32_t writer;       /* its number in the ring */
	uint32_t tid;
	uint64_t namespace; /* as in struct call */
	char comm[K23_RING_COMM]; /* its name; "": not known */
	bool in_call;
	bool hidden;	     /* the call is not to be shown */
	bool begun;	     /* it has been shown that the call was made */
	int64_t made;	     /* when, as it was shown, in nanoseconds: later the clock is known better */
	int reaped;	     /* the status of the process that it has waited for last, as waitpid has it */
	uint64_t ip;	     /* where its last call was made */
	int64_t nr;	     /* and which it was */
	struct bytes record; /* what has come of the record that is being written */
	struct bytes entry;  /* the entry record of the call */
	struct {
		uint64_t id;   /* 0: it has none yet */
		int64_t last; /* when the last event on it was, in nanoseconds */
	} track;	     /* where a format shows the thread */
};

/* How a process ends. */
enum fate {
	FATE_NONE,   /* it lives, or nothing is known */
	FATE_EXITED, /* `status` is what exit_group was given */
	FATE_KILLED, /* by the signal `status` */
};

struct process {
	struct process *next; /* of those in a bucket */
	uint32_t pid;
	struct task *tasks; /* none: it has ended, and may be a zombie */
	unsigned images; /* programs that it has started */
	enum fate fate;
	int status;
	bool core; /* dumped */
	bool gone; /* it has been found to be so; what it has recorded may not all have been read then */
	struct stack_space *space; /* where its code is; NULL: that is not known */
	uint64_t track; /* where a format shows it; 0: nowhere yet */
	uint64_t ended; /* when, in cycles; 0: that is not known */
};

#define TASK_BUCKETS 1024u

#define TASK_NAMES 4096u

/* The name of a thread, which may have ended. */
struct task_name {
	uint32_t tid;
	bool known; /* it has told its name itself, and lives; otherwise that is its maker's */
	char comm[K23_RING_COMM];
};

struct tasks {
	struct task_name names[TASK_NAMES]; /* by id; the last one, where several would be in one place */
	struct task *buckets[TASK_BUCKETS], *spare;
	struct process *processes[TASK_BUCKETS];
	unsigned count;
};

/* The thread of a writer, which is new if there was none. */
struct task *task_find(struct tasks *tasks, uint32_t writer, uint32_t pid, uint32_t tid);

/* The thread, of which nothing else has been recorded, is one of another PID namespace. pid, tid: its ids in this
 * one. */
void task_move(struct tasks *tasks, struct task *task, uint64_t namespace, uint32_t pid, uint32_t tid);

/* Notes the name of a thread, which it has told, or that of who has made it. */
void task_name(struct tasks *tasks, uint32_t tid, const char *comm, bool told);
/* NULL: it is not known. */
const char *task_comm(const struct tasks *tasks, uint32_t tid);

/* NULL: there is none. */
struct process *process_find(const struct tasks *tasks, uint32_t pid);

/* The call that the thread is in, which has not returned; *entry: its record. */
struct call task_call(const struct task *task, struct k23_ring_entry *entry);

/* Forgets a thread. */
void task_remove(struct tasks *tasks, struct task *task);
/* Forgets a process that has no threads. */
void process_remove(struct tasks *tasks, struct process *process);

/* Calls the function for each process, which may remove it. */
void process_each(struct tasks *tasks, void (*call)(void *context, struct process *process), void *context);

void tasks_free(struct tasks *tasks);

#endif
