/*
 * How the hooks of `k23 stat`, `k23 trace` and `k23 record` find their collector. k23/channel.h describes the memory
 * that they share.
 */
#ifndef HOOKS_COLLECTOR_H
#define HOOKS_COLLECTOR_H

#include <k23/channel.h>
#include <k23/hook.h> /* before those of the C library */

#include <linux/sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

static struct k23_channel *channel; /* NULL: the collector was not reached */
static int channel_id = -1; /* of the segment, if it is one */
static int channel_is_another; /* another hook of the chain counts what arrives, and says what does not */
static const char *channel_loss = "its system calls are not recorded"; /* where the collector is not reached */

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

static int channel_is(const struct k23_channel *found, uint64_t magic, uint64_t cookie)
{
	return found->magic == magic && found->version == K23_CHANNEL_VERSION && found->cookie == cookie;
}

static void channel_found(struct k23_channel *found)
{
	/* The core file of the program is to have the program's memory only. */
	k23_syscall(SYS_madvise, (unsigned long)found, found->size, MADV_DONTDUMP, 0, 0, 0);
	channel = found;
	if (!channel_is_another)
		__atomic_add_fetch(&channel->arrived, 1, __ATOMIC_RELAXED);
}

/* Attaches the segment that the options name. Returns 0 or -errno. */
static long channel_attach(uint64_t id, uint64_t magic, uint64_t cookie)
{
	long address = k23_syscall(SYS_shmat, id, 0, 0, 0, 0, 0);

	if (k23_failed(address))
		return address;
	if (!channel_is((const struct k23_channel *)address, magic, cookie)) {
		k23_syscall(SYS_shmdt, (unsigned long)address, 0, 0, 0, 0, 0);
		return -EIDRM;
	}
	channel_id = (int)id;
	channel_found((struct k23_channel *)address);
	return 0;
}

/* The run memory with this cookie. Returns 0 or -errno. */
static long channel_take(uint64_t magic, uint64_t cookie)
{
	size_t size;
	void *found;
	long r = k23_run_memory(cookie, &found, &size);

	if (r == 0 && (size < sizeof(*channel) || !channel_is(found, magic, cookie)))
		r = -EIDRM;
	if (r == 0)
		channel_found(found);
	return r;
}

/*
 * For .init. command: of k23, whose channel it is. In a program that cannot reach the collector the hook says so once,
 * and records nothing. The collector knows that this program started and did not arrive.
 */
static int channel_init(const struct k23_options *options, uint64_t magic, const char *command)
{
	const char *error;
	const char *segment = k23_option(options, "shm");
	uint64_t id = 0, cookie;
	long r;

	if ((segment && !parse_number(segment, 10, &id)) || !parse_number(k23_option(options, "cookie"), 16, &cookie))
		return k23_refuse("it is started by `k23 %s`, which gives it its options", command);
	r = segment ? channel_attach(id, magic, cookie) : channel_take(magic, cookie);
	if (r == 0 || r == -ESRCH || channel_is_another) /* without a collector there is nothing to record */
		return 0;
	error = k23_error_name(r);
	k23_print("k23: process %d cannot reach `k23 %s` (%s%s): %s\n", k23_pid(), command,
		  segment ? "by a System V segment, for want of pidfd_getfd: " : "", error ? error : "?", channel_loss);
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

	if (!channel || channel_id < 0 || (int)uid == -1 ||
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

	if (channel && !channel_is_another)
		__atomic_add_fetch(&channel->started, 1, __ATOMIC_RELAXED);
	result = on_call(call); /* comes back only when the execve has failed */
	if (channel && !channel_is_another)
		__atomic_sub_fetch(&channel->started, 1, __ATOMIC_RELAXED);
	return result;
}

static long on_setuid(struct k23_call *call)
{
	channel_grant(call);
	return on_call(call);
}

/* Calls after which process ids may be those of a new PID namespace. */
__attribute__((unused)) static long on_namespace(struct k23_call *call)
{
	unsigned long flags = call->args[call->nr == SYS_setns ? 1 : 0];

	if (call->nr == SYS_clone3 && k23_copy_from(&flags, call->args[0], sizeof(flags)) < 0)
		flags = 0;
	if (channel && (flags & CLONE_NEWPID || (call->nr == SYS_setns && !flags)))
		__atomic_store_n(&channel->foreign_pids, 1, __ATOMIC_SEQ_CST);
	return on_call(call);
}

/* The calls that concern the channel itself, for .calls. */
#define CHANNEL_CALLS                                                                                        \
	{ SYS_execve, on_exec }, { SYS_execveat, on_exec }, { SYS_setuid, on_setuid },                       \
		{ SYS_setreuid, on_setuid }, { SYS_setresuid, on_setuid }

#endif
