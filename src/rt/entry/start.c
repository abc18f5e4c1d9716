/*
 * The first C code in a new image. The image has the part of the bundle that is never written to. rt_start
 * (x86_64/entry/start.S) has mapped the part that is, and kept what the helper told in registers. This code fills
 * that part, and starts the program as the kernel would have started it.
 *
 * ctx: boot, for all here.
 */
#include "rt/entry/start.h"

#include <asm/errno.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/wait.h>

#include "core/string.h"
#include "rt/base/auxv.h"
#include "rt/base/chain.h"
#include "rt/base/filters.h"
#include "rt/base/mask.h"
#include "rt/base/message.h"
#include "rt/base/owner.h"
#include "rt/base/run_memory.h"
#include "rt/entry/start_signals.h"
#include "rt/entry/start_world.h"
#include "rt/guard/guard.h"
#include "rt/hook/api.h"
#include "rt/hook/callbacks.h"
#include "rt/signal/action.h"
#include "rt/signal/altstack.h"
#include "rt/signal/heard.h"
#include "rt/special/special.h"
#include "rt/text/patch.h"
#include "rt/text/plans.h"
#include "rt/text/vdso.h"
#include "rt/text/vsyscall.h"
#include "rt/tracer/ptraced.h"
#include "rt/world/start.h"
#include "rt/x86_64/base/gs.h"

static void must(const char *what, long r)
{
	if (failed(r))
		rt_panic(what, r);
}

/* In a copy of the bundle the helper has made what is executed: see inject/remote.c. */
static bool is_settled(const struct bundle_segment *segment)
{
	return rt.bundle->shared_id < 0 && segment->prot & PROT_EXEC;
}

/* Neighbouring segments that are not writable get their permissions by one call, executable if one of them is:
 * each call costs every execve. */
static void protect_segments(const struct bundle *bundle)
{
	const struct bundle_segment *segments = bundle->segments;

	/* Shared memory is attached as it is to be. */
	if (bundle->shared_id < 0) {
		must("cannot protect the runtime", sys(mprotect, bundle, bundle->runtime_text, PROT_READ));
		must("cannot protect the store",
		     sys(mprotect, rt.start + bundle->store, bundle->size - bundle->store, PROT_READ));
	}
	for (uint32_t i = 0, next; i < bundle->segment_count; i = next) {
		uint32_t size = segments[i].size, prot = segments[i].prot;

		if (is_settled(&segments[i])) {
			next = i + 1;
			continue;
		}
		for (next = i + 1; next < bundle->segment_count && !((segments[next].prot | prot) & PROT_WRITE) &&
				   !is_settled(&segments[next]) &&
				   segments[next].offset == segments[i].offset + size; next++) {
			size += segments[next].size;
			prot |= segments[next].prot;
		}
		if (!(prot & PROT_WRITE))
			must("cannot protect a hook", sys(mprotect, rt.start + segments[i].offset, size, prot));
	}
}

/* As rt_image_populate() does, for other pages. The kernel maps none around a fault in private memory, either. */
static void populate(uintptr_t start, size_t size, int how)
{
	uintptr_t page = core_page_down(start);

	if (size > 2 * CORE_PAGE)
		sys(madvise, page, core_page_up(start + size) - page, how);
}

/* The hooks: their contents, then their permissions. */
static void settle_segments(void)
{
	const struct bundle *bundle = rt.bundle;
	const uint32_t *fixups = (const uint32_t *)(rt.start + bundle->fixups);

	for (uint32_t i = 0; i < bundle->hook_count; i++)
		if (!bundle->hooks[i].world)
			populate(rt.start + bundle->hooks[i].start, bundle->hooks[i].end - bundle->hooks[i].start,
				 MADV_POPULATE_WRITE);
	rt.ready = bundle->world_count && rt_worlds_load();
	for (uint32_t i = 0; i < bundle->segment_count; i++) {
		const struct bundle_segment *segment = &bundle->segments[i];

		if (!segment->initial_size || is_settled(segment) || rt_world_map(segment))
			continue;
		populate(rt.start + segment->initial, segment->initial_size, MADV_POPULATE_READ);
		populate(rt.start + segment->offset, segment->size, MADV_POPULATE_WRITE);
		memcpy((char *)rt.start + segment->offset, (char *)rt.start + segment->initial, segment->initial_size);
	}
	for (uint32_t i = 0; i < bundle->fixup_count; i++)
		*(uint64_t *)(rt.start + fixups[i]) += rt.start;
	for (uint32_t i = 0; i < bundle->hook_count; i++)
		if (bundle->hooks[i].api)
			*(const struct k23_api **)(rt.start + bundle->hooks[i].api) = &rt.api;
	protect_segments(bundle);
}

static void find_hiding_hooks(void)
{
	rt.hides = rt.bundle->world_count != 0;
	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		rt.hides |= rt_chain_hook(i)->hides != 0;
}

static void place_thread_states(void)
{
	uint32_t offset = 0;

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++) {
		struct k23_descriptor *hook = rt_chain_hook(i);

		hook->index = i;
		hook->thread_offset = offset;
		if (hook->thread_size > RT_HOOK_STATE_SIZE - offset)
			rt_panic("the hooks' thread state is too large", (long)hook->thread_size);
		offset += (uint32_t)(hook->thread_size + 15) & ~15u;
	}
}

struct rt_thread *rt_start_image(struct bundle *bundle)
{
	struct rt_thread *thread;

