#include "rt/tracer/view.h"

#include <asm/errno.h>
#include <linux/ptrace.h>

#include "core/string.h"
#include "rt/base/entry_points.h"
#include "rt/base/filters.h"
#include "rt/base/gate.h"
#include "rt/base/return.h"

/* Shows the registers that the program would have at this point of its call, made of those in the thread block.
 * ctx: entry */
static void show_thread_regs(struct tracee_view *view, const struct rt_thread *thread)
{
	const struct core_regs *regs = &thread->regs;
	struct core_user_regs *to = &view->shown;

	core_regs_to_user(to, regs);
	to->orig_rax = ~0ul;
	/* One that has made no call yet is at the end of the execve, or of the call that created it. */
	if (view->kind == RT_STOP_EXIT || view->made || (view->returns && thread->call.way == K23_BY_GUARD) ||
	    !thread->call.ip)
		to->orig_rax = thread->orig_nr;
	if (!thread->in_call)
		return;
	to->orig_rax = regs->rax;
	if (view->in_gate && view->real.orig_rax == __NR_restart_syscall)
		to->orig_rax = __NR_restart_syscall;
	if (view->kind == RT_STOP_ENTRY) {
		to->rax = view->real.rax; /* a result that the tracer has set, which counts if the call is skipped */
		return;
	}
	to->rax = view->in_gate ? view->real.rax : (uint64_t)(view->made ? thread->made_result : -ENOSYS);
	if (view->arch == K23_ARCH_X86_64) {
		to->rcx = to->rip;
		to->r11 = to->eflags;
	}
}

/* offset: from the first of the gates of base/filters.h. ctx: entry */
static bool is_behind_verdict_gate(uint64_t offset)
{
	return offset <= RT_VERDICTS * RT_VERDICT_GATE + RT_SYSCALL_SIZE && offset % RT_VERDICT_GATE == RT_SYSCALL_SIZE;
}

/* The thread that a tracee is which is in its bundle. A hosted hook has a stack of its own, and so does for some
 * instructions the runtime when it enters or leaves one. ctx: entry */
static struct rt_thread *find_thread(const struct tracee *tracee, const struct core_user_regs *regs)
{
	bool in_runtime = regs->rip - tracee->gate < rt.bundle->runtime_text_size;
	struct rt_thread *found = NULL;

	if (rt.bundle->world_count || !in_runtime)
		found = (struct rt_thread *)tracee_thread(tracee);
	return found || !in_runtime ? found : rt_region_thread(regs->rsp);
}

/* ctx: entry */
long tracee_view(const struct tracee *tracee, struct tracee_view *view)
{
	struct rt_thread thread;
	uint64_t ip;
	long r = sys(ptrace, PTRACE_GETREGS, tracee->tid, 0, &view->real);

	if (failed(r))
		return r;
	view->shown = view->real;
	view->thread = NULL;
	view->kind = 0;
	view->in_call = view->made = view->in_gate = view->waits = view->restarts = view->returns = false;
	ip = view->ip = view->real.rip;
	view->nr = view->shown_nr = view->real.orig_rax;
	view->result = (int64_t)view->real.rax;
	if (tracee_view_fast(tracee, view)) {
		view->shown_nr = view->shown.orig_rax;
		return 0;
	}
	if (!tracee->bundle || ip - tracee->bundle >= tracee->size ||
	    ip - tracee_in_gate(tracee, rt_start) < (uint64_t)(rt_start_end - rt_start))
		return 0;
	view->in_gate = ip == tracee_in_gate(tracee, rt_gate_done) || ip == tracee_in_gate(tracee, rt_gate_i386_done) ||
			is_behind_verdict_gate(ip - tracee_in_gate(tracee, rt_gate_verdicts));
	view->waits = ip == tracee_in_gate(tracee, rt_gate_wait_done);
	view->restarts = (view->in_gate || view->waits) && (int64_t)view->real.rax >= -516 &&
			 (int64_t)view->real.rax <= -512;
	view->thread = find_thread(tracee, &view->real);
	r = tracee_read(tracee->tid, &thread, (uint64_t)view->thread, offsetof(struct rt_thread, temporary_mask));
	if (failed(r) || !thread.stack_top /* a new image, whose first thread is not set up yet */) {
		view->thread = NULL;
		return 0;
	}
	if (ip == tracee_in_gate(tracee, rt_gate_stop_ip))
		view->kind = (uint32_t)view->real.rdi;
	view->in_call = thread.in_call;
	view->made = thread.made && !view->in_gate;
	view->returns = !thread.signals &&
			ip - tracee_in_gate(tracee, rt_return_begin) < (uint64_t)(rt_return_end - rt_return_begin);
	view->arch = thread.call.arch;
	show_thread_regs(view, &thread);
	if (tracee->flags & TRACEE_EXEC_STOP)
		view->shown.rax = (uint64_t)-ENOSYS; /* execve has not returned yet */
	view->shown_nr = view->shown.orig_rax;
	return 0;
}

