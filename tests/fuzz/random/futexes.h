/*
 * Words in memory that the kernel writes to or waits for.
 */
#ifndef FUZZ_RANDOM_FUTEXES_H
#define FUZZ_RANDOM_FUTEXES_H

#include <linux/futex.h>
#include <sys/ipc.h>
#include <sys/shm.h>

struct robust_word {
	struct robust_list list;
	uint32_t word;
};

static struct {
	struct robust_list_head head;
	struct robust_word words[4];
} * robust;

static void take_robust(uint32_t taken)
{
	struct robust_list *last = &robust->head.list;

	robust->head.futex_offset = offsetof(struct robust_word, word) - offsetof(struct robust_word, list);
	robust->head.list_op_pending = NULL;
	for (unsigned i = 0; i < 4; i++) {
		robust->words[i].word = taken & 1u << i ? (uint32_t)gettid() | (draw(2) ? FUTEX_WAITERS : 0) : 17;
		if (!(draw(4) | (i == 0)))
			continue;
		last->next = &robust->words[i].list;
		last = &robust->words[i].list;
	}
	last->next = &robust->head.list;
	if (draw(4) == 0)
		robust->head.list_op_pending = &robust->words[3].list;
	say("list: %ld", raw(SYS_set_robust_list, &robust->head, draw(8) ? sizeof(robust->head) : 8));
}

static int listed_threads(void)
{
	char entries[4096];
	int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = -2;
	long n;

	while ((n = raw(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n; count++)
			at += *(unsigned short *)(entries + at + 16);
	close(fd);
	return count;
}

static void *in_robust(void *arg)
{
	take_robust((uint32_t)(uintptr_t)arg);
	raw(SYS_exit, 0);
	return NULL;
}

static void do_robust(void)
{
	uint32_t taken = draw(16), how = draw(5);
	pid_t pid;

	if (depth >= MAX_DEPTH || nested)
		return;
	robust = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		if (how == 0) {
			NEED(pthread_create(&thread, NULL, in_robust, (void *)(uintptr_t)taken) == 0);
			while (listed_threads() > 1)
				usleep(1000);
		} else {
			take_robust(taken);
		}
		if (how == 1)
			raw(SYS_kill, getpid(), SIGKILL);
		if (how == 2) {
			const char *words[] = { "random", "nothing", NULL };

			execv(program, (char **)words);
		}
		raw(SYS_exit_group, 0);
	}
	(void)draw(9);
	await(pid);
	for (unsigned i = 0; i < 4; i++)
		say("word %u: %s", i,
		    robust->words[i].word == 17 ? "as it was"
		    : robust->words[i].word & FUTEX_OWNER_DIED
			    ? (robust->words[i].word & FUTEX_WAITERS ? "owner died, waiters" : "owner died")
			    : "taken");
	munmap(robust, PAGE);
}

HELPER(nothing)
{
}

static void do_futexes(void)
{
	static uint32_t words[4];
	static const int ops[] = { FUTEX_WAKE,
				   FUTEX_WAIT,
				   FUTEX_LOCK_PI,
				   FUTEX_TRYLOCK_PI,
				   FUTEX_UNLOCK_PI,
				   FUTEX_REQUEUE,
				   FUTEX_CMP_REQUEUE,
				   FUTEX_WAKE_OP,
				   FUTEX_WAIT_BITSET,
				   FUTEX_LOCK_PI2,
				   99 };
	struct timespec zero = { 0, 1 };

	for (unsigned i = 0; i < 4; i++)
		words[i] = draw(3) == 0 ? (uint32_t)gettid() : draw(2);
	for (uint32_t n = 1 + draw(6); n; n--) {
		int op = PICK(ops) | (draw(2) ? FUTEX_PRIVATE_FLAG : 0), plain = op & 127;
		bool waits = plain == FUTEX_WAIT || plain == FUTEX_LOCK_PI || plain == FUTEX_WAIT_BITSET ||
			     plain == FUTEX_LOCK_PI2;
		long r = raw(SYS_futex, (char *)&words[draw(4)] + (draw(16) ? 0 : 1), op, draw(3),
			     waits ? (long)&zero : 1, &words[draw(4)], draw(3));

		say("futex %d: %ld", op, r);
	}
	say("words: %d %d", words[0] == (uint32_t)gettid(), words[1] == (uint32_t)gettid());
}

static void do_shared(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
	char *at = NULL;

	if (id < 0)
		return;
	for (uint32_t n = 1 + draw(6); n; n--) {
		uint32_t kind = draw(5);
		long r;

		switch (kind) {
		case 0:
		case 1:
			r = raw(SYS_shmat, id, (char *)0x38000000 + draw(3) * PAGE,
				(draw(2) ? SHM_REMAP : 0) | (draw(2) ? SHM_RDONLY : 0) | (draw(4) ? 0 : SHM_EXEC));
			if (r > 0)
				at = (char *)r, r -= 0x38000000;
			break;
		case 2: r = raw(SYS_shmdt, at ? at : scratch); break;
		case 3: r = raw(SYS_mprotect, at ? at : (char *)0x38000000, PAGE, PROT_READ | PROT_EXEC); break;
		default: r = raw(SYS_munmap, (char *)0x38000000, PAGE); break;
		}
		say("shared %u: %lx", kind, r);
	}
	munmap((char *)0x38000000, 8 * PAGE);
	shmctl(id, IPC_RMID, NULL);
}

#endif
