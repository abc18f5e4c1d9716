/*
 * How the hooks of `k23 stat` and `k23 trace` find their collector. k23/channel.h describes the memory that they share.
 */
#ifndef HOOKS_COLLECTOR_H
#define HOOKS_COLLECTOR_H

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <k23/channel.h>
#include <k23/hook.h>

static struct k23_channel *channel; /* NULL: the collector was not reached */
static int channel_id;

/* Reads a number in base 10 or 16. False when the text is not all digits. */
static int parse_number(const char *text, unsigned base, uint64_t *value)
{
	*value = 0;
	if (!text || !*text)
		return 0;
	for (; *text; text++) {
		unsigned digit = *text <= '9' ? (unsigned)(*text - '0') : (unsigned)(*text - 'a' + 10);

		if (digit >= base)
			return 0;
		*value = *value * base + digit;
	}
	return 1;
}

/* Attaches the segment that the options name. Returns 0 or -errno. */
static long channel_attach(uint64_t id, uint64_t magic, uint64_t cookie)
{
	long address = k23_syscall(SYS_shmat, id, 0, 0, 0, 0, 0);
	struct k23_channel *found = (struct k23_channel *)address;

	if (k23_failed(address))
		return address;
	if (found->magic != magic || found->version != K23_CHANNEL_VERSION || found->cookie != cookie) {
		k23_syscall(SYS_shmdt, (unsigned long)address, 0, 0, 0, 0, 0);
		return -EIDRM;
	}
	/* The core file of the program is to have the program's memory only. */
	k23_syscall(SYS_madvise, (unsigned long)address, found->size, MADV_DONTDUMP, 0, 0, 0);
	channel_id = (int)id;
	channel = found;
	__atomic_add_fetch(&channel->arrived, 1, __ATOMIC_RELAXED);
	return 0;
}

/*
 * For .init. In a program that cannot reach the collector, as it is in another IPC namespace or another user's, the
 * hook says so once, and records nothing. The collector knows that this program started and did not arrive.
 */
static int channel_init(const struct k23_options *options, uint64_t magic)
{
	const char *error;
	uint64_t id, cookie;
	long r;

	if (!parse_number(k23_option(options, "shm"), 10, &id) ||
	    !parse_number(k23_option(options, "cookie"), 16, &cookie)) {
		k23_print("k23: the hook %s is started by `k23 %s`, which gives it its options\n", k23_hook.name,
			  k23_hook.name);
		return -EINVAL;
	}
	r = channel_attach(id, magic, cookie);
	if (r == 0)
		return 0;
	error = k23_error_name(r);
	k23_print("k23: process %d cannot reach `k23 %s` (%s): its system calls are not recorded\n", k23_pid(),
		  k23_hook.name, error ? error : "?");
	return 0;
}

/* Whether the collector still is there. */
__attribute__((unused)) static int channel_has_reader(void)
{
	return (__atomic_load_n(&channel->reader, __ATOMIC_RELAXED) & K23_CHANNEL_READER_MASK) != 0;
}

/*
 * A process that becomes another user keeps the segment, but after its next execve it would have to attach the
 * segment as that user. So the segment is given to that user before. Root, and the user who started the collector,
 * may still attach it; other users may not. If processes become several users, the last one of these has the segment.
 */
static void channel_grant(const struct k23_call *call)
{
	unsigned long uid = call->args[call->nr == SYS_setuid ? 0 : 1]; /* the effective one */
	struct shmid_ds segment;

	if (!channel || (int)uid == -1 ||
	    k23_failed(k23_syscall(SYS_shmctl, (unsigned)channel_id, IPC_STAT, (unsigned long)&segment, 0, 0, 0)) ||
	    segment.shm_perm.uid == (uid_t)uid)
		return;
	segment.shm_perm.uid = (uid_t)uid;
	k23_syscall(SYS_shmctl, (unsigned)channel_id, IPC_SET, (unsigned long)&segment, 0, 0, 0);
}

/* The hook's function for calls, in the hook's own file: it records a call, and forwards it. */
static long on_call(struct k23_call *call);

static long on_exec(struct k23_call *call)
{
	long result;

	if (channel)
		__atomic_add_fetch(&channel->started, 1, __ATOMIC_RELAXED);
	result = on_call(call); /* comes back only when the execve has failed */
	if (channel)
		__atomic_sub_fetch(&channel->started, 1, __ATOMIC_RELAXED);
	return result;
}

static long on_setuid(struct k23_call *call)
{
	channel_grant(call);
	return on_call(call);
}

/* The calls that concern the channel itself, for .calls. */
#define CHANNEL_CALLS                                                                                        \
	{ SYS_execve, on_exec }, { SYS_execveat, on_exec }, { SYS_setuid, on_setuid },                       \
		{ SYS_setreuid, on_setuid }, { SYS_setresuid, on_setuid }

#endif