/* ctx: entry */
void tracee_skip_call(const struct tracee *tracee)
{
	struct tracee_view view;

	if (failed(tracee_view(tracee, &view)))
		return;
	if (view.kind == RT_STOP_ENTRY)
		view.real.rdx = 1;
	else
		view.real.orig_rax = ~0ul;
	sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &view.real);
}

/* ctx: entry */
void tracee_describe_stop(const struct tracee_view *view, struct ptrace_syscall_info *info)
{
	const struct core_user_regs *regs = &view->shown;
	bool i386 = view->arch != K23_ARCH_X86_64;

	info->arch = view->arch;
	info->instruction_pointer = regs->rip;
	info->stack_pointer = regs->rsp;
	if (info->op == PTRACE_SYSCALL_INFO_ENTRY || info->op == PTRACE_SYSCALL_INFO_SECCOMP) {
		info->entry.nr = (uint64_t)(int32_t)regs->orig_rax;
		info->entry.args[0] = i386 ? (uint32_t)regs->rbx : regs->rdi;
		info->entry.args[1] = i386 ? (uint32_t)regs->rcx : regs->rsi;
		info->entry.args[2] = i386 ? (uint32_t)regs->rdx : regs->rdx;
		info->entry.args[3] = i386 ? (uint32_t)regs->rsi : regs->r10;
		info->entry.args[4] = i386 ? (uint32_t)regs->rdi : regs->r8;
		info->entry.args[5] = i386 ? (uint32_t)regs->rbp : regs->r9;
	} else if (info->op == PTRACE_SYSCALL_INFO_EXIT) {
		info->exit.rval = (int64_t)regs->rax;
		info->exit.is_error = failed((long)regs->rax);
	}
}

/* ctx: entry */
long tracee_call_registers(const struct tracee_view *view, const struct ptrace_syscall_info *info,
			   struct core_user_regs *regs)
{
	*regs = view->shown;
	if (info->op == PTRACE_SYSCALL_INFO_EXIT) {
		regs->rax = (uint64_t)info->exit.rval;
		return 0;
	}
	if (info->op != PTRACE_SYSCALL_INFO_ENTRY && info->op != PTRACE_SYSCALL_INFO_SECCOMP)
		return -EINVAL;
	if ((int64_t)info->entry.nr != (int32_t)info->entry.nr)
		return -ERANGE;
	regs->orig_rax = info->entry.nr;
	if ((int32_t)info->entry.nr == -1) /* the call is not made */
		return 0;
	if (view->arch == K23_ARCH_X86_64) {
		regs->rdi = info->entry.args[0];
		regs->rsi = info->entry.args[1];
		regs->rdx = info->entry.args[2];
		regs->r10 = info->entry.args[3];
		regs->r8 = info->entry.args[4];
		regs->r9 = info->entry.args[5];
		return 0;
	}
	for (int i = 0; i < 6; i++)
		if (info->entry.args[i] >> 32)
			return -ERANGE;
	regs->rbx = info->entry.args[0];
	regs->rcx = info->entry.args[1];
	regs->rdx = info->entry.args[2];
	regs->rsi = info->entry.args[3];
	regs->rdi = info->entry.args[4];
	regs->rbp = info->entry.args[5];
	return 0;
}

/* ctx: entry */
long tracee_load_shown(const struct tracee *tracee, const struct tracee_view *view)
{
	struct core_user_regs regs = tracee_registers(view, &view->shown);

	return sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &regs);
}

/* Changes the runtime's call as the tracer changes the program's. Only what the tracer changes is copied, as the
 * runtime may have arguments of its own. ctx: entry */
