#include "inject/memory.h"

#include <asm/errno.h>
#include <linux/ptrace.h>

#include "abi/transfer.h"
#include "core/string.h"

static long read_words(int pid, void *to, uint64_t from, size_t size)
{
	for (size_t done = 0; done < size;) {
		/* The last word ends where the range ends, so that it lies in the same page. */
		size_t left = size - done, at = left < sizeof(uint64_t) && done ? size - sizeof(uint64_t) : done;
		size_t part = size - at < sizeof(uint64_t) ? size - at : sizeof(uint64_t);
		uint64_t word;
		long r = sys(ptrace, PTRACE_PEEKDATA, pid, from + at, &word);

		if (failed(r))
			return r;
		memcpy((char *)to + at, &word, part);
		done = at + part;
	}
	return 0;
}

long inj_write_words(int pid, uint64_t to, const void *from, size_t size)
{
	for (size_t done = 0; done < size; done += sizeof(uint64_t)) {
		size_t part = size - done < sizeof(uint64_t) ? size - done : sizeof(uint64_t);
		uint64_t word = 0;
		long r = part < sizeof(word) ? sys(ptrace, PTRACE_PEEKDATA, pid, to + done, &word) : 0;

		memcpy(&word, (const char *)from + done, part);
		if (!failed(r))
			r = sys(ptrace, PTRACE_POKEDATA, pid, to + done, word);
		if (failed(r))
			return r;
	}
	return 0;
}

/* Whether the error is none of the kernel's for a transfer: a filter's. */
static bool is_denied(long r)
{
	return failed(r) && r != -EFAULT && r != -ESRCH && r != -ENOMEM;
}

long inj_read_memory(int pid, void *to, uint64_t from, size_t size)
{
	long r = abi_transfer(__NR_process_vm_readv, pid, to, from, size);

	return is_denied(r) ? read_words(pid, to, from, size) : r;
}

long inj_write_memory(int pid, uint64_t to, const void *from, size_t size)
{
	long r = abi_transfer(__NR_process_vm_writev, pid, from, to, size);

	return is_denied(r) ? inj_write_words(pid, to, from, size) : r;
}
