#include "rt/entry/crash.h"

#include "rt/base/chain.h"
#include "rt/base/message.h"
#include "rt/signal/deliver.h"

/* ctx: sigsys */
void rt_crashed(struct rt_thread *thread, int sig, const siginfo_t *info, struct ucontext *uc)
{
	struct rt_sigaction action = { .handler = (uint64_t)SIG_DFL };
	uint64_t ip = rt_regs_ip(rt_context_regs(uc));
	const struct bundle_hook *hook = NULL;
	uint32_t running = thread->runs || !thread->in_call ? thread->runs : thread->call.next;

	for (uint32_t i = 0; i < rt.bundle->hook_count; i++)
		if (ip - rt.start >= rt.bundle->hooks[i].start && ip - rt.start < rt.bundle->hooks[i].end)
			hook = &rt.bundle->hooks[i];
	if (!hook && running - 1 < rt.bundle->hook_count)
		hook = &rt.bundle->hooks[running - 1];
	if (hook)
		rt_message("hook %s (%s) crashed with signal %d in system call %ld, at %s+0x%lx, address 0x%lx",
			   rt_chain_hook((uint32_t)(hook - rt.bundle->hooks))->name,
			   (const char *)rt.start + hook->file, sig, thread->in_call ? thread->call.nr : -1l,
			   ip - rt.start < hook->end && ip - rt.start >= hook->start ? "hook" : "bundle",
			   ip - rt.start -
				   (ip - rt.start < hook->end && ip - rt.start >= hook->start ? hook->start : 0),
			   (unsigned long)info->si_addr);
	else
		rt_message("the runtime crashed with signal %d in system call %ld, at bundle+0x%lx, address 0x%lx",
			   sig, thread->in_call ? thread->call.nr : -1l, ip - rt.start,
			   (unsigned long)info->si_addr);
	sys(rt_sigaction, sig, &action, 0, 8);
	if (sig == SIGTRAP)
		rt_deliver_queue(thread, sig, NULL);
	uc->uc_sigmask &= ~SIGBIT(sig);
}