static void change_call(struct core_user_regs *real, const struct core_user_regs *shown,
			const struct core_user_regs *wanted)
{
	static const uint8_t places[] = {
		offsetof(struct core_user_regs, orig_rax), offsetof(struct core_user_regs, rax),
		offsetof(struct core_user_regs, rdi), offsetof(struct core_user_regs, rsi),
		offsetof(struct core_user_regs, rdx), offsetof(struct core_user_regs, r10),
		offsetof(struct core_user_regs, r8), offsetof(struct core_user_regs, r9),
	};

	for (size_t i = 0; i < sizeof(places); i++) {
		size_t at = places[i];

		if (memcmp((const char *)wanted + at, (const char *)shown + at, 8) != 0)
			memcpy((char *)real + at, (const char *)wanted + at, 8);
	}
}

/* Whether the kernel has not made the call yet: the tracee is in its entry stop, or in that of a filter, where the
 * tracer may have taken the call away. ctx: entry */
static bool is_before_call(const struct tracee *tracee, const struct tracee_view *view)
{
	if (!view->in_gate || view->arch != K23_ARCH_X86_64)
		return false;
	return (view->real.orig_rax != ~0ul && (int64_t)view->real.rax == -ENOSYS) ||
	       (tracee->flags & TRACEE_SHOWN && tracee->seen >> 8 == PTRACE_EVENT_SECCOMP);
}

/* Sets the program's registers while the tracee is in the runtime: in the thread block, from where the runtime loads
 * them when it returns. ctx: entry */
static long set_thread_regs(const struct tracee *tracee, const struct tracee_view *view,
			    const struct core_user_regs *from)
{
	uint64_t base = (uint64_t)view->thread, nr = from->orig_rax, rax;
	struct core_regs to;
	struct core_user_regs real = view->real;
	bool before = is_before_call(tracee, view);
	long r = tracee_read(tracee->tid, &to, base, sizeof(to));

	if (failed(r))
		return r;
	rax = to.rax;
	core_regs_from_user(&to, from);
	to.rax = rax;
	/* At the entry stop the tracer sets the call's number in orig_rax. The thread block keeps it in rax until the
	 * call ends. What the tracer sets in rax is lost, unless it also takes the call away by the number -1. */
	if (view->kind == RT_STOP_ENTRY) {
		to.rax = nr;
		real.rax = from->rax;
		real.rdx = (int32_t)nr == -1;
	} else if (before) {
		to.rax = nr;
	} else if (!view->in_call && !(tracee->flags & TRACEE_EXEC_STOP)) {
		to.rax = from->rax;
	}
	r = tracee_write(tracee->tid, base, &to, sizeof(to));
	if (!failed(r) && view->made)
		r = tracee_write(tracee->tid, base + offsetof(struct rt_thread, made_result), &from->rax, 8);
	real.fs_base = from->fs_base;
	real.gs_base = tracee_registers(view, from).gs_base;
	if (before)
		change_call(&real, &view->shown, from);
	if (!failed(r) && memcmp(&real, &view->real, sizeof(real)) != 0)
		r = sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &real);
	return r;
}

/* Sets the program's registers when a signal has stopped the tracee in a call that is to be made again. They take the
 * place of the runtime's registers, so the call in the runtime is given up. The kernel then makes the call again at the
 * program's own instruction, or not, as the new registers say. ctx: entry */
static long leave_runtime(const struct tracee *tracee, const struct tracee_view *view,
			  const struct core_user_regs *regs)
{
	static const uint32_t none;
	uint64_t base = (uint64_t)view->thread;
	struct core_user_regs real;
	long r = tracee_write(tracee->tid, base + offsetof(struct rt_thread, in_call), &none, sizeof(none));

	if (!failed(r))
		r = tracee_write(tracee->tid, base + offsetof(struct rt_thread, runs), &none, sizeof(none));
	real = tracee_registers(view, regs);
	return failed(r) ? r : sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &real);
}

/* ctx: entry */
long tracee_set_registers(const struct tracee *tracee, const struct tracee_view *view,
			  const struct core_user_regs *regs)
{
	if (memcmp(regs, &view->shown, sizeof(*regs)) == 0)
		return 0;
	if (!view->thread) {
		struct core_user_regs real = tracee_registers(view, regs);

		return sys(ptrace, PTRACE_SETREGS, tracee->tid, 0, &real);
	}
	if (view->in_gate && view->restarts && view->real.orig_rax != ~0ul)
		return leave_runtime(tracee, view, regs);
	return set_thread_regs(tracee, view, regs);
}