	rt.bundle = bundle;
	rt.start = (uintptr_t)bundle;
	rt.end = rt.start + bundle->size;
	rt_image_populate();
	if (bundle->memory_count)
		rt_run_memories_find(rt_start_block.memory);
	rt_api_fill(&rt.api);
	settle_segments();
	must("no memory for the runtime", rt_threads_start());
	thread = rt_thread_new();
	if (!thread)
		rt_panic("no memory for the runtime", 0);
	return thread;
}

static void start_process(struct rt_thread *thread)
{
	const struct start_block *start = &rt_start_block;
	struct rt_sighand *sighand = &thread->own_sighand;
	int tsc;

	sighand->threads = 1;
	thread->counted = true;
	sighand->seccomp = start->seccomp;
	if (start->filters)
		rt_filters_set(thread, (struct rt_filters *)start->filters);
	rt.values = (const struct exec_values *)start->values;
	sighand->ptracer = start->ptracer;
	sighand->known = SIGBIT(SIGSYS);
	sighand->actions[SIGSYS].handler = start->sigsys_ignored ? (uint64_t)SIG_IGN : (uint64_t)SIG_DFL;
	thread->orig_nr = __NR_execve; /* by whatever call: the kernel does the same */
	thread->call.arch = K23_ARCH_X86_64;
	thread->made = 1;
	rt.ptraced = start->ptraced & (RT_PTRACED | RT_PTRACED_CALLS);
	thread->sighand = sighand;
	thread->leads = thread->alone = thread->slot->mortal = true;
	thread->sigsys_blocked = start->sigsys_blocked;
	thread->sigsys_queued = thread->sigsys_queued_own = start->own_sigsys;
	thread->blocked = start->sigmask;
	thread->children_elsewhere = rt.namespaces = start->children_elsewhere;
	thread->sigstack.flags =
		(int32_t)((start->disarmed ? SS_DISABLE : 0) | (start->autodisarm ? SS_AUTODISARM : 0));
	if (rt.bundle->hook_count && sys(prctl, PR_GET_TSC, &tsc) == 0)
		thread->tsc_faults = tsc == PR_TSC_SIGSEGV;
}

static void start_fast_path(struct rt_thread *thread)
{
	const uint64_t *stack = (const uint64_t *)rt_start_block.stack, *capabilities = rt_auxv_find(stack, AT_HWCAP2);

	rt.log_sites = rt.bundle->site_log;
	rt.frozen = rt_start_block.frozen || sys(prctl, PR_GET_MDWE) > 0;
	rt.planned = rt_plans_open(stack);
	/* A traced program is not patched: its tracer is shown the text of the file. */
	rt.fast = rt.planned && !(rt.bundle->flags & BUNDLE_NO_PATCH) && !rt_start_block.ptraced && !rt.frozen &&
		  (rt.bundle->flags & BUNDLE_GS_BY_CALL ||
		   (capabilities && capabilities[1] & KERNEL_HWCAP2_FSGSBASE));
	rt.fast = rt_gs_set(thread) && rt.fast;
	if (thread->tsc_faults)
		rt_gs_give_up();
	rt.unmet = rt.fast && rt.log_sites && !rt.profiled && rt_start_block.first && rt.bundle->flags & BUNDLE_UNMET;
	rt_patch_start(stack);
}

/* All signals but SIGSYS are blocked until the end, but while hooks start. */
void rt_start_thread(struct rt_thread *thread)
{
	const struct start_block *start = &rt_start_block;
	uint64_t special[K23_NUMBERS / 64] = { 0 }, released = 0;

	thread->pid = (int32_t)sys(getpid);
	thread->tid = thread->pid;
	rt_owner_began(thread->slot, rt_owner_begin(thread), thread->tid);
	rt_regs_start(&thread->regs, start->entry, start->stack, start->eflags);
	start_process(thread);
	must("cannot set the signal stack", rt_altstack_install(thread));
	must("cannot set the signal handlers", rt_actions_install());
	find_hiding_hooks();
	if (rt.bundle->hook_count)
		released = rt_start_release_signals(start);
	if (rt.bundle->world_count)
		rt_start_worlds(thread);
	rt.exe = (const char *)start->exe;
	place_thread_states();
	if (rt.bundle->memory_count)
		rt_run_memory_explain();
	/* A hook may choose only then its calls, on which depends what is patched, and to be told of signals. */
	if (failed(rt_callbacks_init(start->first)))
		for (;;)
			sys(exit_group, 125);
	if (rt.bundle->hook_count)
		rt_start_hold_signals(released);
	if (rt_callbacks_hear())
		rt.tell = rt_callbacks_signal;
	must("cannot set the handlers of signals that end the program", rt_signals_hear());
	rt_special_bits(special);
	rt_chain_build(special);
	start_fast_path(thread);
	rt_vdso_patch((uint64_t *)start->stack);
	if (rt.bundle->memory_count)
		rt_vsyscall_start((const uint64_t *)start->stack);
	must("cannot switch the guard on (Syscall User Dispatch)", rt_guard_arm());
	if (start->helper) {
		while (sys(wait4, start->helper, 0, __WALL, 0) == -EINTR)
			;
		if (start->sigmask & SIGBIT(SIGCHLD))
			rt_start_drop_signal(thread, start->helper);
		sys(prctl, PR_SET_PTRACER, start->ptracer);
	}
	rt_mask_keep(thread, start->sigmask);
	if (start->ptraced && !(start->ptraced & RT_PTRACED_TRACEME))
		rt_rendezvous(thread, RT_EXEC_STARTED, NULL);
	rt.begun = true;
	rt_mask_unblock(thread, rt_mask_kept(thread));
	rt_ptraced_started(thread, start);
	thread->made = 0;
}
