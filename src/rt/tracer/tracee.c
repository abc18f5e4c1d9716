#include "rt/tracer/tracee.h"

#include <asm/errno.h>
#include <linux/ptrace.h>

#include "abi/kernel.h"
#include "inject/memory.h"
#include "core/string.h"
#include "rt/base/gate.h"
#include "rt/base/owner.h"

#define TRACEES 256
#define TRACES_NEW_TASKS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

static RT_TABLE struct tracee tracees[TRACEES];
static uint32_t tracees_count;

/* ctx: entry; no locks */
struct tracee *tracee_find(int tid)
{
	if (__atomic_load_n(&tracees_count, __ATOMIC_RELAXED))
		for (size_t i = 0; i < TRACEES; i++)
			if (tracees[i].tid == tid)
				return &tracees[i];
	return NULL;
}

/* ctx: entry */
struct tracee *tracee_adopt(int tid)
{
	struct tracee *found = tracee_find(tid);

	for (size_t i = 0; !found && i < TRACEES; i++) {
		int32_t is_free = 0;

		if (!tracees[i].tid && __atomic_compare_exchange_n(&tracees[i].tid, &is_free, tid, false,
								   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			found = &tracees[i];
			__atomic_fetch_add(&tracees_count, 1, __ATOMIC_RELAXED);
			found->flags = 0;
			found->request = PTRACE_CONT;
			found->options = 0;
			found->bundle = 0;
			found->owner = rt_self()->tid;
		}
	}
	return found;
}

/* ctx: entry | sigsys; no locks */
struct tracee *tracee_next(const struct tracee *tracee)
{
	if (!__atomic_load_n(&tracees_count, __ATOMIC_RELAXED))
		return NULL;
	for (size_t i = tracee ? (size_t)(tracee - tracees) + 1 : 0; i < TRACEES; i++)
		if (tracees[i].tid)
			return &tracees[i];
	return NULL;
}

/* ctx: entry */
void tracee_drop(int tid)
{
	struct tracee *tracee = tracee_find(tid);

	if (tracee) {
		__atomic_store_n(&tracee->tid, 0, __ATOMIC_RELEASE);
		__atomic_fetch_sub(&tracees_count, 1, __ATOMIC_RELAXED);
	}
}

/* ctx: entry */
void tracees_forked(void)
{
	if (tracees_count)
		memset(tracees, 0, sizeof(tracees));
	tracees_count = 0;
	rt.ptraced &= ~(uint32_t)RT_PTRACED_TRACES;
}

/* ctx: entry */
void tracee_inherit(struct tracee *tracee)
{
	for (size_t i = 0; i < TRACEES; i++)
		if (tracees[i].tid && &tracees[i] != tracee && tracees[i].options & TRACES_NEW_TASKS) {
			tracee->options = tracees[i].options;
			tracee->flags = tracees[i].flags & TRACEE_SEIZED;
			return;
		}
}

/* ctx: entry */
long tracee_read(int tid, void *to, uint64_t from, size_t size)
{
	return inj_read_memory(tid, to, from, size);
}

/* ctx: entry */
long tracee_write(int tid, uint64_t to, const void *from, size_t size)
{
	return inj_write_memory(tid, to, from, size);
}

/* The region is found in the table of regions of the tracee's runtime. In program code no register leads to it.
 * ctx: entry */
uint64_t tracee_thread(const struct tracee *tracee)
{
	uint64_t list = tracee->gate + (uint64_t)&rt_chunks - (uint64_t)rt_gate_page, address = 0;
	struct rt_chunk chunk;

	if (!tracee->bundle || failed(tracee_read(tracee->tid, &address, list, sizeof(address))))
		return 0;
	for (; address; address = (uint64_t)chunk.next) {
		if (failed(tracee_read(tracee->tid, &chunk, address, sizeof(chunk))))
			return 0;
		for (uint32_t i = 0; i < chunk.count && i < RT_CHUNK_REGIONS; i++)
			if (chunk.slots[i].state == RT_SLOT_TAKEN && (int)(uint32_t)chunk.slots[i].owner == tracee->tid)
				return (uint64_t)rt_region_thread(chunk.regions + i * RT_REGION_SIZE);
	}
	return 0;
}

/* Where in the tracee the handler of a signal is kept. 0: nowhere. ctx: entry */
static uint64_t handler_at(const struct tracee *tracee, int sig)
{
	uint64_t thread = tracee_thread(tracee), sighand = 0, known = 0;

	if (!thread ||
	    failed(tracee_read(tracee->tid, &sighand, thread + offsetof(struct rt_thread, sighand), sizeof(sighand))) ||
	    failed(tracee_read(tracee->tid, &known, sighand + offsetof(struct rt_sighand, known), sizeof(known))) ||
	    !(known & SIGBIT(sig)))
		return 0;
	return sighand + offsetof(struct rt_sighand, actions) + (uint64_t)sig * sizeof(struct rt_sigaction) +
	       offsetof(struct rt_sigaction, handler);
}

/* ctx: entry */
uint64_t tracee_handler(const struct tracee *tracee, int sig)
{
	uint64_t at = handler_at(tracee, sig), handler = (uint64_t)SIG_DFL;

	return at && !failed(tracee_read(tracee->tid, &handler, at, sizeof(handler))) ? handler : (uint64_t)SIG_DFL;
}

/* ctx: entry */
void tracee_default(const struct tracee *tracee, int sig)
{
	const uint64_t handler = (uint64_t)SIG_DFL;
	uint64_t at = handler_at(tracee, sig);

	if (!at || failed(tracee_write(tracee->tid, at, &handler, sizeof(handler))))
		return; /* it was killed, or nothing is noted */
}

/* ctx: entry */
uint32_t tracee_count(const struct tracee *tracee)
{
	uint64_t offset = (uint64_t)&tracees_count - (uint64_t)rt_gate_page;
	uint32_t number = 0;

	return failed(tracee_read(tracee->tid, &number, tracee->gate + offset, sizeof(number))) ? 1 : number;
}

/* Whether a bundle with this build of the runtime lies at an address in the tracee, with its gate at the offset `gate`.
 * If so, notes it in the record. ctx: entry */
static bool find_bundle_at(struct tracee *tracee, uint64_t address, uint64_t gate)
{
	const struct bundle *own = rt.bundle;
	struct bundle head;

	if (failed(tracee_read(tracee->tid, &head, address, offsetof(struct bundle, segments))))
		return false;
	if (head.magic != BUNDLE_MAGIC || head.version != own->version || head.gate != gate ||
	    head.start - head.gate != own->start - own->gate || head.runtime_text_size != own->runtime_text_size)
		return false;
	tracee->bundle = address;
	tracee->gate = address + gate;
	tracee->size = head.regions;
	return true;
}

/* The kernel tells the range that the tracee's guard exempts, which is its gate. Its runtime knows where the bundle
 * begins: far from there, if its hooks are large. Without that, on an older kernel or in a new task whose guard is not
 * armed yet, the bundle is looked for where other tracees have theirs, one of which has created the task, and where
 * this process has its own. Memory of a tracee that is not dumpable cannot be read: if its gate is where this
 * process's is, it is a child with a copy of the same bundle. ctx: entry */
void tracee_locate(struct tracee *tracee)
{
	struct {
		uint64_t mode, selector, offset, size;
	} config = { 0 };
	uint64_t start_at = (uint64_t)&rt.start - (uint64_t)rt_gate_page, start;

	if (tracee->bundle)
		return;
	if (!failed(sys(ptrace, PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tracee->tid, sizeof(config), &config)) &&
	    config.mode && !failed(tracee_read(tracee->tid, &start, config.offset + start_at, sizeof(start))) &&
	    find_bundle_at(tracee, start, config.offset - start))
		return;
	for (const struct tracee *other = NULL; (other = tracee_next(other));)
		if (other->bundle && find_bundle_at(tracee, other->bundle, other->gate - other->bundle))
			return;
	if (find_bundle_at(tracee, rt.start, rt.bundle->gate) || !config.mode ||
	    config.offset != (uint64_t)rt_gate_page || config.size != (uint64_t)(rt_gate_page_end - rt_gate_page))
		return;
	tracee->bundle = rt.start;
	tracee->gate = config.offset;
	tracee->size = rt.bundle->regions;
}

/* ctx: entry */
void tracee_mark(struct tracee *tracee, uint32_t ptraced)
{
	uint64_t offset = (uint64_t)&rt.ptraced - (uint64_t)rt_gate_page;
	uint32_t before = 0, keeps = RT_PTRACED_TRACES;

	/* The tracer may have asked for calls by another thread, or by the task that created this one. */
	if (ptraced & RT_PTRACED)
		keeps |= RT_PTRACED_CALLS;
	if (!failed(tracee_read(tracee->tid, &before, tracee->gate + offset, sizeof(before))))
		ptraced |= before & keeps;
	if (ptraced & RT_PTRACED && tracee->flags & TRACEE_DISPATCHES)
		ptraced |= RT_PTRACED_DISPATCH;
	if (!tracee->bundle || failed(tracee_write(tracee->tid, tracee->gate + offset, &ptraced, sizeof(ptraced))))
		return;
	tracee->flags &= ~(uint32_t)(TRACEE_MARKED | TRACEE_CALLS);
	if (ptraced & RT_PTRACED)
		tracee->flags |= TRACEE_MARKED;
	if (ptraced & RT_PTRACED_CALLS)
		tracee->flags |= TRACEE_CALLS;
}

/* ctx: entry */
uint64_t tracee_in_gate(const struct tracee *tracee, const char *label)
{
	return tracee->gate + (uint64_t)(label - rt_gate_page);
}

/* The kernel's own PTRACE_SYSEMU would skip the calls of the tracee's runtime, too. So the runtime here sees all calls,
 * and skips those of the program (stops.c). ctx: entry; no locks */
uint32_t tracee_request(const struct tracee *tracee)
{
	if (!tracee->bundle)
		return tracee->request;
	if (tracee->request == PTRACE_SYSEMU)
		return PTRACE_SYSCALL;
	if (tracee->request == PTRACE_SYSEMU_SINGLESTEP)
		return tracee->flags & TRACEE_CAUGHT ? PTRACE_SYSCALL : PTRACE_SINGLESTEP;
	return tracee->request;
}

/* ctx: entry */
bool tracee_at_guard(int tid)
{
	siginfo_t info;

	return !failed(sys(ptrace, PTRACE_GETSIGINFO, tid, 0, &info)) && info.si_signo == SIGSYS &&
	       rt_sigsys_is(&info, SYS_USER_DISPATCH);
}
