#include "rt/entry/crash.h"

#include <asm/errno.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "core/describe.h"
#include "core/format.h"
#include "core/page.h"
#include "rt/base/chain.h"
#include "rt/base/copy.h"
#include "rt/base/message.h"
#include "rt/base/queue.h"
#include "rt/x86_64/entry/faults.h"

/* A call that is made where it stands is not in a hook. ctx: sigsys */
bool rt_hook_strayed(const struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc)
{
	return rt.bundle->hook_count && (thread->in_call || thread->callback || thread->own) && !thread->stepping &&
	       !rt_in_image(rt_regs_ip(rt_context_regs(uc))) && rt_is_fault(sig, info, uc);
}

/* ctx: sigsys */
static const char *signal_name(int sig)
{
	static const char names[][8] = {
		[SIGSEGV] = "SIGSEGV", [SIGBUS] = "SIGBUS", [SIGILL] = "SIGILL", [SIGFPE] = "SIGFPE",
		[SIGTRAP] = "SIGTRAP",
	};

	return names[sig];
}

/* The hook that code belongs to, or else the one that runs, if one does. ctx: sigsys */
static const struct bundle_hook *find_hook(const struct rt_thread *thread, uint64_t offset)
{
	uint32_t running = rt_runs_now(thread);

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		if (offset >= rt.bundle->hooks[i].start && offset < rt.bundle->hooks[i].end)
			return &rt.bundle->hooks[i];
	return running - 1 < rt.bundle->hook_count ? &rt.bundle->hooks[running - 1] : NULL;
}

/* What was being done. ctx: sigsys */
static const char *describe_work(struct rt_thread *thread, char *text, size_t size)
{
	struct k23_syscall_info *info = &thread->described;

	if (thread->callback)
		core_print(text, size, "its %s", thread->callback);
	else if (!thread->in_call)
		core_print(text, size, "no system call");
	else if (core_describe(thread->call.arch, thread->call.nr, info))
		core_print(text, size, "%s", info->name);
	else
		core_print(text, size, "system call %ld", thread->call.nr);
	return text;
}

/* Which stack is full, if memory is the guard page of the one on which the hook runs; otherwise NULL. ctx: sigsys */
static const char *full_stack(const struct rt_thread *thread, uint64_t address)
{
	if (address - (thread->stack_top & ~(RT_REGION_SIZE - 1)) < CORE_PAGE)
		return "its stack is full: hooks have about 60 KB";
	if (thread->world && address - thread->world->stack < CORE_PAGE)
		return "its stack is full: hosted hooks have about 1 MB";
	return NULL;
}

/* The line of the code: the command finds it in the hook's file, in a process that knows nothing of this one.
 * ctx: sigsys */
static void tell_line(const char *file, uint64_t offset)
{
	char address[24];
	const char *argv[] = { "k23", "cc", "--where", file, address, NULL }, *envp[] = { NULL };
	long child;

	if (!rt.bundle->tool)
		return;
	core_print(address, sizeof(address), "0x%lx", offset);
	child = sys(clone, CLONE_UNTRACED, 0, 0, 0, 0);
	if (child == 0) {
		sys(execve, (const char *)rt.start + rt.bundle->tool, argv, envp);
		for (;;)
			sys(exit_group, 1);
	}
	while (child > 0 && sys(wait4, child, 0, __WALL, 0) == -EINTR)
		;
}

/* Where in the bundle the code is; if it has jumped out of there, where it has probably been called from.
 * ctx: sigsys */
static uint64_t find_place(const struct core_regs *regs, bool *jumped)
{
	uint64_t ip = rt_regs_ip(regs), caller;

	*jumped = !rt_in_image(ip);
	if (*jumped && !failed(rt_copy_from(&caller, rt_regs_sp(regs), sizeof(caller))) && rt_in_image(caller))
		ip = caller - 1;
	return ip - rt.start;
}

/* ctx: sigsys */
static void tell(struct rt_thread *thread, int sig, const struct core_regs *regs, uint64_t address)
{
	bool jumped;
	uint64_t offset = find_place(regs, &jumped);
	const struct bundle_hook *hook = find_hook(thread, offset);
	bool inside = hook && offset >= hook->start && offset < hook->end;
	const char *file = hook ? (const char *)rt.start + hook->file : NULL;
	const char *full = full_stack(thread, address);
	char where[64], what[64];

	describe_work(thread, where, sizeof(where));
	if (full)
		core_print(what, sizeof(what), "%s", full);
	else if (jumped)
		core_print(what, sizeof(what), "from where it has jumped to 0x%lx", rt_regs_ip(regs));
	else
		core_print(what, sizeof(what), "address 0x%lx", address);
	if (!hook) {
		rt_message("the runtime crashed with signal %d (%s) in %s, at bundle+0x%lx, %s", sig, signal_name(sig),
			   where, offset, what);
		return;
	}
	rt_message("hook %s (%s) crashed with signal %d (%s) in %s, at %s+0x%lx, %s",
		   rt_chain_hook((uint32_t)(hook - rt.bundle->hooks))->name, file, sig, signal_name(sig), where,
		   inside ? "hook" : "bundle", offset - (inside ? hook->start : 0), what);
	if (inside && !thread->strict)
		tell_line(file, offset - hook->start);
}

/* ctx: sigsys */
void rt_crashed(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc)
{
	struct rt_sigaction action = { .handler = (uint64_t)SIG_DFL };

	tell(thread, sig, rt_context_regs(uc), (uint64_t)info->si_addr);
	sys(rt_sigaction, sig, &action, 0, 8);
	if (sig == SIGTRAP)
		rt_queue_signal(thread, sig, NULL);
	uc->uc_sigmask &= ~SIGBIT(sig);
}
